"""Removes what is no longer needed, in steps so small that nobody notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from models.accounts import audit, email_tokens, sessions
from models.engine.database import Database
from models.messaging import dead_updates, updates
from runner.settings import RunnerTuning

log = logging.getLogger("botyard.janitor")

KEEP_DEAD = timedelta(days=30)  # in which their bot's owner may try them again
_PAUSE = 0.05  # seconds between two steps, in which others write


class Janitor:
    """Prunes handled and dead updates, what has expired, and old entries of the audit log.

    Args:
        db: the database.
        settings: how much at once.
        keep: how long handled updates are kept.
        keep_audit: how long the audit log is kept.
    """

    def __init__(
        self, db: Database, settings: RunnerTuning, *, keep: timedelta, keep_audit: timedelta
    ) -> None:
        self._db = db
        self._settings = settings
        self._keep = keep
        self._keep_audit = keep_audit

    async def sweep(self) -> None:
        """Remove all that may go."""
        await self._db.write(sessions.delete_expired)
        await self._db.write(email_tokens.delete_expired)
        await self._prune("handled updates", updates.prune, self._keep)
        await self._prune("entries of the audit log", audit.prune, self._keep_audit)
        await self._prune_dead()

    async def _prune(self, what: str, prune: Callable[..., int], keep: timedelta) -> None:
        step = self._settings.prune_step

        async def once() -> tuple[int, bool]:
            gone = await self._db.write(prune, older_than=keep, limit=step)
            return gone, gone == step

        await _in_steps(what, once)

    async def _prune_dead(self) -> None:
        step = self._settings.prune_step

        async def once() -> tuple[int, bool]:
            # Found by a reader: no index has their times, and writers must not wait for that.
            old = await self._db.read(dead_updates.older_than, KEEP_DEAD, limit=step)
            gone = await self._db.write(dead_updates.remove, old) if old else 0
            return gone, len(old) == step

        await _in_steps("dead updates", once)


async def _in_steps(what: str, once: Callable[[], Awaitable[tuple[int, bool]]]) -> None:
    """Prune step by step.

    Args:
        what: for the log.
        once: makes one step; how many went, and whether there may be more.
    """
    total, more = 0, True
    while more:
        gone, more = await once()
        total += gone
        if more:
            await asyncio.sleep(_PAUSE)
    if total:
        log.info("pruned %d %s", total, what)
