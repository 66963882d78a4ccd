"""Slows down who guesses passwords, or makes accounts by the hundred."""

from __future__ import annotations

import math
import time
from hashlib import sha256

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

_BY_NAME = RateLimitItemPerMinute(10, 5)  # tries at one name from one address in five minutes
_BY_ADDRESS = RateLimitItemPerMinute(100, 5)  # tries at any name from one address
_REGISTRATIONS = RateLimitItemPerHour(60)  # from one address


class LoginThrottle:
    """Counts tries to log in, by name and address and by address alone, and registrations.

    Fixed windows: the storage forgets them when they are over, whoever they were for.
    """

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def attempt(self, name: str, address: str) -> int | None:
        """Count a try to log in.

        Args:
            name: the account somebody tries to get into, folded.
            address: the IP address it comes from.

        Returns:
            None when it may go on; otherwise the seconds to wait.
        """
        # the address first: who is refused must not fill the memory with names
        return self._hit(_BY_ADDRESS, "login", address) or self._hit(
            _BY_NAME, "login", _digest(name), address
        )

    def succeeded(self, name: str, address: str) -> None:
        """Forget the tries at a name: somebody knew the password."""
        self._limiter.clear(_BY_NAME, "login", _digest(name), address)

    def registration(self, address: str) -> int | None:
        """Count a registration; as `attempt`."""
        return self._hit(_REGISTRATIONS, "registration", address)

    def _hit(self, limit: RateLimitItem, *key: str) -> int | None:
        if self._limiter.hit(limit, *key):
            return None
        reset: float = self._limiter.get_window_stats(limit, *key).reset_time
        return max(1, math.ceil(reset - time.time()))


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()
