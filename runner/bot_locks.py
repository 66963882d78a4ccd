"""A lock for each bot that is being changed."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class BotLocks:
    """The locks of bots, as long as somebody holds or wants them."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, bot_id: int) -> asyncio.Lock:
        """Return the lock of a bot; hold it while the bot or its row is changed."""
        lock = self._locks.get(bot_id)
        if lock is None:
            lock = self._locks[bot_id] = asyncio.Lock()
        return lock

    def in_use(self) -> list[int]:
        """Return the bots whose lock is held or waited for."""
        return list(self._locks)
