"""Bots of this process that others are to run, or run already."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from runner.manager import BotManager


async def give_away(
    manager: BotManager, bot_ids: list[int], release: Callable[[], Awaitable[None]]
) -> None:
    """Stop bots, and let others run them.

    Args:
        manager: runs them.
        release: makes them free; called while they cannot be started here.
    """
    async with AsyncExitStack() as locks:
        for bot_id in sorted(bot_ids):
            await locks.enter_async_context(manager.lock(bot_id))
        await asyncio.gather(*(manager.let_go(bot_id) for bot_id in bot_ids))
        await release()


async def drop_all(manager: BotManager) -> None:
    """Stop every bot, because others run them by now."""

    async def drop(bot_id: int) -> None:
        async with manager.lock(bot_id):
            await manager.let_go(bot_id)

    await asyncio.gather(*(drop(bot.record.id) for bot in list(manager.bots())))
