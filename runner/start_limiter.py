"""Limits the number of bots that connect at once; bots whose owners wait go first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class StartLimiter:
    """A semaphore whose queue promoted bots bypass.

    At boot thousands of bots wait here; a bot that its owner switches on does not.

    Args:
        number: the number of bots that may hold a slot at once, promoted ones not counted.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: dict[int, asyncio.Future[bool]] = {}  # by bot, in order
        self._promoted: set[int] = set()

    @asynccontextmanager
    async def acquire(self, bot_id: int) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for the duration of the block."""
        counted = await self._take(bot_id)
        try:
            yield
        finally:
            if counted:
                self._give()

    def promote(self, bot_id: int) -> None:
        """Let a bot pass without a slot, now or when it arrives, until `forget`."""
        self._promoted.add(bot_id)
        ticket = self._waiting.get(bot_id)
        if ticket is not None and not ticket.done():
            ticket.set_result(False)

    def forget(self, bot_id: int) -> None:
        """Cancel a promotion: from now on the bot waits in the queue like any other."""
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
