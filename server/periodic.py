"""Periodic tasks that run as long as the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from models.errors import StorageError
from models.repeated import Repeated


class PeriodicTask:
    """Repeats a coroutine in a task; a failure does not stop it.

    One of the database is logged the first time, and then once a minute; any other always.

    Args:
        name: the name of the task and its logger.
        work: the coroutine function to repeat.
        every: seconds between the end of one run and the next.
        failed: the sentence to log when it fails.
        after: a task to wait for first.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        every: float,
        failed: str,
        after: asyncio.Task[None] | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._every = every
        self._failed = failed
        self._after = after
        self._repeated = Repeated()
        self._log = logging.getLogger(f"botyard.{name}")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task; needs the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def close(self) -> None:
        """Cancel the task and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        if self._after is not None:
            await asyncio.wait({self._after})
        while True:
            try:
                await self._work()
                self._repeated.over()
            except StorageError as error:
                if self._repeated.is_due():
                    self._log.warning("%s: %s", self._failed, error)
            except Exception:
                self._log.exception("%s", self._failed)
            await asyncio.sleep(self._every)
