"""Counts answers by route; labels come from the route table, never from a client."""

from __future__ import annotations

import inspect
import re
from collections import Counter, defaultdict
from functools import cache

from tornado.routing import URLSpec

from handlers.bodies import BodyHandler
from models.engine.histogram import Histogram

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
UNKNOWN = "unknown"


class RequestCounts:
    """The answers since the start.

    Args:
        routes: the route table.

    Attributes:
        answered: their number, by route, method and status.
        seconds: their duration, by route.
    """

    def __init__(self, routes: list[URLSpec]) -> None:
        self.answered: Counter[tuple[str, str, int]] = Counter()
        self.seconds: dict[str, Histogram] = defaultdict(lambda: Histogram(BOUNDS))
        self._routes: defaultdict[type, list[tuple[re.Pattern[str], str]]] = defaultdict(list)
        for route in routes:
            self._routes[route.target].append((route.regex, _label(route)))

    def count(self, handler: BodyHandler) -> None:
        """Count a request that was just answered."""
        route, request = self._route(handler), handler.request
        method = request.method if request.method in handler.SUPPORTED_METHODS else UNKNOWN
        self.answered[route, method or UNKNOWN, handler.get_status()] += 1
        if handler.timed:
            self.seconds[route].observe(request.request_time())

    def _route(self, handler: BodyHandler) -> str:
        for regex, label in self._routes.get(type(handler), ()):
            if regex.match(handler.request.path):
                return label
        return UNKNOWN


def _label(route: URLSpec) -> str:
    """Return a route's pattern as people write it, such as /api/v1/telegram_data/{bot_id}/."""
    pattern = route.regex.pattern.removesuffix("$").replace("/?", "/").replace("\\.", ".")
    names = iter(_parameters(route.target))
    return re.sub(r"\(.*?\)", lambda _: "{" + next(names) + "}", pattern)


@cache  # a process has one server; the tests start hundreds
def _parameters(handler: type[BodyHandler]) -> list[str]:
    """Return the names that a handler's methods have for the parts of its path."""
    for method in ("get", "post", "put", "patch", "delete"):
        names = list(inspect.signature(getattr(handler, method)).parameters)[1:]
        if names and names[0] not in ("args", "kwargs"):
            return names
    return []
