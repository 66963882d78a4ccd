"""Slows down who guesses passwords."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_BY_NAME = RateLimitItemPerMinute(10, 5)  # tries at one name from one address in five minutes
_BY_ADDRESS = RateLimitItemPerMinute(100, 5)  # tries at any name from one address


class LoginThrottle:
    """Counts the tries to log in, by name and address, and by address alone."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def attempt(self, name: str, address: str) -> int | None:
        """Count a try.

        Args:
            name: the account somebody tries to get into, folded.
            address: the IP address it comes from.

        Returns:
            None when it may go on; otherwise the seconds to wait.
        """
        for limit, keys in ((_BY_NAME, (name, address)), (_BY_ADDRESS, (address,))):
            if not self._limiter.hit(limit, *keys):
                return self._wait(limit, keys)
        return None

    def succeeded(self, name: str, address: str) -> None:
        """Forget the tries at a name: somebody knew the password."""
        self._limiter.clear(_BY_NAME, name, address)

    def _wait(self, limit: RateLimitItem, keys: tuple[str, ...]) -> int:
        reset: float = self._limiter.get_window_stats(limit, *keys).reset_time
        return max(1, math.ceil(reset - time.time()))
