"""Bounds how many bots connect at once, and lets those go first whose owners wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class StartLimiter:
    """A semaphore with a way past its queue.

    At boot thousands of bots wait here; an owner who switches one of them on does not.

    Args:
        number: how many bots may hold a slot at once, promoted ones not counted.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: dict[int, asyncio.Future[bool]] = {}  # by bot, in order
        self._promoted: set[int] = set()

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
        """Let a bot pass without a slot, at once or when it comes; see `forget`."""
        self._promoted.add(bot_id)
        ticket = self._waiting.get(bot_id)
        if ticket is not None and not ticket.done():
            ticket.set_result(False)

    def forget(self, bot_id: int) -> None:
        """Have a bot queue like all others from now on."""
        self._promoted.discard(bot_id)

    async def _take(self, bot_id: int) -> bool:
        """Wait for a slot; return False if none is needed."""
        if bot_id in self._promoted:
            return False
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
