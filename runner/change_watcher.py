"""Notices changes that the command line made; `models.engine.change_marker` says how."""

from __future__ import annotations

from models.engine import change_marker
from models.engine.database import Database
from runner.manager import BotManager


class ChangeWatcher:
    """Reconciles all bots when the change marker differs.

    Args:
        db: the database.
        manager: runs the bots.
    """

    def __init__(self, db: Database, manager: BotManager) -> None:
        self._db = db
        self._manager = manager
        self._seen: str | None = None

    async def poll(self) -> None:
        """Reconcile if something was changed.

        Raises:
            StorageError: the database did not answer; the next poll tries again.
        """
        mark = await self._db.read(change_marker.current)
        if mark != self._seen:
            await self._manager.reconcile_all()
            self._seen = mark  # only now: what failed is tried again
