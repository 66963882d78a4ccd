"""How long a process may believe that it owns its bots, without asking."""

from __future__ import annotations

import time
from collections.abc import Callable


def boottime() -> float:
    """Return seconds of a clock that goes on while the machine is suspended, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Lease:
    """The time that this process trusts its own heartbeat.

    It counts from before the heartbeat was sent, and is shorter than others wait before they take
    over. No clock is compared with another: only their rates have to be alike.

    Args:
        trust: seconds.
        clock: returns seconds.
    """

    def __init__(self, trust: float, *, clock: Callable[[], float] = boottime) -> None:
        self._trust = trust
        self._clock = clock
        self._until = self._renewed_at = float("-inf")

    def now(self) -> float:
        """Return the clock's time."""
        return self._clock()

    def renew(self, began: float) -> None:
        """Note that a heartbeat has succeeded.

        Args:
            began: the clock's time before it was sent.
        """
        self._until = max(self._until, began + self._trust)
        self._renewed_at = max(self._renewed_at, began)

    def end(self) -> None:
        """Trust nothing any more, until the next heartbeat succeeds."""
        self._until = float("-inf")

    @property
    def left(self) -> float:
        """The seconds that are left; 0 or less if the lease is over."""
        return self._until - self._clock()

    @property
    def age(self) -> float:
        """The seconds since the last heartbeat that succeeded."""
        return self._clock() - self._renewed_at

    def is_valid(self) -> bool:
        """Return True while this process may act for its bots."""
        return self._clock() < self._until
