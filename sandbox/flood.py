"""Optional flood limits: Telegram's three buckets, and so many messages a second; then 429."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from sandbox.errors import too_many_requests

WINDOW = 1.0

_SECOND = 1_000_000_000  # nanoseconds

Clock = Callable[[], float]


class Bucket:
    """A token bucket that counts in whole numbers, so that no fraction of a token is lost.

    A nanosecond gives back `refill` units, and a token is `period` of them.

    Args:
        size: How many tokens it holds; it begins full.
        refill: How many tokens come back in a period.
        period: In nanoseconds.
    """

    __slots__ = ("_missing", "_period", "_refill", "_room", "_time")

    def __init__(self, size: int, *, refill: int, period: int = _SECOND) -> None:
        self._room = size * period
        self._refill = refill
        self._period = period
        self._missing = 0
        self._time = 0

    def wait(self, now: int, count: int) -> int:
        """Give the nanoseconds until `count` tokens are there; nothing is taken."""
        self._missing = max(self._missing - max(now - self._time, 0) * self._refill, 0)
        self._time = max(now, self._time)
        lacking = self._missing + count * self._period - self._room
        return -(-lacking // self._refill) if lacking > 0 else 0

    def take(self, count: int) -> None:
        """Take tokens that `wait` has found."""
        self._missing += count * self._period


class FloodLimit:
    """The flood limits of one bot.

    Args:
        per_second: Messages that it may send or edit in any one second; None sets no limit.
        limits: Telegram's own limits: 30 a second, in each chat one a second after 20 at once,
            and in each group 20 a minute.
        clock: Monotonic time in seconds.

    Attributes:
        refusals: How many calls it refused.

    Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    """

    def __init__(
        self, per_second: int | None, *, limits: bool = False, clock: Clock = time.monotonic
    ) -> None:
        self.refusals = 0
        self._clock = clock
        self.set_per_second(per_second)
        self.set_limits(limits)

    def set_per_second(self, per_second: int | None) -> None:
        """Begin anew with another limit of messages in a second."""
        self._per_second = per_second
        self._times: deque[float] = deque()

    def set_limits(self, limits: bool) -> None:
        """Switch Telegram's own limits on, with full buckets, or off."""
        self._bot = Bucket(30, refill=30) if limits else None
        self._chats: dict[int, list[Bucket]] = {}

    def check(self, chat_id: int, *, count: int = 1) -> None:
        """Count the messages of one call; one that is refused takes nothing.

        Args:
            chat_id: Where they go.
            count: How many they are; an album goes through as a whole or not at all.

        Raises:
            ApiError: 429 with `retry_after`, a limit is reached.
        """
        now = self._clock()
        buckets = self._buckets(chat_id)
        nanoseconds = round(now * _SECOND)
        seconds = [math.ceil(self._wait(now, count))]
        seconds += [-(-bucket.wait(nanoseconds, count) // _SECOND) for bucket in buckets]
        if any(seconds):
            self.refusals += 1
            raise too_many_requests(max(seconds))
        for bucket in buckets:
            bucket.take(count)
        if self._per_second is not None:
            self._times += [now] * count

    def _wait(self, now: float, count: int) -> float:
        """Give the seconds until the last second has room for `count` more messages."""
        if self._per_second is None:
            return 0
        while self._times and self._times[0] <= now - WINDOW:
            self._times.popleft()
        if len(self._times) + count <= self._per_second:
            return 0
        return self._times[0] + WINDOW - now if self._times else WINDOW

    def _buckets(self, chat_id: int) -> list[Bucket]:
        if self._bot is None:
            return []
        if chat_id not in self._chats:
            group = [Bucket(20, refill=20, period=60 * _SECOND)] if chat_id < 0 else []
            self._chats[chat_id] = [Bucket(20, refill=1), *group]
        return [self._bot, *self._chats[chat_id]]
