"""News of messages and chats between processes; a part of `runner.cluster.relay`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from models.engine.database import Database
from models.engine.doorbell import Bell
from models.errors import StorageError
from models.messaging import history, outgoing
from runner.live.events import ChatNews, EventKind, MessageNews
from runner.live.hub import EventHub

log = logging.getLogger("botyard.cluster")

GATHER = 0.02  # seconds that news wait for others, to share a bell

Spawn = Callable[[Coroutine[Any, Any, None], str], None]
Ring = Callable[[Bell, list[int]], Awaitable[None]]


class MessageRelay:
    """Rings bells about messages and chats, and shows the rows of those that others ring.

    Args:
        db: the database.
        events: the events of this process.
        ring: rings a bell for the other processes.
        spawn: starts a task with a name.
    """

    def __init__(self, db: Database, events: EventHub, *, ring: Ring, spawn: Spawn) -> None:
        self._db = db
        self._events = events
        self._ring = ring
        self._spawn = spawn
        self._untold: dict[Bell, list[int]] = {}  # ids of what is gathered for a bell

    def published(self, user_id: int, kind: EventKind, bot_id: int, data: Any) -> None:
        """Pass on an event of a user who reads their events in another process."""
        if kind is EventKind.MESSAGE_STATE:
            self._tell_soon(Bell.MESSAGES, data.id)
        elif kind is EventKind.MESSAGE:
            self._tell_soon(Bell.WRITTEN, data.id)
        elif kind is EventKind.CHAT:
            self._tell_soon(Bell.CHATS, user_id, bot_id, data.chat_id)

    def _tell_soon(self, bell: Bell, *ids: int) -> None:
        """Ring a bell, together with what else it is to be rung for in the next moment."""
        untold = self._untold.setdefault(bell, [])
        if not untold:
            self._spawn(self._tell(bell), f"bell of {bell}")
        untold += ids

    async def _tell(self, bell: Bell) -> None:
        await asyncio.sleep(GATHER)
        await self._ring(bell, self._untold.pop(bell))

    def heard(self, bell: Bell, ids: list[int]) -> None:
        """Learn of a bell of another process."""
        if self._events.users and (show := self._show(bell)) is not None:
            self._spawn(self._shown(bell, show(ids)), f"events of {bell} elsewhere")

    def _show(self, bell: Bell) -> Callable[[list[int]], Coroutine[Any, Any, None]] | None:
        match bell:
            case Bell.MESSAGES:
                return self._show_messages
            case Bell.WRITTEN:
                return self._show_new
            case Bell.CHATS:
                return self._show_chats
        return None

    async def _shown(self, bell: Bell, showing: Coroutine[Any, Any, None]) -> None:
        try:
            await showing
        except StorageError as error:
            log.debug("events of %s elsewhere were not read: %s", bell, error)

    async def _show_messages(self, ids: list[int]) -> None:
        hub = self._events
        found = await self._db.read(outgoing.news, ids, sorted(hub.users))
        for user_id, bot_id, row in found:
            news = MessageNews(
                row.id, row.chat_id, row.state, row.telegram_id, row.reason, row.detail
            )
            hub.publish_here(user_id, EventKind.MESSAGE_STATE, bot_id, news)

    async def _show_new(self, ids: list[int]) -> None:
        hub = self._events
        for user_id, bot_id, row in await self._db.read(outgoing.news, ids, sorted(hub.users)):
            hub.publish_here(user_id, EventKind.MESSAGE, bot_id, row)

    async def _show_chats(self, ids: list[int]) -> None:
        hub = self._events
        for user_id, bot_id, chat_id in zip(ids[::3], ids[1::3], ids[2::3], strict=True):
            if user_id not in hub.users:
                continue
            found = await self._db.read(history.chat, bot_id, chat_id)
            hub.publish_here(user_id, EventKind.CHAT, bot_id, ChatNews(chat_id, found))
