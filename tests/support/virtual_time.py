"""An event loop whose clock jumps to what is due next: nobody waits."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For tests that do no input or output."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0

    def time(self) -> float:
        """The seconds since the beginning."""
        return self._seconds

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:  # nothing is due with these
            heapq.heappop(self._scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        if not self._ready and self._scheduled:
            # a little later, as with any clock: sums of floats are not exact
            self._seconds = max(self._seconds, self._scheduled[0]._when) + 1e-6
        super()._run_once()


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run something from its beginning to its end."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
