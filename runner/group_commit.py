"""One commit for many: what waits while a commit is under way shares the next one.

A batch of new updates is written at once. The other writes ("marks": an update is handled, a
message is claimed or sent) may wait a moment for a batch whose commit they can share. When a commit
is refused, what was in it is written one by one, so that what cannot be written does not take the
rest along; when the database does not answer, batches fail (they are still at Telegram) and marks
are kept until they are stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from models.engine.database import Database
from models.errors import ProcessLost, StorageUnavailable
from models.messaging.flush import flush
from models.messaging.marks import Batch, Claim, Flush, Flushed, Handled, Mark, Result

T = TypeVar("T")
R = TypeVar("R")

MAX_BATCHES = 256  # a commit holds this many batches at most, so that none takes long
MAX_MARKS = 2048
MARK_DELAY = 0.01  # seconds that a mark waits for a batch whose commit it may share
RETRY_DELAY = 1.0  # seconds between tries while the database does not answer

log = logging.getLogger("botyard.journal")


@dataclass(slots=True)
class _PendingWrite(Generic[T, R]):
    """Something to be written, and a future for its outcome."""

    what: T
    future: asyncio.Future[R]


_Batches = list[_PendingWrite[Batch, Flushed]]
_Marks = list[_PendingWrite[Mark, Any]]


class GroupCommit:
    """Writes batches of updates, and marks of updates and messages.

    Args:
        db: the database.
        owner_id: returns the process that writes; None if there is only one.

    Attributes:
        on_stored: learn what was stored.
    """

    def __init__(self, db: Database, *, owner_id: Callable[[], int | None]) -> None:
        self._db = db
        self._owner_id = owner_id
        self.on_stored: list[Callable[[Flushed], None]] = []
        self._batches: _Batches = []
        self._marks: _Marks = []
        self._writing: _Marks = []
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> dict[str, int]:
        """How many batches and how many marks wait to be written."""
        return {"batches": len(self._batches), "marks": len(self._marks)}

    def add_batch(self, batch: Batch) -> asyncio.Future[Flushed]:
        """Write a batch now."""
        future: asyncio.Future[Flushed] = asyncio.get_running_loop().create_future()
        self._batches.append(_PendingWrite(batch, future))
        self.flush_now()
        return future

    def add_handled(self, handled: Handled) -> asyncio.Future[list[int]]:
        """Write soon that an update was handled, with the rows of its effects.

        Returns:
            A future of the ids of its messages.
        """
        return self._add_mark(handled)

    def add_claim(self, claim: Claim) -> asyncio.Future[tuple[str, bytes] | None]:
        """Write soon that a message is being sent.

        Returns:
            A future of its method and parameters; None if it is not to be sent any more.
        """
        return self._add_mark(claim)

    def add_result(self, result: Result) -> asyncio.Future[None]:
        """Write soon what came of a message."""
        return self._add_mark(result)

    def _add_mark(self, mark: Mark) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._marks.append(_PendingWrite(mark, future))
        if self._task is None and self._timer is None:
            self._timer = loop.call_later(MARK_DELAY, self.flush_now)
        return future

    def flush_now(self) -> None:
        """Write what waits now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None and (self._batches or self._marks):
            self._task = asyncio.create_task(self._flush(), name="journal")

    async def settle(self, bot_id: int) -> None:
        """Wait until the marks of a bot are written, however long the database is away."""
        while waiting := {
            mark.future
            for mark in (*self._marks, *self._writing)
            if mark.what.writer.bot_id == bot_id and not mark.future.done()
        }:
            self.flush_now()
            await asyncio.wait(waiting)

    async def close(self) -> None:
        """Write what waits, once."""
        self.flush_now()
        if self._task is not None:
            await asyncio.wait({self._task})
        if self._timer is not None:
            self._timer.cancel()
        if self._marks:
            log.error("%d marks of updates and messages could not be stored", len(self._marks))

    async def _flush(self) -> None:
        try:
            while self._batches or self._marks:
                batches, self._batches = _split(self._batches, MAX_BATCHES)
                marks, self._marks = _split(self._marks, MAX_MARKS)
                self._writing = marks
                if not await self._write(batches, marks):
                    break
        finally:
            self._writing = []
            self._task = None

    def _owned(self, marks: _Marks) -> _Marks:
        """Fail the marks of an earlier identity of this process: others handle them again."""
        owner_id = self._owner_id() or 0
        for mark in marks:
            if mark.what.writer.owner_id != owner_id:
                _fail(mark.future, ProcessLost("this process was declared dead"))
        return [mark for mark in marks if mark.what.writer.owner_id == owner_id]

    async def _write(self, batches: _Batches, marks: _Marks) -> bool:
        """Write some of what waits; False when the database does not answer."""
        marks = self._owned(marks)
        if not batches and not marks:
            return True
        try:
            await self._commit(batches, marks)
        except ProcessLost as error:
            for batch in batches:
                _fail(batch.future, error)
            for mark in marks:
                _fail(mark.future, error)
        except StorageUnavailable as error:
            for batch in batches:
                _fail(batch.future, error)
            self._marks[:0] = marks  # what was handled stays so: try until it is stored
            if self._timer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(RETRY_DELAY, self.flush_now)
            return False
        except Exception as error:
            await self._one_by_one(batches, marks, error)
        return True

    async def _commit(self, batches: _Batches, marks: _Marks) -> None:
        waiting = Flush([batch.what for batch in batches], [mark.what for mark in marks])
        flushed = await self._db.write_as_owner(flush, waiting)
        for batch in batches:
            if not batch.future.done():
                batch.future.set_result(flushed)
        for mark in marks:
            if not mark.future.done():
                mark.future.set_result(_outcome(mark.what, flushed))
        for learn in self.on_stored:
            learn(flushed)

    async def _one_by_one(self, batches: _Batches, marks: _Marks, error: Exception) -> None:
        """Write one after another what could not be written together, and fail what cannot be."""
        if len(batches) + len(marks) == 1:
            for batch in batches:
                _fail(batch.future, error)
            for mark in marks:
                log.error("%s was not stored: %s", type(mark.what).__name__, error)
                _fail(mark.future, error)
            return
        # at once, so that they share commits
        await asyncio.gather(
            *(self._write([batch], []) for batch in batches),
            *(self._write([], [mark]) for mark in marks),
        )


def _outcome(mark: Mark, flushed: Flushed) -> list[int] | tuple[str, bytes] | None:
    if isinstance(mark, Handled):
        return flushed.messages.get(mark.key, [])
    return flushed.claimed.get(mark.ids[0]) if isinstance(mark, Claim) else None


def _split(waiting: list[T], limit: int) -> tuple[list[T], list[T]]:
    return waiting[:limit], waiting[limit:]


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # mark it as retrieved: nobody may await this future
