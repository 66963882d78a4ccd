"""The database with threads of its own, so that the event loop never waits for a disk.

A function passed to `read` or `write` runs as one transaction in a database thread; it uses the
models and returns plain data. It must have no side effects outside the database: a write that
shared a transaction with a failed one is run a second time.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import time
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import peewee

from models.engine import sqlite_file
from models.engine.base import proxy
from models.engine.connection import connect
from models.engine.histogram import Histogram
from models.engine.worker import Job, Queue, Worker
from models.errors import DatabaseDamaged, StorageUnavailable

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("botyard.database")

READERS = {"sqlite": 2, "postgresql": 3}  # beside one writer; more would compete for the GIL
DAMAGE_TOLD = 60.0  # seconds between two log lines about a damaged database
COMMIT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds


class Database:
    """One database and its threads: one that writes, some that read.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`.
        exclusive: True to hold the installation lock; see `models.engine.locks`.
        fence: raises NotOwner if this process may not write for its bots; runs first in each
            transaction of `write_as_owner`. None with one process on a database.

    Attributes:
        commits: the durations of commits.
        failures: the number of calls that failed with StorageUnavailable.
    """

    def __init__(
        self, url: str, *, exclusive: bool = False, fence: Callable[[], None] | None = None
    ) -> None:
        self._peewee = connect(url)
        self.commits = Histogram(COMMIT_BOUNDS)
        self.failures = 0
        self._damage_told = -DAMAGE_TOLD
        file = sqlite_file.of(url) if exclusive else None
        self._file_lock = None if file is None else sqlite_file.FileLock(file)
        kind = "sqlite" if url.startswith("sqlite:") else "postgresql"
        self._writes: Queue = queue.SimpleQueue()
        self._reads: Queue = queue.SimpleQueue()
        self._workers = [
            Worker(
                "botyard-db-writer",
                self._peewee,
                jobs=self._writes,
                writes=True,
                exclusive=exclusive,
                commits=self.commits,
                fence=fence,
            ),
            *(
                Worker(f"botyard-db-reader-{n}", self._peewee, jobs=self._reads, writes=False)
                for n in range(READERS[kind])
            ),
        ]

    async def open(self) -> None:
        """Start the threads, and check that the database answers.

        Raises:
            DatabaseInUse: `exclusive` is True, and another server runs on the database.
            StorageUnavailable: the database does not answer.
        """
        if self._file_lock is not None:
            self._file_lock.acquire()
        proxy.initialize(self._peewee)
        for worker in self._workers:
            worker.start()
        await self.write(self._peewee.execute_sql, "SELECT 1")

    async def read(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that only reads, in a transaction of its own.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        return await self._submit(self._reads, partial(fn, *args, **kwargs))

    async def write(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a transaction that is committed when this returns.

        Cancelling the caller does not undo it: once queued, it is carried out.

        Raises:
            StorageUnavailable: the database did not carry it out; nothing was stored.
        """
        return await self._submit(self._writes, partial(fn, *args, **kwargs))

    async def write_as_owner(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that writes for bots of this process; the runner's one way to write.

        Raises:
            NotOwner: this process may no longer write for its bots; nothing was stored.
            StorageUnavailable: as for `write`.
        """
        return await self._submit(self._writes, partial(fn, *args, **kwargs), as_owner=True)

    async def write_apart(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a transaction of its own, beside those of `write`.

        For rows that every process writes all the time. In a transaction that `write` shares with
        other calls they would stay locked for as long as these take, and two processes that lock
        rows in different orders would wait for each other.

        Raises:
            StorageUnavailable: as for `write`.
        """
        # only PostgreSQL lets more than one connection write at once
        one_writer = isinstance(self._peewee, peewee.SqliteDatabase)
        jobs = self._writes if one_writer else self._reads
        return await self._submit(jobs, partial(fn, *args, **kwargs))

    async def _submit(self, jobs: Queue, run: Callable[[], T], *, as_owner: bool = False) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        jobs.put(Job(run, future, as_owner))
        try:
            return await future
        except StorageUnavailable as error:
            self.failures += 1
            if isinstance(error, DatabaseDamaged):
                self._tell_damage(error)
            raise

    def _tell_damage(self, error: DatabaseDamaged) -> None:
        """Log the damage, but not again for each call that reads the same pages."""
        now = time.monotonic()
        if now - self._damage_told >= DAMAGE_TOLD:
            self._damage_told = now
            log.error("%s", error)

    @property
    def queued(self) -> dict[str, int]:
        """The number of calls that wait for a thread, by kind."""
        return {"write": self._writes.qsize(), "read": self._reads.qsize()}

    async def close(self) -> None:
        """Finish the queued calls, then stop the threads."""
        self._writes.put(None)
        for _ in self._workers[1:]:
            self._reads.put(None)
        for worker in self._workers:
            if worker.is_alive():
                await asyncio.to_thread(worker.join)
        if self._file_lock is not None:
            self._file_lock.release()
