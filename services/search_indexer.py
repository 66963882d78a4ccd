"""Keeps the index of the search up to date, in steps small enough to delay nothing else."""

from __future__ import annotations

import asyncio

from models.engine.database import Database
from models.messaging import search

STEP = 500  # messages of a transaction; they take a few milliseconds
PAUSE = 0.02  # seconds between two of them, for other writes


class SearchIndexer:
    """Adds new messages to the index of SQLite; PostgreSQL keeps its own.

    Args:
        db: the database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def follow(self) -> None:
        """Add what is new; called once a second.

        Raises:
            StorageError: the database did not answer; the next call goes on.
        """
        more = await self._db.read(search.is_behind)
        while more:
            added = await self._db.write(search.index_new, limit=STEP)
            more = added == STEP
            await asyncio.sleep(PAUSE)
