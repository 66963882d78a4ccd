"""Counts the pending and dead updates of bots; large counts are cached."""

from __future__ import annotations

import time
from collections.abc import Callable

from models.engine.database import Database
from models.messaging import updates
from models.messaging.updates import Counts

KEPT_FOR = 1.0  # seconds
MANY = 1000  # updates; counting fewer takes no noticeable time


class UpdateCounts:
    """Counts updates; a large count is cached for a second.

    Counting uses the database threads that all reads share: an account whose bots have a hundred
    thousand updates must not delay others by listing its bots.

    Args:
        db: the database.
        clock: returns monotonic seconds.
    """

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._kept: dict[int, tuple[float, Counts]] = {}

    async def of(self, bot_ids: list[int]) -> dict[int, Counts]:
        """Count the updates of some bots, by id.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        return await self._db.read(self.read, bot_ids)

    def read(self, bot_ids: list[int]) -> dict[int, Counts]:
        """Count the updates of some bots; runs in a database thread, together with other reads.

        Several threads may run this at once, so each access to the cache is a single operation.
        """
        moment = self._clock()
        result: dict[int, Counts] = {}
        for bot_id in bot_ids:
            kept_at, counts = self._kept.get(bot_id, (-KEPT_FOR, None))
            if counts is not None and kept_at + KEPT_FOR > moment:
                result[bot_id] = counts
        for bot_id, counted in updates.counts([i for i in bot_ids if i not in result]).items():
            result[bot_id] = counted
            if counted.pending + counted.dead >= MANY:
                self._kept[bot_id] = self._clock(), counted
            else:
                self._kept.pop(bot_id, None)
        return result
