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

from models.engine.connection import is_deadlock, translate
from models.engine.histogram import Histogram
from models.engine.locks import take
from models.errors import StorageUnavailable

WRITES_A_COMMIT = 128
TRIES = 3  # of a call that certainly stored nothing


@dataclass(slots=True)
class Job:
    """One call of a database thread."""

    run: Callable[[], Any]
    future: asyncio.Future[Any]
    owner: int | None = None  # the process that writes for its bots, if the fence lets it
    bare: bool = False  # without a transaction
    result: Any = None
    error: BaseException | None = None
    done: bool = False  # the function has returned; the commit may still fail

    def attempt(self) -> None:
        """Run the call and keep its result; keep and raise its error."""
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
    """Return the first error: after a failed COMMIT, Peewee's ROLLBACK fails as well."""
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
    """A thread with its own connection that takes calls from a queue."""

    def __init__(
        self,
        name: str,
        database: peewee.Database,
        *,
        jobs: Queue,
        writes: bool,
        locked: bool = False,
        commits: Histogram | None = None,
        fence: Callable[[int], str] | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._database = database
        self._jobs = jobs
        self._writes = writes
        self._commits = commits
        self._fence = fence
        self._sqlite = isinstance(database, peewee.SqliteDatabase)
        self._locked = locked and not self._sqlite

    def run(self) -> None:
        """Take calls until the queue ends."""
        ending = False
        while not ending and (job := self._jobs.get()) is not None:
            batch, ending = self._waiting_with(job)
            self._work(batch)
            with suppress(RuntimeError):  # the loop is closed, so nothing waits for the results
                batch[0].future.get_loop().call_soon_threadsafe(_deliver, batch)
        with suppress(peewee.PeeweeException):
            self._database.close()

    def _waiting_with(self, first: Job) -> tuple[list[Job], bool]:
        """Return the waiting writes, to share a commit, and True if the queue has ended."""
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
                self._again(batch)
                return
            except Exception as error:
                if not self._sqlite and all(job.done or job.error for job in batch):
                    # COMMIT was sent, and its outcome is unknown. (With SQLite it is known: a
                    # failed COMMIT has stored nothing.)
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
        """Set up a new connection for this thread."""
        if self._sqlite and not self._writes:
            self._database.execute_sql("PRAGMA query_only = 1")
        if self._locked:
            take(self._database, shared=True)

    def _connection_lost(self) -> bool:
        if self._sqlite or self._database.is_closed():
            return False
        connection = self._database.connection()
        return bool(connection.closed or connection.broken)

    def _begin(self, batch: list[Job]) -> Any:
        """Return the transaction for a batch; entering it checks the fence, if a call needs that.

        The check comes first: a process that takes bots over locks the same rows in this order.
        Entering raises ProcessLost if this process may not write for its bots.
        """
        # A deferred transaction that reads and then writes fails with "database is locked" at
        # once, with any timeout.
        if self._sqlite:
            return self._database.atomic(*(["IMMEDIATE"] if self._writes else []))
        if self._fence is None:
            return self._database.atomic()
        owners = {job.owner for job in batch if job.owner is not None}
        return self._database.atomic(checks=[self._fence(owner) for owner in sorted(owners)])

    def _together(self, batch: list[Job]) -> None:
        """Run a batch in one transaction, each call in a savepoint that isolates its failure."""
        with self._begin(batch):
            for job in batch:
                with suppress(Exception), self._database.atomic():
                    job.attempt()
                if self._sqlite and not self._database.connection().in_transaction:
                    # A full disk or an I/O error makes SQLite undo the whole transaction.
                    raise StorageUnavailable("the transaction was aborted") from job.error
            began = time.perf_counter()
        self._committed(began)

    def _again(self, batch: list[Job]) -> None:
        """Run the calls once more that were the victims of a deadlock in a shared transaction."""
        for job in batch:
            if job.error is not None and is_deadlock(job.error):
                self._alone(job)

    def _alone(self, job: Job) -> None:
        for _ in range(TRIES):
            job.error = None
            self._try(job)
            # Lost before COMMIT, or chosen as the victim of a deadlock: nothing was stored.
            lost = not job.done and self._connection_lost()
            if job.error is None or not (lost or is_deadlock(job.error)):
                return

    def _try(self, job: Job) -> None:
        try:
            self._ensure_connection()
            if job.bare:
                job.attempt()
                return
            with self._begin([job]):
                job.attempt()
                began = time.perf_counter()
            self._committed(began)
        except Exception as error:
            job.error = job.error or _cause(error)  # without job.error, BEGIN or COMMIT failed

    def _committed(self, began: float) -> None:
        """Observe a commit's duration, from the end of its work until it is on disk."""
        if self._commits is not None:
            self._commits.observe(time.perf_counter() - began)
