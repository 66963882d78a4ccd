"""However a server ends, what it tells of messages is true, and nothing is lost."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from support.client import until
from support.mixed_load import MixedLoad, check_truth, mixed_load, stored, until_all_done
from support.postgresql import PostgreSQL
from support.server_process import ServerProcess, serving

from sandbox import Sandbox

Start = Callable[[], AbstractAsyncContextManager[ServerProcess]]
LOW = 1000
AFTER = 150.0  # seconds in which what is left is sent; limits allow 28 a second and bot


async def kill_again_and_again(
    start: Start,
    kills: int,
    low: int,
    url: str,
    telegram: Sandbox,
    http: aiohttp.ClientSession,
) -> None:
    """Kill a server while its bots answer, its owner writes and low messages are sent.

    Args:
        low: the number of messages of the lowest lane.
        url: the database.
    """
    rng = random.Random(12)
    async with start() as server:
        load = await mixed_load(telegram, http, server.url, url)
        await server.end(signal.SIGTERM)
    await load.queue_low(url, low)
    before = load.seen().total()
    repeated = most = 0
    for kill in range(kills):
        async with start() as server:
            load.owner.url = server.url
            load.users_write(50, str(kill))
            writing = asyncio.create_task(load.owner_writes(str(kill)))
            enough = before + rng.randrange(5, 60)
            await until(lambda: load.seen().total() >= enough, deadline=60)  # noqa: B023
            await server.end(signal.SIGKILL)
            await writing
        before = load.seen().total()
        now = sum(n - 1 for (_, text), n in load.seen().items() if text.startswith("echo"))
        most, repeated = max(most, now - repeated), now
    async with start() as server:
        await until_all_done(load, url, seconds=AFTER)
        await server.end(signal.SIGTERM)
    print(f"\n{kills} kills: {await check_truth(load, url)}; at most {most} repeats after a kill")
    assert most <= len(load.bots) * 20, "one message a chat at most"


async def test_a_kill_in_a_mix_of_everything_leaves_the_truth(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    await kill_again_and_again(
        lambda: serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url),
        3, 60, database_url, telegram, http,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_hundred_kills_in_a_mix_of_everything_leave_the_truth(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    await kill_again_and_again(
        lambda: serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url),
        100, LOW, database_url, telegram, http,
    )  # fmt: skip


async def test_lost_replies_are_told_and_only_answers_are_repeated(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url) as server:
        load = await mixed_load(telegram, http, server.url, database_url)
        for bot in load.bots:
            telegram.inject(kind="lose", bot_id=bot, method="sendMessage", times=4)
        load.users_write(40, "lossy")
        writing = asyncio.create_task(load.owner_writes("lossy"))
        await until(lambda: len(load.accepted) >= 30)
        writing.cancel()
        await until_all_done(load, database_url, seconds=60)
        counts = await check_truth(load, database_url)
        await server.end(signal.SIGTERM)
    lost = sum(count for name, count in counts.items() if name.endswith("unknown"))
    assert counts["repeated answers"] + lost == 4 * len(load.bots), counts


@pytest.mark.timeout(240)
async def test_a_database_away_for_five_seconds_leaves_the_truth(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    url = f"sqlite:///{tmp_path}/botyard.db"
    async with serving(tmp_path, telegram.url) as server:
        load = await mixed_load(telegram, http, server.url, url)
        writing = asyncio.create_task(load.owner_writes("locked"))
        load.users_write(50, "before")
        await until(lambda: len(load.accepted) >= 5)
        other = sqlite3.connect(tmp_path / "botyard.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        load.users_write(50, "during")
        await asyncio.sleep(5)
        other.execute("ROLLBACK")
        other.close()
        load.users_write(50, "after")
        await until(load.answered, deadline=60)
        writing.cancel()
        await until_all_done(load, url, seconds=60)
        await check_truth(load, url)
        assert _told(load, await stored(url)) == set()
        await server.end(signal.SIGTERM)


@pytest.mark.timeout(240)
async def test_a_postgresql_that_crashes_for_five_seconds_leaves_the_truth(
    tmp_path: Path,
    telegram: Sandbox,
    http: aiohttp.ClientSession,
    own_postgresql: PostgreSQL,
) -> None:
    url = own_postgresql.url()
    async with serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=url) as server:
        load = await mixed_load(telegram, http, server.url, url)
        writing = asyncio.create_task(load.owner_writes("crashed"))
        load.users_write(50, "before")
        await until(lambda: len(load.accepted) >= 5)
        await asyncio.to_thread(own_postgresql.stop, "immediate")
        load.users_write(50, "during")
        await asyncio.sleep(5)
        await asyncio.to_thread(own_postgresql.start)
        load.users_write(50, "after")
        await until(load.answered, deadline=90)
        writing.cancel()
        await until_all_done(load, url, seconds=60)
        print(await check_truth(load, url))
        await server.end(signal.SIGTERM)


def _told(load: MixedLoad, rows: dict[int, dict[str, object]]) -> set[str]:
    """The texts of the owner that were not sent."""
    return {text for (_, n), text in load.accepted.items() if rows[n]["state"] != "sent"}
