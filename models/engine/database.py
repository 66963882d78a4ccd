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
from contextlib import suppress
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import peewee

from models.engine import doorbell, sqlite_file
from models.engine.base import proxy
from models.engine.connection import COMMAND, SERVER, connect
from models.engine.doorbell import Bell
from models.engine.histogram import Histogram
from models.engine.worker import Job, Queue, Worker
from models.errors import DatabaseDamaged, ProcessLost, StorageUnavailable

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("botyard.database")

READERS = {"sqlite": 2, "postgresql": 3}  # beside one writer; more would compete for the GIL
DAMAGE_TOLD = 60.0  # seconds between two log lines about a damaged database
COMMIT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds


class Fence(Protocol):
    """Lets a process write for its bots only while it owns them."""

    session: str  # the name of the process's sessions

    def identity(self) -> int:
        """Return the process that a write is for; called in the event loop.

        Raises:
            ProcessLost: this process has been declared dead, and has not begun anew yet.
        """

    def check(self, process_id: int) -> str:
        """Return a query whose row tells that the process lives, and keeps it so until the commit.

        Called in a database thread.
        """

    def lost(self, process_id: int) -> None:
        """Learn that it was."""


class FailureLog:
    """Counts failed calls, and logs damage, but not for each call that reads the same pages."""

    def __init__(self) -> None:
        self.count = 0
        self._told_at = -DAMAGE_TOLD

    def add(self, error: StorageUnavailable) -> None:
        """Count a failure; log damage, unless that was done a moment ago."""
        self.count += 1
        if not isinstance(error, DatabaseDamaged):
            return
        now = time.monotonic()
        if now - self._told_at >= DAMAGE_TOLD:
            self._told_at = now
            log.error("%s", error)


class Database:
    """One database and its threads: one that writes, some that read.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`.
        locked: True to hold the installation lock; see `models.engine.locks`. With PostgreSQL
            other servers may hold it, too.
        fence: orders what this process writes for its bots with a takeover by another process;
            None with one process on a database.
        pooled: True if a pooler is in between: the installation lock, which needs a session of its
            own, is then held by the process's link.

    Attributes:
        commits: the durations of commits.
    """

    def __init__(
        self,
        url: str,
        *,
        locked: bool = False,
        fence: Fence | None = None,
        pooled: bool = False,
    ) -> None:
        self._peewee = connect(
            url,
            session=fence.session if fence else "botyard",
            timeouts=SERVER if fence else COMMAND,
            pooled=pooled,
        )
        self._fence = fence
        self.commits = Histogram(COMMIT_BOUNDS)
        self._failed = FailureLog()
        file = sqlite_file.of(url) if locked else None
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
                locked=locked and not pooled,
                commits=self.commits,
                fence=fence.check if fence else None,
            ),
            *(
                Worker(f"botyard-db-reader-{n}", self._peewee, jobs=self._reads, writes=False)
                for n in range(READERS[kind])
            ),
        ]

    async def open(self) -> None:
        """Start the threads, and check that the database answers.

        Raises:
            DatabaseInUse: `locked` is True, and a command, or another server on an SQLite file,
                has the database for itself.
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
        work = partial(fn, *args, **kwargs)
        if self._fence is None:
            return await self._submit(self._writes, work)
        owner = self._fence.identity()
        try:
            return await self._submit(self._writes, work, owner=owner)
        except ProcessLost:
            self._fence.lost(owner)
            raise

    async def ring(self, bell: Bell, ids: list[int]) -> None:
        """Ring a bell for other processes, if there can be any.

        One that cannot be rung is left out: others look without it, too.
        """
        if self._fence is not None:
            with suppress(StorageUnavailable):
                await self.write(doorbell.ring, bell, ids)

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

    async def checkpoint(self) -> None:
        """Move what was written from SQLite's log to its file, beside commits.

        After much was written: otherwise a commit does so for a thousand pages at once, and all
        others wait for it. PostgreSQL does so by itself. What fails is left to the next one.
        """
        if isinstance(self._peewee, peewee.SqliteDatabase):
            with suppress(StorageUnavailable):
                await self._submit(self._reads, self._checkpoint, bare=True)

    def _checkpoint(self) -> None:
        # all rows are fetched: a statement that is not over stands in the way of the next
        self._peewee.execute_sql("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    async def _submit(
        self, jobs: Queue, run: Callable[[], T], *, owner: int | None = None, bare: bool = False
    ) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        jobs.put(Job(run, future, owner, bare))
        try:
            return await future
        except StorageUnavailable as error:
            self._failed.add(error)
            raise

    @property
    def failures(self) -> int:
        """The number of calls that failed with StorageUnavailable."""
        return self._failed.count

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
