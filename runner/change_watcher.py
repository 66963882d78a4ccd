"""Notices changes that the command line made; `models.engine.change_marker` says how."""

from __future__ import annotations

from models.engine import change_marker
from models.engine.database import Database
from runner.reconciler import Reconciler


class ChangeWatcher:
    """Reconciles all bots when the change marker differs.

    Args:
        db: the database.
        reconciler: makes the bots what the database says.
    """

    def __init__(self, db: Database, reconciler: Reconciler) -> None:
        self._db = db
        self._reconciler = reconciler
        self._seen: str | None = None

    async def poll(self) -> None:
        """Reconcile if something was changed.

        Raises:
            StorageError: the database did not answer; the next poll tries again.
        """
        mark = await self._db.read(change_marker.current)
        if mark != self._seen or self._reconciler.in_doubt:
            await self._reconciler.reconcile_all()
            self._seen = mark  # only now: what failed is tried again
