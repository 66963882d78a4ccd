"""The database behind threads of its own: the event loop never waits for a disk.

One function handed to `read` or `write` is one transaction and one call. It runs in a
database thread, uses the models, and returns plain data. It must have no effect but on the
database: a write that shared a transaction with one that broke it is run a second time.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

import peewee

from models.engine import sqlite_file
from models.engine.base import proxy
from models.engine.connection import connect, translate
from models.engine.histogram import Histogram
from models.engine.locks import LockHolder, take
from models.errors import DatabaseDamaged, StorageUnavailable

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("botyard.database")

READERS = {"sqlite": 2, "postgresql": 3}  # beside one writer; more only fight for the GIL
WRITES_A_COMMIT = 128
DAMAGE_TOLD = 60.0  # seconds between two lines in the log that say so
COMMIT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds


@dataclass(slots=True)
class _Job:
    """One call on its way through a thread."""

    run: Callable[[], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    done: bool = False  # carried out; whether it was committed is another matter

    def attempt(self) -> None:
        self.error, self.done = None, False
        try:
            self.result = self.run()
            self.done = True
        except BaseException as error:
            self.error = error
            raise

    def deliver(self) -> None:
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.result)
            return
        if (unavailable := translate(self.error)) is not None:
            unavailable.__cause__ = self.error
        self.future.set_exception(unavailable or self.error)


def _cause(error: BaseException) -> BaseException:
    """What went wrong first: Peewee's ROLLBACK after a COMMIT that failed has nothing to undo."""
    cause, before = error, error.__context__
    while before is not None and isinstance(cause, peewee.PeeweeException):
        if isinstance(before, peewee.PeeweeException):
            cause = before
        before = before.__context__
    return cause


def _deliver(batch: list[_Job]) -> None:
    for job in batch:
        job.deliver()


class _Worker(threading.Thread):
    """A thread with a connection of its own, which takes calls from a queue."""

    def __init__(
        self,
        name: str,
        database: peewee.Database,
        *,
        jobs: _Queue,
        writes: bool,
        exclusive: bool = False,
        commits: Histogram | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._database = database
        self._jobs = jobs
        self._writes = writes
        self._commits = commits
        self._sqlite = isinstance(database, peewee.SqliteDatabase)
        self._exclusive = exclusive and not self._sqlite
        self._session: LockHolder | None = None  # the one that has the lock, or had it

    def run(self) -> None:
        ending = False
        while not ending and (job := self._jobs.get()) is not None:
            batch, ending = self._waiting_with(job)
            self._work(batch)
            with suppress(RuntimeError):  # the loop is gone, and with it whoever asked
                batch[0].future.get_loop().call_soon_threadsafe(_deliver, batch)
        with suppress(peewee.PeeweeException):
            self._database.close()

    def _waiting_with(self, first: _Job) -> tuple[list[_Job], bool]:
        """The writes that wait together, to share a commit; and whether the end was among them."""
        batch = [first]
        while self._writes and len(batch) < WRITES_A_COMMIT:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _work(self, batch: list[_Job]) -> None:
        try:
            self._ensure_connection()
        except Exception as error:
            for job in batch:
                job.error = error
            return
        if len(batch) > 1:
            try:
                self._together(batch)
                return
            except Exception as error:
                if not self._sqlite and all(job.done or job.error for job in batch):
                    # COMMIT was sent, and whether it was carried out is not known. (SQLite
                    # tells: a COMMIT that failed has stored nothing.)
                    for job in batch:
                        job.error = job.error or error
                    return
        for job in batch:
            self._alone(job)

    def _ensure_connection(self) -> None:
        if self._connection_lost():
            self._database.close()
        if self._database.is_closed():
            self._database.connect()
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise

    def _prepare(self) -> None:
        """Make a new connection what this thread needs."""
        if self._sqlite and not self._writes:
            self._database.execute_sql("PRAGMA query_only = 1")
        if self._exclusive:
            self._session = take(self._database, before=self._session)

    def _connection_lost(self) -> bool:
        if self._sqlite or self._database.is_closed():
            return False
        connection = self._database.connection()
        return bool(connection.closed or connection.broken)

    def _begin(self) -> Any:
        # A deferred transaction that reads and then writes fails with "database is locked"
        # at once, whatever the timeout is.
        if self._sqlite and self._writes:
            return self._database.atomic("IMMEDIATE")
        return self._database.atomic()

    def _together(self, batch: list[_Job]) -> None:
        """Run a batch in one transaction, a savepoint each, so that one failing is alone in it."""
        with self._begin():
            for job in batch:
                with suppress(Exception), self._database.atomic():
                    job.attempt()
                if self._sqlite and not self._database.connection().in_transaction:
                    # A full disk or an I/O error makes SQLite undo the whole transaction.
                    raise StorageUnavailable("the transaction was given up") from job.error
            began = time.perf_counter()
        self._committed(began)

    def _alone(self, job: _Job) -> None:
        self._try(job)
        if job.error is not None and not job.done and self._connection_lost():
            # It was lost before COMMIT, so nothing can have been stored: once more.
            job.error = None
            self._try(job)

    def _try(self, job: _Job) -> None:
        try:
            self._ensure_connection()
            with self._begin():
                job.attempt()
                began = time.perf_counter()
            self._committed(began)
        except Exception as error:
            job.error = job.error or _cause(error)  # without the first: BEGIN or COMMIT failed

    def _committed(self, began: float) -> None:
        """Count what a commit took, from the end of its work until it was on the disk."""
        if self._commits is not None:
            self._commits.observe(time.perf_counter() - began)


_Queue = queue.SimpleQueue[_Job | None]


class Database:
    """One database and its threads: one that writes, some that read.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`.
        exclusive: whether it is to be had alone, as `models.engine.locks` says.

    Attributes:
        commits: what commits took.
        failures: how many calls ended with StorageUnavailable.
    """

    def __init__(self, url: str, *, exclusive: bool = False) -> None:
        self._peewee = connect(url)
        self.commits = Histogram(COMMIT_BOUNDS)
        self.failures = 0
        self._damage_told = -DAMAGE_TOLD
        file = sqlite_file.of(url) if exclusive else None
        self._file_lock = None if file is None else sqlite_file.FileLock(file)
        kind = "sqlite" if url.startswith("sqlite:") else "postgresql"
        self._writes: _Queue = queue.SimpleQueue()
        self._reads: _Queue = queue.SimpleQueue()
        self._workers = [
            _Worker(
                "botyard-db-writer",
                self._peewee,
                jobs=self._writes,
                writes=True,
                exclusive=exclusive,
                commits=self.commits,
            ),
            *(
                _Worker(f"botyard-db-reader-{n}", self._peewee, jobs=self._reads, writes=False)
                for n in range(READERS[kind])
            ),
        ]

    async def open(self) -> None:
        """Start the threads and see that the database answers.

        Raises:
            DatabaseInUse: it was to be had alone, and another server runs on it.
            StorageUnavailable: it does not.
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

        Cancelling the caller does not undo it: once handed over, it is carried out.

        Raises:
            StorageUnavailable: the database did not do it; nothing of it is stored.
        """
        return await self._submit(self._writes, partial(fn, *args, **kwargs))

    async def _submit(self, jobs: _Queue, run: Callable[[], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        jobs.put(_Job(run, future))
        try:
            return await future
        except StorageUnavailable as error:
            self.failures += 1
            if isinstance(error, DatabaseDamaged):
                self._tell_damage(error)
            raise

    def _tell_damage(self, error: DatabaseDamaged) -> None:
        """Log it, and not again for each call that comes upon the same pages."""
        now = time.monotonic()
        if now - self._damage_told >= DAMAGE_TOLD:
            self._damage_told = now
            log.error("%s", error)

    @property
    def queued(self) -> dict[str, int]:
        """How many calls wait for a thread, by kind."""
        return {"write": self._writes.qsize(), "read": self._reads.qsize()}

    async def close(self) -> None:
        """Finish what was handed over, then end the threads."""
        self._writes.put(None)
        for _ in self._workers[1:]:
            self._reads.put(None)
        for worker in self._workers:
            if worker.is_alive():
                await asyncio.to_thread(worker.join)
        if self._file_lock is not None:
            self._file_lock.release()
