"""Requests that are kept waiting: one future and at most one timer each."""

from __future__ import annotations

import asyncio

from sandbox.errors import SandboxError


class Wait:
    """One request that is kept without an answer until something happens.

    Args:
        seconds: Wake up by itself after this long; None waits for ever.

    Needs a running event loop.
    """

    __slots__ = ("_future", "_timer")

    def __init__(self, *, seconds: float | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = loop.create_future()
        self._timer = None if seconds is None else loop.call_later(seconds, self.wake)

    @property
    def over(self) -> bool:
        """Whether the request has been woken or ended."""
        return self._future.done()

    def wake(self) -> None:
        """Let the request go on; a second call does nothing."""
        if not self._future.done():
            self._future.set_result(None)

    def end(self, error: SandboxError) -> None:
        """Make the request fail with `error`, unless it was woken before."""
        if not self._future.done():
            self._future.set_exception(error)

    async def finished(self) -> None:
        """Wait for `wake` or `end`.

        Raises:
            SandboxError: The error given to `end`.
        """
        try:
            await self._future
        finally:
            if self._timer is not None:
                self._timer.cancel()
