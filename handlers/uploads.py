"""Bodies that are too large for the memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import tornado.web

from handlers.base import ApiHandler

Method = Callable[..., Coroutine[Any, Any, None]]


@tornado.web.stream_request_body
class StreamedHandler(ApiHandler):
    """A resource that receives its bodies in pieces.

    It decides twice: before the body, so that nobody sends one in vain, and once more after it,
    because the sender's session may have ended meanwhile.
    Subclasses implement `data_received` and coroutine methods such as `post`.
    """

    streamed = True

    def __init_subclass__(cls) -> None:
        for name in cls.SUPPORTED_METHODS:
            method = cls.__dict__.get(name.lower())
            if method is not None and name not in ("HEAD", "OPTIONS"):
                setattr(cls, name.lower(), _deciding_again(name, method))

    async def prepare(self) -> None:
        """Decide for the first time, and allow as much as the resource accepts."""
        await super().prepare()
        connection: Any = self.request.connection
        connection.set_max_body_size(self.max_body)


def _deciding_again(name: str, method: Method) -> Method:
    @wraps(method)
    async def decide(self: StreamedHandler, *args: str) -> None:
        await self.admit(name)
        await method(self, *args)

    return decide
