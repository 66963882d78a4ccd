"""Publishes new messages, and the chats they are in, to the live streams of their owners.

What is published is read from the database a moment after it was stored, many rows at a time, and
only while somebody reads it, or did so a minute ago: messages cost nothing more while nobody
watches.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Set

from models.engine.database import Database
from models.errors import StorageError
from models.messaging import history
from models.messaging.marks import Flushed
from runner.live.events import ChatNews, EventKind
from runner.live.hub import EventHub

log = logging.getLogger("botyard.runner")

GATHER = 0.02  # seconds that a new message waits for others
AT_ONCE = 500  # messages that are read together


class NewMessagePublisher:
    """Publishes what commits have stored.

    Args:
        db: the database.
        events: publishes it.
    """

    def __init__(self, db: Database, events: EventHub) -> None:
        self._db = db
        self._events = events
        self._ids: list[int] = []
        self._task: asyncio.Task[None] | None = None

    def stored(self, flushed: Flushed) -> None:
        """Learn of a commit."""
        if not self._audience():
            return
        self._ids += flushed.received
        for numbers in flushed.messages.values():
            self._ids += numbers
        if self._ids and self._task is None:
            self._task = asyncio.create_task(self._run(), name="new messages")

    def _audience(self) -> Set[int]:
        """Return the users whose events are gathered, here or in another process."""
        users, relay = self._events.users, self._events.relay
        return users if relay is None else users | relay.audience

    async def _run(self) -> None:
        try:
            while self._ids:
                await asyncio.sleep(GATHER)
                ids, self._ids = self._ids[:AT_ONCE], self._ids[AT_ONCE:]
                await self._publish(sorted(ids))
        except StorageError as error:
            log.warning("new messages were not told to those who watch: %s", error)
        finally:
            self._task = None

    async def _publish(self, ids: list[int]) -> None:
        events = self._events
        latest = await self._db.read(history.latest, ids, sorted(self._audience()))
        for user_id, bot_id, row in latest.messages:
            events.publish(user_id, EventKind.MESSAGE, bot_id, row)
        for user_id, bot_id, chat in latest.chats:
            events.publish(user_id, EventKind.CHAT, bot_id, ChatNews(chat.chat_id, chat))

    async def close(self) -> None:
        """Stop publishing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
