"""A database thread: takes calls from a queue and runs each in a transaction."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import peewee

from models.engine.connection import translate
from models.engine.histogram import Histogram
from models.engine.locks import LockHolder, take
from models.errors import StorageUnavailable

WRITES_A_COMMIT = 128


@dataclass(slots=True)
class Job:
    """One call on its way through a thread."""

    run: Callable[[], Any]
    future: asyncio.Future[Any]
    as_owner: bool = False  # only if the fence lets this process write for its bots
    result: Any = None
    error: BaseException | None = None
    done: bool = False  # carried out; whether it was committed is another matter

    def attempt(self) -> None:
        """Run the call and keep its result, or its error, which is raised, too."""
        self.error, self.done = None, False
        try:
            self.result = self.run()
            self.done = True
        except BaseException as error:
            self.error = error
            raise

    def deliver(self) -> None:
        """Hand the outcome to the caller; runs in the event loop."""
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.result)
            return
        if (unavailable := translate(self.error)) is not None:
            unavailable.__cause__ = self.error
        self.future.set_exception(unavailable or self.error)


Queue = queue.SimpleQueue[Job | None]


def _cause(error: BaseException) -> BaseException:
    """What went wrong first: Peewee's ROLLBACK after a COMMIT that failed has nothing to undo."""
    cause, before = error, error.__context__
    while before is not None and isinstance(cause, peewee.PeeweeException):
        if isinstance(before, peewee.PeeweeException):
            cause = before
        before = before.__context__
    return cause


def _deliver(batch: list[Job]) -> None:
    for job in batch:
        job.deliver()


class Worker(threading.Thread):
    """A thread with a connection of its own, which takes calls from a queue."""

    def __init__(
        self,
        name: str,
        database: peewee.Database,
        *,
        jobs: Queue,
        writes: bool,
        exclusive: bool = False,
        commits: Histogram | None = None,
        fence: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._database = database
        self._jobs = jobs
        self._writes = writes
        self._commits = commits
        self._fence = fence
        self._sqlite = isinstance(database, peewee.SqliteDatabase)
        self._exclusive = exclusive and not self._sqlite
        self._session: LockHolder | None = None  # the one that has the lock, or had it

    def run(self) -> None:
        """Take calls until the queue says that there are no more."""
        ending = False
        while not ending and (job := self._jobs.get()) is not None:
            batch, ending = self._waiting_with(job)
            self._work(batch)
            with suppress(RuntimeError):  # the loop is gone, and with it whoever asked
                batch[0].future.get_loop().call_soon_threadsafe(_deliver, batch)
        with suppress(peewee.PeeweeException):
            self._database.close()

    def _waiting_with(self, first: Job) -> tuple[list[Job], bool]:
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

    def _work(self, batch: list[Job]) -> None:
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

    def _check_fence(self, batch: list[Job]) -> None:
        """See that this process may write for its bots, if one of some calls does.

        First in the transaction: whoever takes bots over locks the same rows in this order.

        Raises:
            NotOwner: it may not.
        """
        if self._fence is not None and any(job.as_owner for job in batch):
            self._fence()

    def _together(self, batch: list[Job]) -> None:
        """Run a batch in one transaction, a savepoint each, so that one failing is alone in it."""
        with self._begin():
            self._check_fence(batch)
            for job in batch:
                with suppress(Exception), self._database.atomic():
                    job.attempt()
                if self._sqlite and not self._database.connection().in_transaction:
                    # A full disk or an I/O error makes SQLite undo the whole transaction.
                    raise StorageUnavailable("the transaction was aborted") from job.error
            began = time.perf_counter()
        self._committed(began)

    def _alone(self, job: Job) -> None:
        self._try(job)
        if job.error is not None and not job.done and self._connection_lost():
            # It was lost before COMMIT, so nothing can have been stored: once more.
            job.error = None
            self._try(job)

    def _try(self, job: Job) -> None:
        try:
            self._ensure_connection()
            with self._begin():
                self._check_fence([job])
                job.attempt()
                began = time.perf_counter()
            self._committed(began)
        except Exception as error:
            job.error = job.error or _cause(error)  # without the first: BEGIN or COMMIT failed

    def _committed(self, began: float) -> None:
        """Count what a commit took, from the end of its work until it was on the disk."""
        if self._commits is not None:
            self._commits.observe(time.perf_counter() - began)
