"""Writes the statuses of this process's bots to their rows, many of them in one commit.

A status is valid from the moment it is set; its row follows within milliseconds. The process that
runs a bot, or has run it, shows the status from here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import peewee

from models.bots import runs
from models.bots.records import BotRecord, RunRecord
from models.engine.base import now
from models.engine.database import Database
from models.errors import NotOwner, StorageUnavailable
from models.repeated import Repeated
from runner.states import BotStatus

log = logging.getLogger("botyard.runner")

DELAY = 0.02  # seconds that a status waits for others, to share a commit
RETRY_DELAY = 1.0  # seconds between attempts while the database does not answer


class StatusWriter:
    """The only writer of the table `runs` while bots run.

    Args:
        db: the database.
        owner_id: returns the process that writes; None if there is only one.
    """

    def __init__(self, db: Database, *, owner_id: Callable[[], int | None]) -> None:
        self._db = db
        self._owner_id = owner_id
        self._latest: dict[int, RunRecord] = {}
        self._unwritten: dict[int, RunRecord] = {}
        self._polls: dict[int, datetime] = {}  # as stored in the rows
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._repeated = Repeated()

    def put(self, bot_id: int, generation: int, status: BotStatus) -> None:
        """Schedule a status to be written.

        Args:
            generation: the generation of the wish that led to it.
        """
        run = RunRecord(
            generation,
            status.state,
            status.reason,
            status.detail,
            status.since,
            status.attempts,
            status.next_attempt_at,
            status.last_poll_at,
        )
        self._put(bot_id, run)

    def _put(self, bot_id: int, run: RunRecord) -> None:
        self._latest[bot_id] = self._unwritten[bot_id] = run
        self._schedule(DELAY)

    def put_off(self, record: BotRecord) -> None:
        """Schedule the status "off" of a bot that does not run here to be written."""
        run = self._latest.get(record.id, record.run)
        if run is None or run.generation >= record.generation:
            return
        if run.state != runs.STOPPED:  # boot has not started it yet
            run = RunRecord(0, runs.STOPPED, None, None, now())
        self._put(record.id, replace(run, generation=record.generation))

    def latest(self, bot_id: int) -> RunRecord | None:
        """Return the last status of a bot in this process; None if it has not run here."""
        return self._latest.get(bot_id)

    def forget(self, bot_id: int) -> None:
        """Drop the status of a bot that was deleted or runs in another process."""
        self._latest.pop(bot_id, None)
        self._polls.pop(bot_id, None)
        self._unwritten.pop(bot_id, None)

    def forget_all(self) -> None:
        """Drop all statuses: the bots run in other processes by now."""
        self._latest.clear()
        self._unwritten.clear()
        self._polls.clear()

    async def save_polls(self, polls: Iterable[tuple[int, datetime]]) -> None:
        """Write the times of the bots' last polls, if they have changed.

        Args:
            polls: bot ids, each with the time of the last answer to getUpdates.

        Raises:
            StorageError: nothing was written.
        """
        current = dict(polls)
        changed = [(bot_id, at) for bot_id, at in current.items() if self._polls.get(bot_id) != at]
        if changed:
            await self._db.write_as_owner(runs.save_polls, changed)
        self._polls |= current

    async def flush(self) -> None:
        """Try once to write all unwritten statuses; keep them if the database does not answer."""
        while self._task is not None:  # it may not include the latest status
            await asyncio.wait({self._task})
        self._flush_now()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """Try once to write all unwritten statuses, and write nothing afterwards."""
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self, delay: float) -> None:
        if self._task is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay, self._flush_now)

    def _flush_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None and self._unwritten:
            self._task = asyncio.create_task(self._flush(), name="statuses")

    async def _flush(self) -> None:
        delay = DELAY
        try:
            batch = dict(self._unwritten)
            await self._write(batch)
            self._repeated.over()
            if any(self._unwritten.get(bot_id) is run for bot_id, run in batch.items()):
                delay = RETRY_DELAY
        except StorageUnavailable as error:
            if self._repeated.is_due():
                log.warning("%d statuses cannot be stored yet: %s", len(self._unwritten), error)
            delay = RETRY_DELAY
        finally:
            self._task = None
        if self._unwritten:  # more have come, or some could not be written
            self._schedule(delay)

    async def _write(self, batch: dict[int, RunRecord]) -> None:
        try:
            await self._db.write_as_owner(runs.save, list(batch.items()), self._owner_id() or 0)
        except StorageUnavailable:
            raise
        except Exception as error:
            if len(batch) > 1:  # one of them failed: retry each, concurrently to share commits
                await asyncio.gather(*(self._write({bot_id: run}) for bot_id, run in batch.items()))
                return
            if not isinstance(error, (NotOwner, peewee.IntegrityError)):
                log.exception("the status of bot %d cannot be stored yet", *batch)
                return
            log.debug("the status of bot %d is not stored: %s", *batch, error)  # the bot is gone
        for bot_id, run in batch.items():
            if self._unwritten.get(bot_id) is run:  # otherwise there is a newer one
                del self._unwritten[bot_id]
