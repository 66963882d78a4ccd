"""Detects changes made by the command line; see `models.engine.change_marker`."""

from __future__ import annotations

from models.engine import change_marker
from models.engine.database import Database
from runner.reconciler import Reconciler


class ChangeWatcher:
    """Reconciles all bots when the change marker differs.

    Args:
        db: the database.
        reconciler: brings the bots in line with the database.
    """

    def __init__(self, db: Database, reconciler: Reconciler) -> None:
        self._db = db
        self._reconciler = reconciler
        self._seen: str | None = None

    async def poll(self) -> None:
        """Reconcile if the marker has changed.

        Raises:
            StorageError: the database did not answer; the next poll tries again.
        """
        mark = await self._db.read(change_marker.current)
        if mark != self._seen or self._reconciler.in_doubt:
            await self._reconciler.reconcile_all()
            self._seen = mark  # only after success, so that a failure is retried
