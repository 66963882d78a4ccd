"""The processes that share the database, as this one sees them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from models.cluster import processes
from models.cluster.link import SeenProcess
from models.engine.connection import is_lock_timeout
from models.engine.database import Database
from models.errors import StorageError, StorageUnavailable
from runner.cluster.observer import Observer
from runner.settings import ClusterTuning

log = logging.getLogger("botyard.cluster")

SILENT = 3.0  # seconds without a beat after which a process does not count


class Peers:
    """Observes the processes, and frees the bots of dead ones.

    Args:
        settings: times.
        clock: returns seconds.

    Attributes:
        seen: all processes, as they were last read.
        takeovers: how many this process has found dead.
    """

    def __init__(self, settings: ClusterTuning, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._observer = Observer(patience=settings.patience, blind=settings.blind)
        self._burying: dict[int, asyncio.Task[None]] = {}
        self.seen: list[SeenProcess] = []
        self.takeovers = 0

    def look(self, seen: list[SeenProcess]) -> bool:
        """Note what was read; return True if processes have come or gone."""
        self._observer.look(seen, now=self._clock())
        before, self.seen = self.seen, seen
        return [_kind(one) for one in before] != [_kind(one) for one in seen]

    def silence(self, process_id: int) -> float:
        """Return the seconds since a process has been heard of; 0 for an unknown one."""
        return self._observer.silent(process_id, now=self._clock())

    def silent(self, process_id: int) -> bool:
        """Return True if a process has not been heard of for some seconds."""
        return self.silence(process_id) >= SILENT

    def able(self, me: int | None) -> list[SeenProcess]:
        """Return the processes that can run bots.

        Args:
            me: this process, which may have been silent for others.
        """
        return [
            one
            for one in self.seen
            if not one.draining
            and one.reaches_telegram
            and (one.id == me or not self.silent(one.id))
        ]

    def has_others(self, me: int | None) -> bool:
        """Return True if processes beside this one can run bots."""
        return any(one.id != me for one in self.able(me))

    def leaves_to_others(self, me: int | None) -> bool:
        """Return True if this process cannot run bots, and others can."""
        able = self.able(me)
        return bool(able) and all(one.id != me for one in able)

    def bury(self, db: Database, me: int) -> None:
        """Begin to remove the processes that are dead, which frees their bots."""
        for process_id, beat in self._observer.dead(now=self._clock()):
            if process_id != me and process_id not in self._burying:
                dead = next(one for one in self.seen if one.id == process_id)
                work = self._take_over(db, dead, beat)
                task = asyncio.create_task(work, name=f"takeover of {process_id}")
                self._burying[process_id] = task
                task.add_done_callback(partial(self._buried, process_id))

    def _buried(self, process_id: int, _: asyncio.Task[None]) -> None:
        del self._burying[process_id]

    async def _take_over(self, db: Database, dead: SeenProcess, beat: int) -> None:
        began = time.monotonic()
        try:
            removed = await _remove(db, dead, beat)
        except StorageError as error:
            log.warning("process %d (%s) is not removed yet: %s", dead.id, dead.name, error)
            return
        if removed:
            self.takeovers += 1
            seconds = time.monotonic() - began
            log.warning("process %d (%s) is dead: its bots are free", dead.id, dead.name)
            log.debug("that took %.3f s", seconds)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._burying.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _kind(process: SeenProcess) -> tuple[int, bool, bool]:
    return process.id, process.draining, process.reaches_telegram


async def _remove(db: Database, dead: SeenProcess, beat: int) -> bool:
    try:
        return await db.write_as_owner(processes.take_over, dead.id, beat)
    except StorageUnavailable as error:
        if not is_lock_timeout(error.__cause__ or error):
            raise
    # One of its transactions is open, and its client is gone or frozen.
    await db.write(processes.end_sessions, dead.id, beat)
    return await db.write_as_owner(processes.take_over, dead.id, beat)
