"""Writes the journal of all bots: what waits while a commit is under way shares the next one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from models import update as updates
from models.database import Database
from models.errors import StorageUnavailable
from models.update import Batch, Flush, Resumption

JSONObject = dict[str, Any]

MAX_BATCHES = 256  # a commit holds this many batches at most, so that none takes long
MAX_HANDLED = 2048
# Without updates for a week Telegram goes on with a random id; a day less, to be sure.
_OFFSET_LIFETIME = timedelta(days=6)


@dataclass(slots=True)
class _Entry:
    """Something that waits to be written, and who waits for it."""

    future: asyncio.Future[frozenset[int]]
    batch: Batch | None = None
    handled: tuple[int, int] | None = None


class Journal:
    """The one way to the `updates` table while bots run.

    Args:
        db: the database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[_Entry] = []
        self._task: asyncio.Task[None] | None = None

    async def resume(self, bot_id: int) -> Resumption:
        """Where a bot goes on after it was off."""
        return await self._db.read(updates.resume, bot_id, forget_after=_OFFSET_LIFETIME)

    async def waiting(self, bot_id: int, *, after: int | None, limit: int) -> list[JSONObject]:
        """Updates that are stored and not handled, oldest first, with their `attempts`."""
        rows = await self._db.read(updates.waiting, bot_id, after=after, limit=limit)
        return [orjson.loads(row.payload) | {ATTEMPTS: row.attempts} for row in rows]

    async def store(
        self, bot_id: int, batch: list[JSONObject], *, offset: int, check: bool
    ) -> list[JSONObject]:
        """Store a batch; when this returns it is on the disk.

        Args:
            batch: updates, ascending.
            offset: the offset that confirms them.
            check: whether some may be stored already.

        Returns:
            Those that were not stored before.

        Raises:
            StorageUnavailable: nothing of it is stored.
        """
        rows = [(update["update_id"], orjson.dumps(update)) for update in batch]
        known = await self._write(batch=Batch(bot_id, rows, offset, check))
        return [update for update in batch if update["update_id"] not in known]

    async def handled(self, bot_id: int, update_id: int) -> None:
        """Store that an update was handled.

        Raises:
            StorageUnavailable: it is not stored.
        """
        await self._write(handled=(bot_id, update_id))

    async def note_failure(
        self, bot_id: int, update_id: int, *, attempts: int, error: str, dead: bool
    ) -> None:
        """Store that an update's handler failed; see `models.update.note_failure`."""
        await self._db.write(
            updates.note_failure, bot_id, update_id, attempts=attempts, error=error, dead=dead
        )

    async def block_chat(self, bot_id: int, chat_id: int, *, blocked: bool) -> None:
        """Store whether a chat wants to hear from a bot."""
        write = updates.block_chat if blocked else updates.unblock_chat
        await self._db.write(write, bot_id, chat_id)

    async def close(self) -> None:
        """Finish what waits."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _write(self, **what: Any) -> frozenset[int]:
        entry = _Entry(asyncio.get_running_loop().create_future(), **what)
        self._waiting.append(entry)
        if self._task is None:
            self._task = asyncio.create_task(self._flush(), name="journal")
        return await entry.future

    async def _flush(self) -> None:
        try:
            while self._waiting:
                entries = self._next()
                try:
                    await self._commit(entries)
                except StorageUnavailable as error:
                    _fail(entries, error)
                except Exception as error:
                    await self._one_by_one(entries, error)
        finally:
            self._task = None

    def _next(self) -> list[_Entry]:
        batches = handled = count = 0
        for entry in self._waiting:
            batches += entry.batch is not None
            handled += entry.handled is not None
            if batches > MAX_BATCHES or handled > MAX_HANDLED:
                break
            count += 1
        entries, self._waiting = self._waiting[:count], self._waiting[count:]
        return entries

    async def _commit(self, entries: list[_Entry]) -> None:
        waiting = Flush(
            [entry.batch for entry in entries if entry.batch is not None],
            [entry.handled for entry in entries if entry.handled is not None],
        )
        known = await self._db.write(updates.flush, waiting)
        nothing: frozenset[int] = frozenset()
        for entry in entries:
            if not entry.future.done():
                bot_id = entry.batch.bot_id if entry.batch else 0
                entry.future.set_result(known.get(bot_id, nothing))

    async def _one_by_one(self, entries: list[_Entry], error: Exception) -> None:
        """One entry cannot be written (its bot is gone): it must not take the others along."""
        if len(entries) == 1:
            _fail(entries, error)
            return
        for entry in entries:
            try:
                await self._commit([entry])
            except Exception as own:
                _fail([entry], own)


ATTEMPTS = "botyard_attempts"  # beside the fields of an update: how often its handler has failed


def _fail(entries: list[_Entry], error: Exception) -> None:
    for entry in entries:
        if not entry.future.done():
            entry.future.set_exception(error)
