"""How Telegram's own server slows down programs that poll too often, or two at once."""

from __future__ import annotations

from sandbox.errors import ApiError
from sandbox.flood import Clock

CONFLICT_PAUSE = 3.0  # seconds between two answers 409, and for which another one is held back
REPEATED = 3.0  # seconds in which the same offset again waits, as with this timeout
HASTY = 0.5  # seconds in which the same offset again gets one update


class PollRules:
    """The memory of one bot's polls that these rules need.

    Args:
        strict: follow the rules; without, nothing is held back and every poll gets what it asks.
        clock: monotonic time in seconds.

    Source: https://github.com/tdlib/telegram-bot-api, Client.cpp: `process_get_updates_query` and
    `fail_query_conflict`.
    """

    def __init__(self, *, strict: bool, clock: Clock) -> None:
        self._strict = strict
        self._clock = clock
        self._next_conflict = float("-inf")
        self._last: tuple[int, float] | None = None  # offset, when

    def conflict(self, description: str) -> ApiError:
        """Make a 409; of those that come within three seconds, only the first is not held back."""
        now = self._clock()
        if not self._strict or now >= self._next_conflict:
            self._next_conflict = now + CONFLICT_PAUSE
            return ApiError(409, description)
        return ApiError(409, description, held=CONFLICT_PAUSE)

    def slow_down(self, *, offset: int, limit: int, timeout: int) -> tuple[int, int]:
        """Note a getUpdates, and give the limit and the timeout that it really gets."""
        now, last = self._clock(), self._last
        self._last = (offset, now)
        if not self._strict or last is None or last[0] != offset:
            return limit, timeout
        if now < last[1] + REPEATED:
            timeout = max(timeout, int(REPEATED))
        if now < last[1] + HASTY:
            limit = 1
        return limit, timeout
