"""Bots that talk while their server is killed."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import aiohttp

from sandbox import Sandbox
from support.client import Client, register, until
from support.server_process import ServerProcess

BOTS_EACH = 5
CHATS = 3


async def add_bots(
    http: aiohttp.ClientSession, url: str, telegram: Sandbox
) -> tuple[list[Client], list[int]]:
    """Two users with five bots each."""
    users = [await register(Client(http, url)) for _ in range(2)]
    bots = [telegram.add_bot() for _ in range(2 * BOTS_EACH)]
    for index, bot in enumerate(bots):
        await users[index % 2].add_bot(bot)
    return users, [bot.id for bot in bots]


def count_sent(telegram: Sandbox, bot_ids: list[int]) -> int:
    """How many messages the bots have sent."""
    return sum(len(telegram.sent(bot)) for bot in bot_ids)


def answered(telegram: Sandbox, bot_ids: list[int]) -> Counter[tuple[int, str]]:
    """How often each text was answered, by bot."""
    return Counter((bot, sent.message["text"]) for bot in bot_ids for sent in telegram.sent(bot))


Start = Callable[[], AbstractAsyncContextManager[ServerProcess]]


async def kill_in_the_middle(
    start: Start, kills: int, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    """Kill -9 a server again and again while its bots answer, and see that each text is answered.

    Args:
        start: starts it, each time on the same folder.
    """
    rng = random.Random(20)
    asked: set[tuple[int, str]] = set()
    async with start() as server:
        _users, bot_ids = await add_bots(http, server.url, telegram)
        await server.end(signal.SIGKILL)
    repeats = most = 0
    for kill in range(kills):
        before = sum(answered(telegram, bot_ids).values())
        async with start() as server:
            for n in range(300):
                bot, text = bot_ids[n % len(bot_ids)], f"{kill}: {n}"
                telegram.send_message(bot, text=text, chat_id=1 + n // len(bot_ids) % CHATS)
                asked.add((bot, text))
            enough = before + rng.randrange(20, 280)
            await until(lambda: count_sent(telegram, bot_ids) >= enough)  # noqa: B023
            await server.end(signal.SIGKILL)
        now = sum(count - 1 for count in answered(telegram, bot_ids).values())
        most, repeats = max(most, now - repeats), now
    async with start() as server:
        await until(
            lambda: (
                count_sent(telegram, bot_ids) >= len(asked)
                and set(answered(telegram, bot_ids)) == asked
            ),
            "an answer to each",
            deadline=120,  # Telegram's limit is 30 messages a second and bot
        )
        await server.end(signal.SIGTERM)
    print(f"{len(asked)} messages, {kills} kills, {repeats} repeats, at most {most} after a kill")
    assert most <= len(bot_ids) * CHATS, "only what was in hand: one update a chat"
