"""Calls that are made once and have no rows: answers to taps, and other buttons for a message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import orjson
from telegram.error import TelegramError

from models.messaging.effects import OutgoingMessage
from models.messaging.messages import Lane
from runner.sending.sender import SenderContext
from runner.stop_signal import Stopped

PATIENCE = 10.0  # seconds; Telegram takes the answer to a tap for about as long

_Target = tuple[int, int]  # chat and message

log = logging.getLogger("botyard.runner")


class SideCalls:
    """Makes calls of one bot beside its messages; nothing depends on them.

    Edits of a message are made one after another: the last one shows what is true. One that waits
    gives way to a later one.

    Args:
        shared: the objects that the bot's messages share.
    """

    def __init__(self, shared: SenderContext) -> None:
        self._shared = shared
        self._tasks: set[asyncio.Task[None]] = set()
        self._newest: dict[_Target, OutgoingMessage] = {}  # edits, by what they change

    def put(self, calls: list[OutgoingMessage]) -> None:
        """Begin to make calls; only edits of one message wait for each other."""
        if self._shared.stop.is_set:
            return
        for call in calls:
            if not call.method.startswith("edit"):
                self._begin(self._make(call))
                continue
            target = call.chat_id, orjson.loads(call.parameters)["message_id"]
            is_under_way = target in self._newest
            self._newest[target] = call
            if not is_under_way:
                self._begin(self._show(target))

    def _begin(self, making: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(making, name="side call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _show(self, target: _Target) -> None:
        """Make the edits of a message until there is no newer one."""
        made: OutgoingMessage | None = None
        try:
            while made is not self._newest[target]:
                # Telegram counts it as a message
                await self._shared.pacer.acquire(target[0], Lane.DIALOG)
                made = self._newest[target]
                await self._make(made)
        except Stopped:
            return
        finally:
            del self._newest[target]

    async def _make(self, call: OutgoingMessage) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._shared.client.call_encoded(call.method, call.parameters)
        except (TelegramError, TimeoutError) as error:
            log.debug("bot %d: %s: %s", self._shared.writer.bot_id, call.method, error)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
