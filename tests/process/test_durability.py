"""Nothing is lost when the process is killed, the disk is full, the database is locked."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from support.client import DEADLINE, Client, fill_disk, register, until
from support.kills import add_bots, answered, count_sent, kill_in_the_middle
from support.server_process import ServerProcess, serving

from models.engine.database import Database
from models.messaging.chats import Chat
from models.messaging.messages import Message, SendReason
from sandbox import Sandbox

KILLS = 20
pytestmark = pytest.mark.early


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
        for n in range(30):
            for bot in bot_ids[:3]:
                telegram.send_message(bot, text=f"{n:03}")
        await until(lambda: count_sent(telegram, bot_ids) >= 30)
        await server.end(signal.SIGKILL)
    async with serving(tmp_path, telegram.url):
        await until(lambda: len(answered(telegram, bot_ids)) == 90, "an answer to each")
    for bot in bot_ids[:3]:
        seen = [sent.message["text"] for sent in telegram.sent(bot)]
        assert [text for n, text in enumerate(seen) if text not in seen[:n]] == sorted(set(seen))


async def chats_of(url: str) -> tuple[set[int], set[int], set[int]]:
    """The chats whose "welcome" is handled; those that refused a message; those stored as such."""
    db = Database(url)
    await db.open()

    def read() -> tuple[set[int], set[int], set[int]]:
        welcomed = Message.select().where(Message.text == "welcome", Message.state == "received")
        welcome = {row.chat_id for row in welcomed}
        refused = Message.select().where(Message.reason == SendReason.BLOCKED)
        blocked = Chat.select().where(Chat.blocked_at.is_null(False))
        return welcome, {row.chat_id for row in refused}, {row.chat_id for row in blocked}

    try:
        return await db.read(read)
    finally:
        await db.close()


async def test_a_kill_keeps_which_chats_are_blocked_together_with_what_told_so(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    def start() -> AbstractAsyncContextManager[ServerProcess]:
        return serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url)

    bot = telegram.add_bot()
    async with start() as server:
        await (await register(Client(http, server.url))).add_bot(bot)
        await server.end(signal.SIGTERM)
    telegram.inject(kind="status", status=403, bot_id=bot.id, method="sendMessage",
                    description="Forbidden: bot was blocked by the user")  # fmt: skip
    rng = random.Random(7)
    chats = set(range(1, 61))
    for text in ("refused", "welcome"):
        for kill in range(3):
            async with start() as server:
                before = len(telegram.calls(bot.id, method="sendMessage"))
                for chat in range(kill + 1, 61, 3):
                    telegram.send_message(bot.id, text=text, chat_id=chat)
                enough = before + rng.randrange(2, 18)
                await until(lambda: len(telegram.calls(bot.id, method="sendMessage")) >= enough)  # noqa: B023
                await server.end(signal.SIGKILL)
            welcome, refused, blocked = await chats_of(database_url)
            assert blocked == refused - welcome
        async with start() as server:
            which = ("welcome", "refused").index(text)
            while (await chats_of(database_url))[which] != chats:
                assert server.process.returncode is None
            await server.end(signal.SIGTERM)
        assert (await chats_of(database_url))[2] == (chats if text == "refused" else set())
        telegram.clear()


@pytest.mark.slow
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
