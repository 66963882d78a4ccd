"""Counts of attempts in fixed time windows: in memory, or for several processes in a table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple, Protocol

from models.accounts import attempts
from models.accounts.attempts import Counted, Window
from models.engine.database import Database


@dataclass(frozen=True, slots=True)
class Limit:
    """A maximum number of events in a window.

    Args:
        name: the same in every process.
        events: the maximum number.
        seconds: the length of a window.
    """

    name: str
    events: int
    seconds: float


class Count(NamedTuple):
    """An event of somebody who has a window of their own."""

    limit: Limit
    key: Hashable


class WindowStorage(Protocol):
    """Where windows are kept."""

    async def wait(self, counts: Sequence[Count]) -> int | None:
        """Return the seconds until all of these are allowed; None if they are allowed now.

        Raises:
            StorageUnavailable: the database did not answer.
        """

    async def count(self, told: Sequence[Count], untold: Sequence[Count] = ()) -> Counted:
        """Count events in all windows, or in none if one of those that are told is full.

        Args:
            told: those that make the caller wait.
            untold: those that only make the attempt one in vain.

        Raises:
            StorageUnavailable: the database did not answer.
        """

    async def settle(
        self, *, cleared: Iterable[Count] = (), taken_back: Iterable[Count] = ()
    ) -> None:
        """Undo counts.

        Args:
            cleared: their windows are dropped.
            taken_back: they are not counted any more.

        Raises:
            StorageUnavailable: the database did not answer.
        """


class Windows:
    """Counts events in fixed time windows; a window begins with its first event.

    Args:
        limit: the maximum number of events in a window.
        seconds: the length of a window.
        clock: returns monotonic seconds; a wall clock could be set back.
    """

    def __init__(
        self, limit: int, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        # All windows have the same length, so they are in the order of their ends.
        self._windows: dict[Hashable, _Window] = {}

    def wait(self, key: Hashable) -> int | None:
        """Return the seconds until another event is allowed; None if one is allowed now."""
        now = self._clock()
        self._drop_ended(now)
        window = self._windows.get(key)
        if window is None or window.count < self._limit:
            return None
        return max(1, math.ceil(window.end - now))

    def add(self, key: Hashable) -> None:
        """Count an event."""
        now = self._clock()
        self._drop_ended(now)
        self._windows.setdefault(key, _Window(now + self._seconds)).count += 1

    def take_back(self, key: Hashable) -> None:
        """Undo the count of one event."""
        window = self._windows.get(key)
        if window is not None:
            window.count -= 1
            if window.count <= 0:
                del self._windows[key]

    def clear(self, key: Hashable) -> None:
        """Drop the window of a key."""
        with suppress(KeyError):
            del self._windows[key]

    def _drop_ended(self, now: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows))
            if self._windows[oldest].end > now:
                return
            del self._windows[oldest]

    def __len__(self) -> int:
        """Return the number of windows in memory."""
        return len(self._windows)


@dataclass(slots=True)
class _Window:
    end: float
    count: int = 0


class LocalWindows:
    """Windows in the memory of the only process.

    No method waits for anything, so that parallel attempts cannot come between its steps.

    Args:
        clock: as for `Windows`.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._make = partial(Windows, clock=clock)
        self._by_limit: dict[Limit, Windows] = {}

    def of(self, limit: Limit) -> Windows:
        """Return the windows of a limit."""
        if limit not in self._by_limit:
            self._by_limit[limit] = self._make(limit.events, limit.seconds)
        return self._by_limit[limit]

    async def wait(self, counts: Sequence[Count]) -> int | None:
        """Return the seconds to wait; see `WindowStorage`."""
        waits = (self.of(limit).wait(key) for limit, key in counts)
        return next((seconds for seconds in waits if seconds is not None), None)

    async def count(self, told: Sequence[Count], untold: Sequence[Count] = ()) -> Counted:
        """Count events; see `WindowStorage`."""
        if (seconds := await self.wait(told)) is not None:
            return Counted(seconds)
        in_vain = await self.wait(untold) is not None
        for limit, key in chain(told, untold):
            self.of(limit).add(key)
        return Counted(None, in_vain)

    async def settle(
        self, *, cleared: Iterable[Count] = (), taken_back: Iterable[Count] = ()
    ) -> None:
        """Undo counts; see `WindowStorage`."""
        for limit, key in cleared:
            self.of(limit).clear(key)
        for limit, key in taken_back:
            self.of(limit).take_back(key)


class SharedWindows:
    """Windows of all processes on one PostgreSQL, by the clock of the database.

    Args:
        db: the database.
        secret: for the digests of keys; the same in every process. Without it, somebody who reads
            the table could find out names and addresses by trying them.
    """

    def __init__(self, db: Database, *, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    async def wait(self, counts: Sequence[Count]) -> int | None:
        """Return the seconds to wait; see `WindowStorage`."""
        return await self._db.read(attempts.wait, self._windows(counts))

    async def count(self, told: Sequence[Count], untold: Sequence[Count] = ()) -> Counted:
        """Count events; see `WindowStorage`."""
        return await self._db.write_apart(
            attempts.count, self._windows(told), self._windows(untold)
        )

    async def settle(
        self, *, cleared: Iterable[Count] = (), taken_back: Iterable[Count] = ()
    ) -> None:
        """Undo counts; see `WindowStorage`."""
        dropped, undone = map(self._windows, (cleared, taken_back))
        if dropped or undone:
            await self._db.write_apart(
                attempts.settle,
                cleared=[window.key for window in dropped],
                taken_back=[window.key for window in undone],
            )

    def _windows(self, counts: Iterable[Count]) -> list[Window]:
        return [
            Window(digest(self._secret, limit.name, key), limit.events, limit.seconds)
            for limit, key in counts
        ]


def digest(secret: bytes, name: str, key: Hashable) -> str:
    """Return a keyed digest of who is counted, and for what, for a table.

    Args:
        key: made of strings and numbers.
    """
    return blake2b(f"{name} {key!r}".encode(), key=secret, digest_size=16).hexdigest()
