"""Keeps a bot from writing much faster to a chat than Telegram takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sized

from models.messaging.messages import Lane

CROWDED = 30  # a bot's own messages to a chat after which its updates wait


class Crowd:
    """Has the updates of a chat wait while many of the bot's own messages to it are not sent.

    Args:
        queues: the messages that are not sent, by chat and lane.
    """

    def __init__(self, queues: Mapping[tuple[int, Lane], Sized]) -> None:
        self._queues = queues
        self._waiting: dict[int, asyncio.Event] = {}

    def has_room(self, chat_id: int) -> bool:
        """Return True if `room` would not wait."""
        return len(self._queues.get((chat_id, Lane.DIALOG), ())) < CROWDED

    async def room(self, chat_id: int) -> None:
        """Wait while there are many: Telegram takes one a second, and somebody may be faster."""
        while not self.has_room(chat_id):
            await self._waiting.setdefault(chat_id, asyncio.Event()).wait()

    def shrunk(self, chat_id: int) -> None:
        """Let others go on after a message was sent."""
        if chat_id in self._waiting and self.has_room(chat_id):
            self._waiting.pop(chat_id).set()
