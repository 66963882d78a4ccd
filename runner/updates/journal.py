"""The journal of all bots, as the runner uses it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from models.bots.records import Writer
from models.engine.database import Database
from models.errors import StorageError
from models.messaging import dead_updates, updates
from models.messaging.effects import Effects
from models.messaging.marks import Batch, Flushed, Handled
from models.messaging.resumption import Resumption, resume
from runner.group_commit import GroupCommit
from runner.updates import history
from runner.updates.incoming import IncomingUpdate

# Without updates for a week Telegram goes on with a random id; a day less, to be sure.
OFFSET_LIFETIME = timedelta(days=6)

log = logging.getLogger("botyard.journal")


@dataclass(slots=True)
class JournalCounts:
    """The outcomes of updates since the start, of all bots.

    Args:
        received: stored for the first time.
        handled: their handlers came to an end.
        failed: failures of handlers; an update may have several.
        dead: failed for good.
        dropped: dead ones that went to make room for others.
        discarded: let go, as nothing could be told of them, not even which ones they are.
        messages: what people sent in those that were handled, by kind; see `history.counted_kind`.
    """

    received: int = 0
    handled: int = 0
    failed: int = 0
    dead: int = 0
    dropped: int = 0
    discarded: int = 0
    messages: Counter[str] = field(default_factory=Counter)


def mark_of(writer: Writer, update: IncomingUpdate, effects: Effects) -> Handled:
    """Return the mark of a handled update, with what the history keeps of it."""
    return Handled(
        writer,
        update.update_id,
        update.chat_id,
        effects.messages,
        effects.blocked,
        history.received(update),
        history.chat_info(update),
        effects.talk,
        effects.calls,
        effects.moved_to,
    )


class Journal:
    """The one way to the `updates` table while bots run.

    Args:
        db: the database.
        writer: writes for all bots.

    Attributes:
        counts: the outcomes of updates since the start.
    """

    def __init__(self, db: Database, writer: GroupCommit) -> None:
        self._db = db
        self.counts = JournalCounts()
        self._writer = writer
        self._storing: dict[int, asyncio.Future[Flushed]] = {}  # by bot id

    async def resume(self, bot_id: int) -> Resumption | None:
        """Read where a bot goes on after it was off; None if it was deleted."""
        await self.wait_stored(bot_id)
        # what its last run did is on the disk, or it would be done again
        await self._writer.settle(bot_id)
        found = await self._db.read(resume, [bot_id], forget_after=OFFSET_LIFETIME)
        return found.get(bot_id)

    async def waiting(self, bot_id: int, *, after: int | None, limit: int) -> list[IncomingUpdate]:
        """Read updates that are stored and not handled, oldest first."""
        rows = await self._db.read(updates.waiting, bot_id, after=after, limit=limit)
        return [IncomingUpdate.from_stored(row) for row in rows]

    async def store(
        self,
        writer: Writer,
        packed: list[tuple[IncomingUpdate, bytes]],
        *,
        offset: int,
        handled: list[Handled],
    ) -> Flushed:
        """Store a batch; when this returns it is on the disk.

        Args:
            writer: the bot.
            packed: updates with what is stored of them, ascending; see `intake.pack_all`.
            offset: the offset that confirms them.
            handled: the marks of those that are handled already.

        Raises:
            StorageUnavailable: nothing of it is stored.
            NotOwner: nor may it be, by this process.
        """
        bot_id = writer.bot_id
        rows = [(update.update_id, payload) for update, payload in packed]
        batch = Batch(writer, rows, offset, handled)
        try:
            flushed = await self._write(batch)
        except StorageError:
            raise
        except Exception as error:
            if not handled:
                raise
            # an effect was refused: a failure of its update, but not of the batch
            log.warning("bot %d: a batch is stored without effects: %s", bot_id, error)
            batch = replace(batch, handled=[])
            flushed = await self._write(batch)
        new = sum(key[0] == bot_id for key in flushed.new)
        self.counts.received += new
        log.debug("bot %d: %d updates received, %d of them new", bot_id, len(packed), new)
        for mark in batch.handled:
            if mark.key in flushed.early:
                self._count_handled(mark)
        return flushed

    async def _write(self, batch: Batch) -> Flushed:
        bot_id = batch.writer.bot_id
        future = self._storing[bot_id] = self._writer.add_batch(batch)
        future.add_done_callback(partial(self._stored, bot_id))
        return await asyncio.shield(future)  # whoever is cancelled leaves it on its way

    def _stored(self, bot_id: int, future: asyncio.Future[Flushed]) -> None:
        if self._storing.get(bot_id) is future:
            del self._storing[bot_id]

    async def wait_stored(self, bot_id: int) -> None:
        """Wait until nothing of a bot is on its way to the disk."""
        while (future := self._storing.get(bot_id)) is not None:
            await asyncio.wait({future})

    def handled(
        self, writer: Writer, update: IncomingUpdate, effects: Effects
    ) -> asyncio.Future[list[int]]:
        """Have it stored that an update was handled, however long the database is away.

        Returns:
            A future of the ids of its messages, which is done when the mark and the effects' rows
            are on the disk, or when the database refused them. That may take a moment, because they
            wait for the next batch to share its commit; `flush_now` ends the wait.
        """
        mark = mark_of(writer, update, effects)
        self._count_handled(mark)
        return self._writer.add_handled(mark)

    def _count_handled(self, mark: Handled) -> None:
        self.counts.handled += 1
        if mark.received is not None and not mark.received.is_edit:
            self.counts.messages[history.counted_kind(mark.received)] += 1
        log.debug("bot %d: update %d handled", mark.writer.bot_id, mark.update_id)

    def flush_now(self) -> None:
        """Write what waits now."""
        self._writer.flush_now()

    async def save_failure(self, bot_id: int, update_id: int, **failure: Any) -> None:
        """Store that an update's handler failed; see `models.messaging.updates.save_failure`."""
        await self._db.write_as_owner(updates.save_failure, bot_id, update_id, **failure)
        self.counts.failed += 1

    async def bury(self, bot_id: int, update_id: int, **failure: Any) -> int:
        """Store that it failed for good; see `models.messaging.dead_updates.bury`."""
        dropped = await self._db.write_as_owner(dead_updates.bury, bot_id, update_id, **failure)
        self.counts.failed += 1
        self.counts.dead += 1
        self.counts.dropped += dropped
        return dropped

    @property
    def unwritten(self) -> dict[str, int]:
        """How many batches of new updates and how many marks wait to be written."""
        return self._writer.waiting
