"""The id of the request at hand: it is in the answer, and on every log line written meanwhile."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _Mark:
    """What the context of a request carries.

    Tasks that a request starts inherit its context, and some live for days (a bot does): their
    lines are the request's for as long as it is handled, and no longer.
    """

    __slots__ = ("over", "value")

    def __init__(self, value: str) -> None:
        self.value = value
        self.over = False


_current: ContextVar[_Mark | None] = ContextVar("request_id", default=None)


def choose(given: str | None) -> str:
    """The id of a request.

    Args:
        given: the header X-Request-ID; taken when it is sane, so that one id leads through the
            logs of all programs on the way.
    """
    if given is not None and _SANE.fullmatch(given):
        return given
    return secrets.token_hex(8)


@contextmanager
def under_way(value: str) -> Iterator[None]:
    """Mark what happens in this context, and in tasks it starts, as this request's."""
    mark = _Mark(value)
    token = _current.set(mark)
    try:
        yield
    finally:
        mark.over = True
        _current.reset(token)


def current() -> str | None:
    """The id of the request that is being handled here; None outside of one."""
    mark = _current.get()
    return None if mark is None or mark.over else mark.value
