"""Sees to it that a PostgreSQL database stays this server's alone, and tells when it does not."""

from __future__ import annotations

import asyncio

from models.engine.database import Database
from models.errors import DatabaseInUse, StorageUnavailable
from server.periodic import PeriodicTask

EVERY = 2.0  # seconds between two looks


class LockMonitor:
    """Looks at whether the database is still ours, which a lost connection may have changed.

    Args:
        db: the database.

    Attributes:
        lost: fails with DatabaseInUse when another server has taken it.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def routine(self) -> PeriodicTask:
        """What looks again and again."""
        return PeriodicTask(
            "lock monitor", self.check, every=EVERY, failed="the database was not looked at"
        )

    async def check(self) -> None:
        """Look once; a connection that was lost is made anew, and the lock taken again."""
        try:
            await self._db.write(lambda: None)
        except DatabaseInUse as error:
            if not self.lost.done():
                self.lost.set_exception(error)
        except StorageUnavailable:
            pass  # it is away, which the journal tells
