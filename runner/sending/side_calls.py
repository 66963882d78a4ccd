"""Calls that are made once and have no rows: answers to taps, and other buttons for a message."""

from __future__ import annotations

import asyncio
import logging

from telegram.error import TelegramError

from models.messaging.effects import OutgoingMessage
from models.messaging.messages import Lane
from runner.sending.sender import SenderContext

PATIENCE = 10.0  # seconds; Telegram takes the answer to a tap for about as long

log = logging.getLogger("botyard.runner")


class SideCalls:
    """Makes calls of one bot beside its messages; nothing depends on them.

    Args:
        shared: the objects that the bot's messages share.
    """

    def __init__(self, shared: SenderContext) -> None:
        self._shared = shared
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, calls: list[OutgoingMessage]) -> None:
        """Begin to make calls, one after another."""
        if not calls or self._shared.stop.is_set:
            return
        task = asyncio.create_task(self._make_all(calls), name="side calls")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make_all(self, calls: list[OutgoingMessage]) -> None:
        for call in calls:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._make(call)
            except (TelegramError, TimeoutError) as error:
                log.debug("bot %d: %s: %s", self._shared.writer.bot_id, call.method, error)

    async def _make(self, call: OutgoingMessage) -> None:
        if call.method.startswith("edit"):  # Telegram counts it as a message
            await self._shared.pacer.acquire(call.chat_id, Lane.DIALOG)
        await self._shared.client.call_encoded(call.method, call.parameters)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
