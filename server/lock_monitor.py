"""Re-acquires the database lock after a reconnect, and reports when another server has it."""

from __future__ import annotations

import asyncio

from models.engine.database import Database
from models.errors import DatabaseInUse, StorageUnavailable
from server.periodic import PeriodicTask

EVERY = 2.0  # seconds between two checks


class LockMonitor:
    """Checks that this server still holds the lock, which a lost connection releases.

    Args:
        db: the database.

    Attributes:
        lost: fails with DatabaseInUse when another server has taken it.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def routine(self) -> PeriodicTask:
        """Make the periodic task that checks."""
        return PeriodicTask(
            "lock monitor", self.check, every=EVERY, failed="cannot check the database lock"
        )

    async def check(self) -> None:
        """Check once; a lost connection is opened again, and the lock taken again."""
        try:
            await self._db.write(lambda: None)
        except DatabaseInUse as error:
            if not self.lost.done():
                self.lost.set_exception(error)
        except StorageUnavailable:
            pass  # unavailable, which the journal logs
