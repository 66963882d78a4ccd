"""Notices changes that the command line made; `models.engine.change_marker` says how."""

from __future__ import annotations

from models.engine import change_marker
from models.engine.database import Database
from runner.manager import BotManager


class ChangeWatcher:
    """Looks at the mark, and has the manager compare when it is another one.

    Args:
        db: the database.
        manager: runs the bots.
    """

    def __init__(self, db: Database, manager: BotManager) -> None:
        self._db = db
        self._manager = manager
        self._seen: str | None = None

    async def poll(self) -> None:
        """Compare, when something was changed."""
        mark = await self._db.read(change_marker.current)
        if mark != self._seen:
            await self._manager.reconcile_all()
            self._seen = mark  # only now: what failed is tried again
