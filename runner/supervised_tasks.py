"""The tasks of one part of a run: their unexpected end is reported, and they end together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Set
from typing import Any

log = logging.getLogger("botyard.runner")

Task = asyncio.Task[None]


class SupervisedTasks:
    """Tasks of which none may end with an error.

    A TaskGroup is not used, because it would wait for handlers that ignore cancellation.
    """

    def __init__(self) -> None:
        self._on_crash: Callable[[BaseException | None], None] | None = None  # while it is open
        self._tasks: set[Task] = set()

    @property
    def is_open(self) -> bool:
        """Return True between `open` and `shut` or the first crash."""
        return self._on_crash is not None

    def open(self, on_crash: Callable[[BaseException | None], None]) -> None:
        """Begin.

        Args:
            on_crash: called when a task ends that should not, with its error; None if it was
                cancelled.
        """
        self._on_crash = on_crash

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Start a task."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: Task) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if (task.cancelled() or error is not None) and self._on_crash is not None:
            on_crash, self._on_crash = self._on_crash, None
            on_crash(error)

    def shut(self) -> None:
        """Report no crash from now on."""
        self._on_crash = None

    def cancel_except(self, spared: Set[Task | None]) -> None:
        """Cancel all tasks but some."""
        for task in self._tasks - spared:
            task.cancel()

    async def end(self, *, grace: float, cut_wait: float) -> None:
        """Wait for the end of all tasks.

        Args:
            grace: seconds that they get to finish.
            cut_wait: seconds that they get to end once they are cancelled.
        """
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)
        stuck = set(self._tasks)
        for task in stuck:
            task.cancel()
        if stuck:
            await asyncio.wait(stuck, timeout=cut_wait)
        for task in stuck:
            if not task.done():
                log.error("%s does not stop; abandoned it", task.get_name())
