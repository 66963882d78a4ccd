"""How many updates of a bot wait or are dead, counted no more often than it is worth."""

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
MANY = 1000  # updates; fewer are counted faster than anybody could notice


class _Count:
    """One count of some bots' updates, which all share that ask before it begins."""

    def __init__(self, bot_ids: list[int]) -> None:
        self.bot_ids = bot_ids
        self.begun = False
        self.task: asyncio.Task[dict[int, Counts]]

    def __call__(self) -> dict[int, Counts]:
        self.begun = True  # what is asked from now on may be about a later moment
        return updates.counts(self.bot_ids)


class UpdateCounts:
    """Counts updates; a large count is kept for a second.

    Counting is done by the threads that everybody's reading waits for: an account whose bots
    have a hundred thousand updates must not hold others up by listing them. So at most one count
    of a bot waits for a thread, and all that come meanwhile share it.

    Args:
        db: the database.
        clock: seconds that only ever go forward.
    """

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._kept: dict[int, tuple[float, Counts]] = {}  # the oldest first
        self._waiting: dict[int, _Count] = {}
        self._tasks: set[asyncio.Task[dict[int, Counts]]] = set()

    async def of(self, bot_ids: list[int]) -> dict[int, Counts]:
        """The counts of some bots.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        self._drop_old()
        found = {bot_id: self._kept[bot_id][1] for bot_id in bot_ids if bot_id in self._kept}
        missing = [bot_id for bot_id in bot_ids if bot_id not in found]
        new = [bot_id for bot_id in missing if not self._is_waiting(bot_id)]
        if new:
            self._begin(new)
        for count in {self._waiting[bot_id] for bot_id in missing}:
            # Others may share it: a request that is cut must not end it.
            found |= await asyncio.shield(count.task)
        return {bot_id: found[bot_id] for bot_id in bot_ids}

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
            task.result()  # those who shared it may be gone

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
        """End what is being counted."""
        for task in list(self._tasks):
            task.cancel()
            await asyncio.wait({task})
