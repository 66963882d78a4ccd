"""Nothing is lost when the process is killed, the disk is full, the database is locked."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from processes import ServerProcess, serving
from support import DEADLINE, Client, fill_disk, register, until

from sandbox import Sandbox

KILLS = 20
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


@pytest.mark.timeout(300)
@pytest.mark.slow
async def test_kill_9_in_the_middle_twenty_times_loses_no_message(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    await kill_in_the_middle(lambda: serving(tmp_path, telegram.url), KILLS, telegram, http)


async def test_a_kill_keeps_the_order_within_a_chat(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path, telegram.url) as server:
        _, bot_ids = await add_bots(http, server.url, telegram)
        for n in range(40):
            for bot in bot_ids[:3]:
                telegram.send_message(bot, text=f"{n:03}")
        await until(lambda: count_sent(telegram, bot_ids) >= 30)
        await server.end(signal.SIGKILL)
    async with serving(tmp_path, telegram.url):
        await until(lambda: len(answered(telegram, bot_ids)) == 120, "an answer to each")
    for bot in bot_ids[:3]:
        seen = [sent.message["text"] for sent in telegram.sent(bot)]
        assert [text for n, text in enumerate(seen) if text not in seen[:n]] == sorted(set(seen))


@pytest.mark.timeout(120)
async def test_a_full_disk_loses_nothing_and_is_recovered_from_without_a_restart(
    small_disk: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(small_disk, telegram.url) as server:
        users, bot_ids = await add_bots(http, server.url, telegram)
        ballast = fill_disk(small_disk)
        asked = set()
        for n in range(300):
            bot, text = bot_ids[n % 10], f"{n} " + "x" * 3000
            telegram.send_message(bot, text=text)
            asked.add((bot, text))
        refused = await until_refused(users[0])
        assert refused == (503, "storage_unavailable")
        shown = (await users[0].get("/api/v1/telegram_data/")).json
        assert {bot["active"] for bot in shown} == {True}
        await until(lambda: any("storage_unavailable" in line for line in server.log))
        ballast.unlink()
        await until(lambda: set(answered(telegram, bot_ids)) == asked, "an answer to each")
        assert (await users[0].patch("/rest-auth/user/", {"first_name": "A"})).status == 200
        assert server.process.returncode is None


async def until_refused(user: Client) -> tuple[int, str]:
    """Write until the full disk is noticed; status and code of the answer."""
    async with asyncio.timeout(DEADLINE):
        while True:
            answer = await user.patch("/rest-auth/user/", {"first_name": "x" * 150})
            if answer.status != 200:
                return answer.status, answer.json["code"]


@pytest.mark.timeout(120)
async def test_a_database_locked_for_five_seconds_loses_nothing(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path, telegram.url) as server:
        _, bot_ids = await add_bots(http, server.url, telegram)
        other = sqlite3.connect(tmp_path / "botyard.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for bot in bot_ids:
            telegram.send_message(bot, text="during the lock")
        held = asyncio.get_running_loop().time() + 5
        while asyncio.get_running_loop().time() < held:
            assert all(telegram.confirmed_offset(bot) == 0 for bot in bot_ids), "not stored yet"
            assert (await http.get(f"{server.url}/healthz")).status == 200
            await asyncio.sleep(0.1)
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: len(answered(telegram, bot_ids)) == len(bot_ids), "the answers")
        assert set(answered(telegram, bot_ids).values()) == {1}
