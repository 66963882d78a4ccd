"""Event-loop lag: the delay between a timer's due time and its callback."""

from __future__ import annotations

import asyncio
import time

from models.engine.histogram import Histogram

EVERY = 0.25  # seconds between two measurements
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds


class LoopLag:
    """Measures the lag of the event loop, the first sign of overload.

    Attributes:
        measured: the delays.
    """

    def __init__(self) -> None:
        self.measured = Histogram(BOUNDS)
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start measuring; needs the running event loop."""
        # not the loop's own clock: uvloop's stands still within a turn
        self._due = time.monotonic() + EVERY
        self._timer = asyncio.get_running_loop().call_later(EVERY, self._measure)

    def _measure(self) -> None:
        self.measured.observe(max(0.0, time.monotonic() - self._due))
        self.start()

    def close(self) -> None:
        """Stop measuring."""
        if self._timer is not None:
            self._timer.cancel()
