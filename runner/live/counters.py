"""The numbers of pending and dead updates of bots, cached when counting is expensive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from models.engine.database import Database
from models.errors import StorageError
from models.messaging import updates
from models.messaging.updates import Counts

KEPT_FOR = 1.0  # seconds
MANY = 1000  # updates; counting fewer takes no noticeable time


class _Count:
    """One count of some bots' updates, shared by all requests that come before it starts."""

    def __init__(self, bot_ids: list[int]) -> None:
        self.bot_ids = bot_ids
        self.begun = False
        self.task: asyncio.Task[dict[int, Counts]]

    def __call__(self) -> dict[int, Counts]:
        self.begun = True  # later requests need a newer count
        return updates.counts(self.bot_ids)


class UpdateCounts:
    """Counts updates; a large count is cached for a second.

    Counting uses the database threads that all reads share: an account whose bots have a hundred
    thousand updates must not delay others by listing its bots. So at most one count of a bot waits
    for a thread, and concurrent requests share it.

    Args:
        db: the database.
        clock: returns monotonic seconds.
    """

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._kept: dict[int, tuple[float, Counts]] = {}  # the oldest first
        self._waiting: dict[int, _Count] = {}
        self._tasks: set[asyncio.Task[dict[int, Counts]]] = set()

    async def of(self, bot_ids: list[int]) -> dict[int, Counts]:
        """Return the counts of some bots, by id.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        self._drop_old()
        counts = {bot_id: self._kept[bot_id][1] for bot_id in bot_ids if bot_id in self._kept}
        missing = [bot_id for bot_id in bot_ids if bot_id not in counts]
        new = [bot_id for bot_id in missing if not self._is_waiting(bot_id)]
        if new:
            self._begin(new)
        for count in {self._waiting[bot_id] for bot_id in missing}:
            # Other requests may share it, so a cancelled request must not cancel it.
            counts |= await asyncio.shield(count.task)
        return {bot_id: counts[bot_id] for bot_id in bot_ids}

    def _is_waiting(self, bot_id: int) -> bool:
        return bot_id in self._waiting and not self._waiting[bot_id].begun

    def _begin(self, bot_ids: list[int]) -> None:
        count = _Count(bot_ids)
        count.task = asyncio.create_task(self._run(count), name="counting updates")
        self._waiting |= dict.fromkeys(bot_ids, count)
        self._tasks.add(count.task)
        count.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[dict[int, Counts]]) -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError, StorageError):
            task.result()  # mark the exception as retrieved; every request may be cancelled

    async def _run(self, count: _Count) -> dict[int, Counts]:
        try:
            counted = await self._db.read(count)
        finally:
            for bot_id in count.bot_ids:
                if self._waiting.get(bot_id) is count:
                    del self._waiting[bot_id]
        moment = self._clock()
        for bot_id, counts in counted.items():
            if counts.pending + counts.dead >= MANY:
                self._kept.pop(bot_id, None)
                self._kept[bot_id] = moment, counts
        return counted

    def _drop_old(self) -> None:
        moment = self._clock()
        while self._kept:
            bot_id = next(iter(self._kept))
            if self._kept[bot_id][0] + KEPT_FOR > moment:
                return
            del self._kept[bot_id]

    async def close(self) -> None:
        """Cancel the counts in progress."""
        for task in list(self._tasks):
            task.cancel()
            await asyncio.wait({task})
