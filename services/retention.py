"""Removes what is no longer needed, in steps so small that nobody notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from models.accounts import audit, sessions
from models.engine.database import Database
from models.messaging import updates
from runner.settings import RunnerSettings

log = logging.getLogger("botyard.janitor")

_PAUSE = 0.05  # seconds between two steps, in which others write


class Janitor:
    """Prunes handled updates, expired sessions and old entries of the audit log.

    Args:
        db: the database.
        settings: how much at once.
        keep: how long handled updates are kept.
        keep_audit: how long the audit log is kept.
    """

    def __init__(
        self, db: Database, settings: RunnerSettings, *, keep: timedelta, keep_audit: timedelta
    ) -> None:
        self._db = db
        self._settings = settings
        self._keep = keep
        self._keep_audit = keep_audit

    async def sweep(self) -> None:
        """Remove all that may go."""
        await self._db.write(sessions.delete_expired)
        await self._prune("handled updates", updates.prune, self._keep)
        await self._prune("entries of the audit log", audit.prune, self._keep_audit)

    async def _prune(self, what: str, prune: Callable[..., int], keep: timedelta) -> None:
        step, total = self._settings.prune_step, 0
        while True:
            gone = await self._db.write(prune, older_than=keep, limit=step)
            total += gone
            if gone < step:
                break
            await asyncio.sleep(_PAUSE)
        if total:
            log.info("pruned %d %s", total, what)
