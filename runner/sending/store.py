"""The stored messages of all bots, as the runner uses them."""

from __future__ import annotations

import asyncio
from collections import Counter

from models.bots.records import Writer
from models.engine.database import Database
from models.messaging import expiry, messages
from models.messaging.expiry import Expired
from models.messaging.marks import Claim, Result
from models.messaging.messages import Lane, MessageState, SendReason, StoredMessage
from runner.group_commit import GroupCommit


class MessageStore:
    """The one way to the `messages` table while bots run.

    Args:
        db: the database.
        writer: writes for all bots.

    Attributes:
        outcomes: the number of messages since the start, by state and reason.
    """

    def __init__(self, db: Database, writer: GroupCommit) -> None:
        self._db = db
        self._writer = writer
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def pending(
        self, bot_id: int, lane: Lane, *, after: int, limit: int
    ) -> tuple[list[StoredMessage], bool]:
        """Read messages that are to be sent; see `models.messaging.messages.pending`."""
        return await self._db.read(messages.pending, bot_id, lane, after=after, limit=limit)

    async def of_updates(self, bot_id: int, update_ids: list[int]) -> list[StoredMessage]:
        """Read messages that are to be sent, of some updates."""
        return await self._db.read(messages.of_updates, bot_id, update_ids)

    async def settle_interrupted(self, bot_id: int) -> None:
        """Tell of people's messages that an earlier run was sending when it ended."""
        settled = await self._db.write_as_owner(messages.interrupted, bot_id)
        if settled:
            self.outcomes[MessageState.UNKNOWN, SendReason.INTERRUPTED] += settled

    async def expire(self) -> list[Expired]:
        """Give up messages that have waited too long."""
        expired = await self._db.write(expiry.expire)
        if expired:
            self.outcomes[MessageState.FAILED, SendReason.EXPIRED] += len(expired)
        return expired

    async def claim(self, writer: Writer, message: StoredMessage) -> tuple[str, bytes] | None:
        """Store that a person's message is being sent.

        Returns:
            Its method and parameters, which may have been edited; None if it is not to be sent any
            more: it was deleted, or has expired.
        """
        future = self._writer.add_claim(Claim(writer, message.ids))
        self._writer.flush_now()
        return await asyncio.shield(future)  # whoever is cancelled leaves it on its way

    def result(self, result: Result) -> asyncio.Future[None]:
        """Have it stored what came of a message, however long the database is away.

        Returns:
            A future that is done when it is on the disk; `flush_now` ends the wait for a batch.
        """
        if result.state is not MessageState.QUEUED:
            self.outcomes[result.state, result.reason or ""] += len(result.rows)
        return self._writer.add_result(result)

    def flush_now(self) -> None:
        """Write what waits now."""
        self._writer.flush_now()
