"""Keeps the index of the search up to date, in steps small enough to delay nothing else."""

from __future__ import annotations

from models.engine.database import Database
from models.messaging import search
from services.steps import STEP, in_steps


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
        if await self._db.read(search.is_behind):
            await in_steps(self._add_some)

    async def _add_some(self) -> bool:
        return await self._db.write(search.index_new, limit=STEP) == STEP
