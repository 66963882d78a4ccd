"""Looks for what bells were about that this process has not heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from models.cluster import processes
from models.engine.database import Database
from models.errors import StorageError
from runner.runner import Runner

log = logging.getLogger("botyard.cluster")

EVERY = 30.0  # seconds between two looks, if the connection was not lost
AGAIN = 1.0  # seconds until the next look after one that failed


class CatchUp:
    """Reads the rows that bells are about, after the connection was lost, and now and then.

    Args:
        db: the database.
        runner: the bots of this process.
        process_id: returns this process.
    """

    def __init__(
        self, db: Database, runner: Runner, *, process_id: Callable[[], int | None]
    ) -> None:
        self._db = db
        self._runner = runner
        self._process_id = process_id
        self._deaf = asyncio.Event()

    def missed(self) -> None:
        """Learn that bells may have been missed."""
        self._deaf.set()

    async def run(self) -> None:
        """Look again and again; never returns."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._deaf.wait()
            was_deaf = self._deaf.is_set()
            self._deaf.clear()
            try:
                await self.look(forget=was_deaf)
            except StorageError as error:
                log.debug("what bells were about is not known yet: %s", error)
                await asyncio.sleep(AGAIN)
                self._deaf.set()
            except Exception:  # it must go on, or what was missed would be found by nobody
                log.exception("what bells were about is not known")

    async def look(self, *, forget: bool = False) -> None:
        """Look once.

        Args:
            forget: True if bells were missed: talks in memory may have been deleted, and readers
                of events may show what is no longer so.

        Raises:
            StorageError: the database did not answer.
        """
        process_id, runner = self._process_id(), self._runner
        if forget:
            runner.manager.forget_talks()
            runner.events.restart()
        if process_id is None:
            return
        await runner.reconciler.reconcile_all()
        await runner.statuses.flush()  # somebody may wait for a wish
        runner.wishes.lookout.heard_all()
        work = await self._db.read(processes.work_of, process_id)
        await runner.look_at_scenarios()
        for bot_id in work.messages:
            await runner.send_written(bot_id)
        for bot_id in work.updates:
            await runner.handle_again(bot_id)
        for bot_id in work.calls:
            await runner.calls.make(bot_id)
