"""Failures that repeat while a database is away: the log tells the first, then one a minute."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 60.0  # seconds


class Repeated:
    """Tells which of many failures are worth a line: the first, and then one a minute.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at = float("-inf")

    def is_due(self) -> bool:
        """Return True if a failure that has just happened is to be logged."""
        now = self._clock()
        if now - self._told_at < EVERY:
            return False
        self._told_at = now
        return True

    def over(self) -> None:
        """Note a success: the next failure is a first one."""
        self._told_at = float("-inf")
