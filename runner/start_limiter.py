"""Bounds how many bots connect at once, and lets who is in a hurry pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class StartLimiter:
    """A semaphore whose queue can be left to the front.

    At boot thousands of bots wait here; an owner who switches one of them on does not.

    Args:
        number: how many bots may hold a slot at once, those that passed in a hurry not counted.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: dict[int, asyncio.Future[bool]] = {}  # by bot, in order

    @asynccontextmanager
    async def acquire(self, bot_id: int) -> AsyncIterator[None]:
        """Wait for a slot and hold it for as long as the block lasts."""
        counted = await self._take(bot_id)
        try:
            yield
        finally:
            if counted:
                self._give()

    def promote(self, bot_id: int) -> None:
        """Let a bot that waits pass at once, without a slot."""
        ticket = self._waiting.get(bot_id)
        if ticket is not None and not ticket.done():
            ticket.set_result(False)

    async def _take(self, bot_id: int) -> bool:
        """Wait for a slot; whether one was taken."""
        if self._free:
            self._free -= 1
            return True
        ticket: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[bot_id] = ticket
        try:
            return await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled() and ticket.result():
                self._give()
            raise
        finally:
            self._waiting.pop(bot_id, None)

    def _give(self) -> None:
        for ticket in self._waiting.values():
            if not ticket.done():
                ticket.set_result(True)
                return
        self._free += 1
