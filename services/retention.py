"""Deletes old data, in steps small enough to delay nothing else."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from dialogs.scenarios import IDLE
from models.accounts import audit, email_tokens, sessions
from models.dialogs import conversations, statistics, steps
from models.engine.database import Database
from models.messaging import dead_updates, idempotency, removal, updates
from runner.settings import RunnerTuning
from services.media_removal import purge_abandoned
from services.steps import in_steps

log = logging.getLogger("botyard.janitor")

# Telegram repeats an update of a webhook for 24 hours
# (https://core.telegram.org/bots/api#getting-updates); until then its key tells that it is known.
KEEP_KEYS = timedelta(hours=25)
KEEP_STEPS = timedelta(days=7)  # of the logs of talks
KEEP_STATISTICS = timedelta(days=400)  # of scenarios: a year can be compared with the one before
KEEP_DEAD = timedelta(days=30)  # the bot's owner can retry them during this time
_PAUSE = 0.05  # seconds between two steps, for other writes


class Janitor:
    """Prunes updates, messages, files, what has expired, and old entries of the audit log.

    Args:
        db: the database.
        settings: the size of a step.
        keep: the retention of messages, after they were received, sent or given up.
        keep_audit: the retention of the audit log.
    """

    def __init__(
        self, db: Database, settings: RunnerTuning, *, keep: timedelta, keep_audit: timedelta
    ) -> None:
        self._db = db
        self._settings = settings
        self._keep = keep
        self._keep_audit = keep_audit

    async def sweep(self) -> None:
        """Delete everything past its retention."""
        await self._db.write(sessions.delete_expired)
        await self._db.write(email_tokens.delete_expired)
        await self._db.write(idempotency.delete_expired)
        await self._prune("keys of handled updates", updates.prune, KEEP_KEYS)
        await self._prune("messages", removal.prune, self._keep)
        await self._in_steps("messages of bots without a history", removal.prune_unkept)
        if count := await purge_abandoned(self._db):
            log.info("deleted %d files that were left incomplete", count)
        await self._prune("entries of the audit log", audit.prune, self._keep_audit)
        await self._prune_dead()
        await self._prune("steps of talks", steps.prune, KEEP_STEPS)
        await self._prune_talks()
        await self._prune("statistics of scenarios", statistics.prune, KEEP_STATISTICS)

    async def _prune(self, what: str, prune: Callable[..., int], keep: timedelta) -> None:
        await self._in_steps(what, partial(prune, older_than=keep))

    async def _in_steps(self, what: str, prune: Callable[..., int]) -> None:
        step = self._settings.prune_step

        async def once() -> tuple[int, bool]:
            count = await self._db.write(prune, limit=step)
            return count, count == step

        await _count_steps(what, once)

    async def _prune_dead(self) -> None:
        step = self._settings.prune_step

        async def once() -> tuple[int, bool]:
            # Search in a reader: their times have no index, and the search must not delay writes.
            old = await self._db.read(dead_updates.older_than, KEEP_DEAD, limit=step)
            count = await self._db.write(dead_updates.remove, old) if old else 0
            return count, len(old) == step

        await _count_steps("dead updates", once)

    async def _prune_talks(self) -> None:
        step = self._settings.prune_step

        async def once() -> tuple[int, bool]:
            # in a reader, as above
            old = await self._db.read(conversations.idle, IDLE, limit=step)
            if old:
                await self._db.write(conversations.remove_idle, old, IDLE)
            return len(old), len(old) == step

        await _count_steps("talks in which nothing has happened for long", once)


async def _count_steps(what: str, once: Callable[[], Awaitable[tuple[int, bool]]]) -> None:
    """Prune step by step.

    Args:
        what: the name of the rows, for the log.
        once: carries out one step; returns the number of deleted rows, and True if there may be
            more.
    """
    total = 0

    async def counted() -> bool:
        nonlocal total
        count, more = await once()
        total += count
        return more

    await in_steps(counted, pause=_PAUSE)
    if total:
        log.info("pruned %d %s", total, what)
