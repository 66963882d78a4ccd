"""Token buckets, kept only while they are not full: of one process, or of several together."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple, Protocol

from models.accounts import buckets as table
from models.accounts.buckets import Taken
from models.engine.database import Database
from services.errors import AccountTooFast
from services.windows import digest

_PROCESSES = 64  # more of them than this never share a database


class TokenBuckets:
    """A token bucket per key (the generic cell rate algorithm: one number per bucket).

    Full buckets are dropped, so that memory use depends on the recent callers only.

    Args:
        burst: the capacity of a bucket, in tokens.
        rate: tokens that are added per second.
        clock: returns monotonic seconds.
        error: the exception for an empty bucket.
    """

    def __init__(
        self,
        *,
        burst: int,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        error: type[AccountTooFast] = AccountTooFast,
    ) -> None:
        self._error = error
        self._interval = 1.0 / rate
        self._tolerance = (burst - 1 + 1e-6) * self._interval  # sums of floats are not exact
        self._clock = clock
        # The time at which each bucket is full again, the least recently used one first.
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Take a token.

        Raises:
            AccountTooFast: the bucket is empty.
        """
        now = self._clock()
        self._drop_full(now)
        full_at = max(self._full_at.get(key, now), now)
        if full_at - now > self._tolerance:
            seconds = max(1, math.ceil(full_at - now - self._tolerance))
            raise self._error(seconds)
        self._full_at[key] = full_at + self._interval
        self._full_at.move_to_end(key)

    def _drop_full(self, now: float) -> None:
        while self._full_at:
            key = next(iter(self._full_at))
            if self._full_at[key] > now:
                return
            del self._full_at[key]

    def __len__(self) -> int:
        """Return the number of buckets in memory."""
        return len(self._full_at)


class BucketStorage(Protocol):
    """Makes token buckets, and tells other processes what was taken from them."""

    def make(
        self, name: str, *, burst: int, rate: float, error: type[AccountTooFast] = AccountTooFast
    ) -> TokenBuckets:
        """Make the buckets of one kind.

        Args:
            name: of the kind; the same in every process.
            burst, rate, error: as for `TokenBuckets`.
        """

    async def sync(self) -> None:
        """Exchange with the other processes what was taken.

        Raises:
            StorageUnavailable: the database did not answer; the next time makes up for it.
        """


class LocalBuckets:
    """Buckets of the only process.

    Args:
        clock: as for `TokenBuckets`.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    def make(
        self, name: str, *, burst: int, rate: float, error: type[AccountTooFast] = AccountTooFast
    ) -> TokenBuckets:
        """Make the buckets of one kind; see `BucketStorage`."""
        return TokenBuckets(burst=burst, rate=rate, clock=self._clock, error=error)

    async def sync(self) -> None:
        """Do nothing, because there is no other process."""


class _Tokens(NamedTuple):
    """What was taken from a bucket, and is not in the table yet."""

    number: int
    since: float


class _SyncedBuckets(TokenBuckets):
    """Buckets that remember what was taken from them until it is in the table."""

    def __init__(
        self, *, burst: int, rate: float, clock: Callable[[], float], error: type[AccountTooFast]
    ) -> None:
        super().__init__(burst=burst, rate=rate, clock=clock, error=error)
        self._taken: dict[Hashable, _Tokens] = {}
        # with debts: every process may let a burst through before it knows of the others'
        self.longest = _PROCESSES * burst * self._interval

    def take(self, key: Hashable) -> None:
        """Take a token; see `TokenBuckets`."""
        super().take(key)
        number, since = self._taken.get(key) or (0, self._clock())
        self._taken[key] = _Tokens(number + 1, since)

    def collect(self) -> dict[Hashable, _Tokens]:
        """Return what was taken since the last call."""
        taken, self._taken = self._taken, {}
        return taken

    def put_back(self, key: Hashable, tokens: _Tokens) -> None:
        """Keep what did not get into the table; forget it if the bucket is full by now."""
        if self._full_at.get(key, 0.0) > self._clock():
            later = self._taken.get(key)
            self._taken[key] = _Tokens(tokens.number + (later.number if later else 0), tokens.since)

    def cost(self, tokens: _Tokens) -> float:
        """Return the seconds that it takes to make tokens."""
        return tokens.number * self._interval

    def lower(self, key: Hashable, full_at: float) -> None:
        """Take what other processes took.

        Args:
            full_at: the time at which the bucket is full again, by the table, which lacks what
                was taken since `collect`.
        """
        later = self._taken.get(key)
        full_at += self.cost(later) if later else 0.0
        # The table may know less: it puts all that a process took in one second at its beginning.
        if full_at > self._full_at.get(key, self._clock()):
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)


class SharedBuckets:
    """Buckets of all processes on one PostgreSQL: in memory, and synchronized through a table.

    A request needs no database: it takes from the buckets of its process, which learn with `sync`
    what the others took. Until then, each process lets through what it would let through alone.
    That is a debt: the bucket is full again only when it is paid, so the rate holds all the same.

    Args:
        db: the database.
        secret: for the digests of keys; the same in every process.
        clock: as for `TokenBuckets`.
    """

    def __init__(
        self, db: Database, *, secret: bytes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._secret = secret
        self._clock = clock
        self._by_name: dict[str, _SyncedBuckets] = {}

    def make(
        self, name: str, *, burst: int, rate: float, error: type[AccountTooFast] = AccountTooFast
    ) -> TokenBuckets:
        """Make the buckets of one kind; see `BucketStorage`."""
        buckets = _SyncedBuckets(burst=burst, rate=rate, clock=self._clock, error=error)
        self._by_name[name] = buckets
        return buckets

    async def sync(self) -> None:
        """Write what was taken, and read how full these buckets are; see `BucketStorage`."""
        taken = {
            digest(self._secret, name, key): (buckets, key, tokens)
            for name, buckets in self._by_name.items()
            for key, tokens in buckets.collect().items()
        }
        if not taken:
            return
        now = self._clock()
        try:
            filled = await self._db.write_apart(table.add, _rows(taken, now))
        except Exception:
            for buckets, key, tokens in taken.values():
                buckets.put_back(key, tokens)
            raise
        for known_as, seconds in filled.items():
            buckets, key, _ = taken[known_as]
            buckets.lower(key, now + seconds)


def _rows(taken: Mapping[str, tuple[_SyncedBuckets, Hashable, _Tokens]], now: float) -> list[Taken]:
    return [
        Taken(known_as, buckets.cost(tokens), max(0.0, now - tokens.since), buckets.longest)
        for known_as, (buckets, _, tokens) in taken.items()
    ]
