"""Bodies that are too large to keep in memory."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import tornado.web

from handlers.base import ApiHandler
from handlers.bodies import close_afterwards

Method = Callable[..., Coroutine[Any, Any, None]]


@tornado.web.stream_request_body
class StreamedHandler(ApiHandler):
    """A resource that receives its bodies in pieces.

    It authorizes the request twice: before the body, so that no client sends one in vain, and
    again after it, because the sender's session may have ended in the meantime.
    Subclasses implement `data_received` and coroutine methods such as `post`.
    """

    streamed = True

    def __init_subclass__(cls) -> None:
        for name in cls.SUPPORTED_METHODS:
            method = cls.__dict__.get(name.lower())
            if method is not None and name not in ("HEAD", "OPTIONS"):
                setattr(cls, name.lower(), _deciding_again(name, method))

    async def prepare(self) -> None:
        """Authorize the request, and allow bodies up to the limit of the resource."""
        await super().prepare()
        connection: Any = self.request.connection
        connection.set_max_body_size(self.max_body)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        """Send the answer; before the body has come, Tornado closes the connection after it."""
        body: Future[None] | None = getattr(self.request, "_body_future", None)
        if body is not None and not body.done():
            self.set_header("Connection", "close")
            close_afterwards(self.request.connection)
        return super().finish(chunk)


def _deciding_again(name: str, method: Method) -> Method:
    @wraps(method)
    async def decide(self: StreamedHandler, *args: str) -> None:
        await self.admit(name)
        await method(self, *args)

    return decide
