"""Writes the journal of all bots: what waits while a commit is under way shares the next one."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from models.engine.database import Database
from models.errors import StorageUnavailable
from models.messaging import dead_updates, updates
from models.messaging.updates import Batch, Flush, Resumption
from runner.updates.incoming import IncomingUpdate, JSONObject
from runner.updates.intake import pack

T = TypeVar("T")
R = TypeVar("R")

MAX_BATCHES = 256  # a commit holds this many batches at most, so that none takes long
MAX_MARKS = 2048
# Without updates for a week Telegram goes on with a random id; a day less, to be sure.
_OFFSET_LIFETIME = timedelta(days=6)


MARK_DELAY = 0.05  # seconds that "handled" waits for a batch whose commit it may share
PACKING = 0.005  # seconds of a turn of the event loop
RETRY_DELAY = 1.0  # seconds between tries while the database does not answer

Key = tuple[int, int]  # bot id, update id

log = logging.getLogger("botyard.journal")


@dataclass(slots=True)
class _PendingWrite(Generic[T, R]):
    """Something that waits to be written, and who waits for it."""

    what: T
    future: asyncio.Future[R]


@dataclass(slots=True)
class JournalCounts:
    """What became of updates since the start, of all bots.

    Args:
        received: stored for the first time.
        handled: their handlers came to an end.
        failed: failures of handlers; an update may have several.
        dead: failed for good.
        dropped: dead ones that went to make room for others.
        discarded: let go, as nothing could be told of them, not even which ones they are.
    """

    received: int = 0
    handled: int = 0
    failed: int = 0
    dead: int = 0
    dropped: int = 0
    discarded: int = 0


class Journal:
    """The one way to the `updates` table while bots run.

    Args:
        db: the database.

    Attributes:
        counts: what became of updates since the start.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.counts = JournalCounts()
        self._batches: list[_PendingWrite[Batch, frozenset[Key]]] = []
        self._marks: list[_PendingWrite[Key, None]] = []
        self._storing: dict[int, asyncio.Future[frozenset[Key]]] = {}  # by bot id
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def resume(self, bot_id: int) -> Resumption:
        """Where a bot goes on after it was off."""
        await self.wait_stored(bot_id)
        return await self._db.read(updates.resume, bot_id, forget_after=_OFFSET_LIFETIME)

    async def waiting(self, bot_id: int, *, after: int | None, limit: int) -> list[IncomingUpdate]:
        """Updates that are stored and not handled, oldest first."""
        rows = await self._db.read(updates.waiting, bot_id, after=after, limit=limit)
        return [IncomingUpdate.from_stored(row) for row in rows]

    async def store(
        self, bot_id: int, batch: list[JSONObject], *, offset: int
    ) -> list[IncomingUpdate]:
        """Store a batch; when this returns it is on the disk.

        Args:
            batch: updates, ascending, each with an `update_id` of its own; see `intake.sort_out`.
            offset: the offset that confirms them.

        Returns:
            Those that were not stored before, as they are stored.

        Raises:
            StorageUnavailable: nothing of it is stored.
            NotOwner: nor may it be, by this process.
        """
        packed = await _packed(batch)
        rows = [(update.update_id, payload) for update, payload in packed]
        future: asyncio.Future[frozenset[Key]] = asyncio.get_running_loop().create_future()
        self._batches.append(_PendingWrite(Batch(bot_id, rows, offset), future))
        self._storing[bot_id] = future
        future.add_done_callback(lambda done: self._stored(bot_id, done))
        self.flush_now()
        stored = await asyncio.shield(future)  # whoever is cancelled leaves it on its way
        new = [update for update, _ in packed if (bot_id, update.update_id) in stored]
        self.counts.received += len(new)
        log.debug("bot %d: %d updates received, %d of them new", bot_id, len(batch), len(new))
        return new

    def _stored(self, bot_id: int, future: asyncio.Future[frozenset[Key]]) -> None:
        if self._storing.get(bot_id) is future:
            del self._storing[bot_id]

    async def wait_stored(self, bot_id: int) -> None:
        """Wait until nothing of a bot is on its way to the disk."""
        while (future := self._storing.get(bot_id)) is not None:
            await asyncio.wait({future})

    def handled(self, bot_id: int, update_id: int) -> asyncio.Future[None]:
        """Have it stored that an update was handled, however long the database is away.

        Returns:
            What is done when it is on the disk. That may take a moment, because the mark waits
            for the next batch to share its commit; `flush_now` ends the wait.
        """
        self.counts.handled += 1
        log.debug("bot %d: update %d handled", bot_id, update_id)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._marks.append(_PendingWrite((bot_id, update_id), future))
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

    async def save_failure(self, bot_id: int, update_id: int, **failure: Any) -> None:
        """Store that an update's handler failed; see `models.messaging.updates.save_failure`."""
        await self._db.write(updates.save_failure, bot_id, update_id, **failure)
        self.counts.failed += 1

    async def bury(self, bot_id: int, update_id: int, **failure: Any) -> int:
        """Store that it failed for good; see `models.messaging.dead_updates.bury`."""
        dropped = await self._db.write(dead_updates.bury, bot_id, update_id, **failure)
        self.counts.failed += 1
        self.counts.dead += 1
        self.counts.dropped += dropped
        return dropped

    async def block_chat(self, bot_id: int, chat_id: int, *, blocked: bool) -> None:
        """Store whether a chat wants to hear from a bot."""
        write = updates.block_chat if blocked else updates.unblock_chat
        await self._db.write(write, bot_id, chat_id)

    @property
    def unwritten(self) -> dict[str, int]:
        """What waits to be written: batches of new updates, and marks that one was handled."""
        return {"batches": len(self._batches), "marks": len(self._marks)}

    async def close(self) -> None:
        """Write what waits, once."""
        self.flush_now()
        if self._task is not None:
            await asyncio.wait({self._task})
        if self._timer is not None:
            self._timer.cancel()
        if self._marks:
            log.error("%d handled updates could not be marked so", len(self._marks))

    async def _flush(self) -> None:
        try:
            while self._batches or self._marks:
                batches, self._batches = _split(self._batches, MAX_BATCHES)
                marks, self._marks = _split(self._marks, MAX_MARKS)
                if not await self._write(batches, marks):
                    break
        finally:
            self._task = None

    async def _write(
        self,
        batches: list[_PendingWrite[Batch, frozenset[Key]]],
        marks: list[_PendingWrite[Key, None]],
    ) -> bool:
        """Write some of what waits; False when the database does not answer."""
        try:
            await self._commit(batches, marks)
        except StorageUnavailable as error:
            for waiting in batches:
                _fail(waiting.future, error)
            self._marks[:0] = marks  # what was handled stays so: try until it is stored
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(RETRY_DELAY, self.flush_now)
            return False
        except Exception as error:
            await self._one_by_one(batches, marks, error)
        return True

    async def _commit(
        self,
        batches: list[_PendingWrite[Batch, frozenset[Key]]],
        marks: list[_PendingWrite[Key, None]],
    ) -> None:
        flush = Flush([waiting.what for waiting in batches], [waiting.what for waiting in marks])
        new = await self._db.write(updates.flush, flush)
        for batch in batches:
            if not batch.future.done():
                batch.future.set_result(new)
        for mark in marks:
            if not mark.future.done():
                mark.future.set_result(None)

    async def _one_by_one(
        self,
        batches: list[_PendingWrite[Batch, frozenset[Key]]],
        marks: list[_PendingWrite[Key, None]],
        error: Exception,
    ) -> None:
        """One of them cannot be written (its bot is gone): it must not take the others along."""
        if len(batches) + len(marks) == 1:
            for future in [waiting.future for waiting in batches]:
                _fail(future, error)
            for done in [waiting.future for waiting in marks]:
                _fail(done, error)
            return
        for batch in batches:
            await self._write([batch], [])
        for mark in marks:
            await self._write([], [mark])


async def _packed(batch: list[JSONObject]) -> list[tuple[IncomingUpdate, bytes]]:
    """Pack a batch; large updates take their time, in which others have their turns."""
    clock, packed = asyncio.get_running_loop().time, []
    turn = clock()
    for update in batch:
        packed.append(pack(update))
        if clock() - turn > PACKING:
            await asyncio.sleep(0)
            turn = clock()
    return packed


def _split(waiting: list[T], limit: int) -> tuple[list[T], list[T]]:
    return waiting[:limit], waiting[limit:]


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # a mark's future may have nobody who looks
