"""Counts the updates of bots that wait or are dead, no more often than necessary."""

from __future__ import annotations

import time
from collections.abc import Callable

from models.engine.database import Database
from models.messaging import updates
from models.messaging.updates import Counts

KEPT_FOR = 1.0  # seconds
MANY = 1000  # updates; fewer are counted faster than anybody could notice


class UpdateCounts:
    """Counts updates; a large count is kept for a second.

    Counting is done by the threads that everybody's reading waits for: an account whose bots
    have a hundred thousand updates must not hold others up by listing them.

    Args:
        db: the database.
        clock: seconds that only ever go forward.
    """

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._kept: dict[int, tuple[float, Counts]] = {}

    async def of(self, bot_ids: list[int]) -> dict[int, Counts]:
        """Count the updates of some bots.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        return await self._db.read(self.read, bot_ids)

    def read(self, bot_ids: list[int]) -> dict[int, Counts]:
        """Count the updates of some bots; runs in a database thread, together with other reads.

        Several threads may be here at once: each step on what is kept is one operation.
        """
        moment = self._clock()
        found: dict[int, Counts] = {}
        for bot_id in bot_ids:
            kept_at, counts = self._kept.get(bot_id, (-KEPT_FOR, None))
            if counts is not None and kept_at + KEPT_FOR > moment:
                found[bot_id] = counts
        for bot_id, counted in updates.counts([i for i in bot_ids if i not in found]).items():
            found[bot_id] = counted
            if counted.pending + counted.dead >= MANY:
                self._kept[bot_id] = self._clock(), counted
            else:
                self._kept.pop(bot_id, None)
        return found
