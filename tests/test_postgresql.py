"""What only PostgreSQL can do to us: races, lost connections, restarts, a full pool."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import psycopg
import pytest
from postgresql import PostgreSQL
from processes import ROOT, ServerProcess, serving
from support import BOTS, QUICK, Client, register, until

from models import setting
from models.base import proxy
from models.database import Database
from models.errors import StorageUnavailable
from models.migration import Migrations
from sandbox import Sandbox
from server.app import open_botyard
from server.config import Config


@pytest.fixture
async def db(pg_url: str) -> AsyncIterator[Database]:
    """A migrated one, open."""
    Migrations(pg_url).up()
    database = Database(pg_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def pair(
    tmp_path: Path, telegram: Sandbox, pg_url: str
) -> AsyncIterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers on one database: what SQLite's single writer would keep apart."""
    env = {"BOTYARD_DATABASE_URL": pg_url, "BOTYARD_SECRET_KEY": "x" * 40}
    async with (
        serving(tmp_path, telegram.url, **env) as first,
        serving(tmp_path / "second", telegram.url, **env) as second,
    ):
        yield first, second


async def test_fifty_creates_at_once_over_two_servers_give_exactly_five(
    pair: tuple[ServerProcess, ServerProcess], telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    user = await register(Client(http, pair[0].url))
    ends = [Client(http, server.url, user.key) for server in pair]
    bodies = [{"token": telegram.add_bot().token, "active": False} for _ in range(50)]
    answers = await asyncio.gather(*(ends[n % 2].post(BOTS, body) for n, body in enumerate(bodies)))
    assert sorted(answer.status for answer in answers) == [201] * 5 + [403] * 45


async def test_one_token_over_two_servers_is_stored_once(
    pair: tuple[ServerProcess, ServerProcess], telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    users = [await register(Client(http, server.url)) for server in pair]
    body = {"token": telegram.add_bot().token, "active": False}
    answers = await asyncio.gather(*(users[n % 2].post(BOTS, body) for n in range(20)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 19


async def test_one_name_over_two_servers_is_registered_once(
    pair: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession
) -> None:
    body = {"username": "ann", "email": "ann@example.org", "password": "correct horse battery"}
    answers = await asyncio.gather(
        *(Client(http, pair[n % 2].url).post("/rest-auth/registration/", body) for n in range(10))
    )
    assert sorted(answer.status for answer in answers) == [201] + [400] * 9
    assert all("username" in a.json["errors"] for a in answers if a.status == 400)


async def test_two_processes_that_migrate_at_once_run_each_step_once(pg_url: str) -> None:
    environ = {name: value for name, value in os.environ.items() if "BOTYARD" not in name}
    command = [sys.executable, "migrate.py", "up", "--database-url", pg_url]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [(await asyncio.to_thread(process.communicate))[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    steps = [name.stem for name in sorted((ROOT / "models/migrations").glob("0*.py"))]
    done = [line for output in outputs for line in output.splitlines() if "done" in line]
    assert sorted(done) == [f"done: {name}" for name in steps]


async def test_a_killed_connection_is_replaced(db: Database, postgresql: PostgreSQL) -> None:
    await db.write(setting.put, "a", "1")
    postgresql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'botyard'"
    )
    await db.write(setting.put, "a", "2")
    assert {await db.read(setting.get, "a") for _ in range(9)} == {"2"}


async def test_a_full_pool_makes_calls_wait_and_none_fail(db: Database) -> None:
    go = threading.Event()
    blocking = [asyncio.ensure_future(db.read(go.wait, 10)) for _ in range(3)]
    waiting = [asyncio.ensure_future(db.read(setting.get, "a")) for _ in range(100)]
    await db.write(setting.put, "a", "1")
    assert not any(call.done() for call in waiting)
    go.set()
    assert await asyncio.gather(*waiting) == ["1"] * 100
    await asyncio.gather(*blocking)


async def test_a_lock_that_is_not_given_up_is_not_waited_for_for_ever(
    db: Database, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(setting.put, "a", "1")
    await db.write(lambda: proxy.obj.execute_sql("SET lock_timeout = '200ms'"))
    with psycopg.connect(pg_url) as other:
        other.execute("SELECT * FROM settings FOR UPDATE")
        with pytest.raises(StorageUnavailable, match="lock timeout"):
            await db.write(setting.put, "a", "2")
    await db.write(setting.put, "a", "3")
    assert await db.read(setting.get, "a") == "3"


@pytest.mark.timeout(120)
async def test_a_restarted_postgresql_loses_no_message_and_needs_no_restart_of_ours(
    tmp_path: Path,
    telegram: Sandbox,
    http: aiohttp.ClientSession,
    config: Config,
    request: pytest.FixtureRequest,
    own_postgresql: PostgreSQL,
) -> None:
    server = await open_botyard(replace(config, database_url=own_postgresql.url()), runner=QUICK)
    try:
        user = await register(Client(http, server.url))
        bot = telegram.add_bot()
        made = await user.add_bot(bot)
        await asyncio.to_thread(own_postgresql.stop, "immediate")
        for n in range(20):
            telegram.send_message(bot.id, text=str(n))
        answer = await user.get(BOTS)
        assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")
        await until(lambda: server.services.manager.states().get("retrying"), "the bot saying so")
        assert telegram.sent(bot.id) == []
        await asyncio.to_thread(own_postgresql.start)
        await telegram.wait_sent(bot.id, count=20, timeout=20)
        assert [sent.message["text"] for sent in telegram.sent(bot.id)] == [
            str(n) for n in range(20)
        ]
        await user.until_state(made, "running")
    finally:
        await server.close()


@pytest.fixture
def own_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A server that may be stopped, durable."""
    folder = Path(tempfile.mkdtemp(prefix="botyard-pg-"))
    server = PostgreSQL(folder, durable=True)
    server.create()
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)
