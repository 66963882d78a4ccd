"""What only PostgreSQL can do to us: races, lost connections, restarts, a full pool."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import psycopg
import pytest
from support.client import BOTS, DEADLINE, QUICK, Client, register, until
from support.commands import botyard_command
from support.postgresql import PostgreSQL
from support.server_process import ROOT, serving

from models import installation
from models.accounts import users
from models.accounts.audit import OPERATOR
from models.engine.base import proxy
from models.engine.database import Database
from models.engine.locks import exclusive
from models.engine.migration import Migrations
from models.errors import DatabaseInUse, StorageUnavailable
from sandbox import Sandbox
from server.app import open_botyard
from server.config import Config

# Everybody of ours but who waits for a lock, whatever they do at the moment; when it returns, they
# are gone and not just told to go.
DISCONNECT = f"""
    SELECT pg_terminate_backend(pid, {round(1000 * DEADLINE)}) FROM pg_stat_activity
    WHERE application_name LIKE 'botyard%' AND datname = '{{}}'
        AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)
"""


@pytest.fixture
def db(pg_db: Database) -> Database:
    """A migrated PostgreSQL, open."""
    return pg_db


async def race(url: str, what: str, *sides: list[str]) -> list[str]:
    """Let processes do things at once, each over a connection of its own; what became of them."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "tests" / "programs" / "racing.py"), url, what, *side,
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for side in sides
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    return sorted(word for out, _ in ended for word in out.decode().split())


async def add_account(db: Database, name: str) -> int:
    """An account's id."""
    made = await db.write(users.create, username=name, email="", password_hash="x", by=OPERATOR)
    return made.id


async def test_fifty_creates_at_once_over_two_connections_give_exactly_five(
    pg_url: str, db: Database
) -> None:
    user_id = await add_account(db, "ann")
    tries = [f"{user_id},{n}:{'a' * 35}" for n in range(50)]
    found = await race(pg_url, "bot", tries[:25], tries[25:])
    assert found == ["BotLimitReached"] * 45 + ["ok"] * 5


async def test_one_token_over_two_connections_is_stored_once(pg_url: str, db: Database) -> None:
    accounts = [await add_account(db, name) for name in ("ann", "bob")]
    sides = [[f"{user_id},1:{'a' * 35}"] * 10 for user_id in accounts]
    assert await race(pg_url, "bot", *sides) == ["BotAlreadyRegistered"] * 19 + ["ok"]


async def test_an_unconfirmed_token_over_two_connections_is_stored_once_an_account(
    pg_url: str, db: Database
) -> None:
    accounts = [await add_account(db, name) for name in ("ann", "bob")]
    tries = [f"{user_id},1:{'a' * 35}" for user_id in accounts for _ in range(5)]
    found = await race(pg_url, "unconfirmed", tries, tries)
    assert found == ["BotAlreadyRegistered"] * 18 + ["ok"] * 2


async def test_one_name_over_two_connections_is_registered_once(pg_url: str, db: Database) -> None:
    assert await race(pg_url, "user", ["ann"] * 5, ["ann"] * 5) == ["UsernameTaken"] * 9 + ["ok"]


async def test_logins_over_two_connections_are_counted_together(pg_url: str, db: Database) -> None:
    tries = [f"name{n % 25},203.0.113.{n % 40}" for n in range(100)]
    assert await race(pg_url, "login", tries, tries[::-1]) == ["ok"] * 200
    tries = [f"ann,203.0.113.{n}" for n in range(40)]
    assert await race(pg_url, "login", tries, tries[::-1]) == ["TooFast"] * 30 + ["ok"] * 50


# -- a command that needs the database alone


async def test_a_server_is_refused_while_a_command_has_the_database(
    pg_url: str, config: Config
) -> None:
    Migrations(pg_url).up()
    with exclusive(pg_url), pytest.raises(DatabaseInUse, match=r"a command has this database \("):
        await open_botyard(replace(config, database_url=pg_url), runner=QUICK)
    await (await open_botyard(replace(config, database_url=pg_url), runner=QUICK)).close()


@pytest.mark.parametrize("args", [("migrate", "down"), ("rotate-secret",)])
async def test_what_needs_the_database_alone_is_refused_while_a_server_runs(
    tmp_path: Path, telegram: Sandbox, pg_url: str, args: tuple[str, ...]
) -> None:
    env = {"BOTYARD_DATABASE_URL": pg_url, "BOTYARD_SECRET_KEY": "x" * 40}
    async with serving(tmp_path / "1", telegram.url, **env):
        ended = await botyard_command(*args, **(env | {"BOTYARD_DATA_DIR": str(tmp_path / "2")}))
        assert ended.code == 1
        where = r"a server runs on this database \(from 127\.0\.0\.1, since .+\)"
        assert re.fullmatch(rf"Error: {where}: stop it first\n", ended.err)


async def test_a_server_whose_database_a_command_takes_waits_for_it(
    config: Config, pg_url: str, postgresql: PostgreSQL, telegram: Sandbox
) -> None:
    server = await open_botyard(replace(config, database_url=pg_url), runner=QUICK)
    try:
        gone = threading.Event()

        def usurp() -> None:
            with exclusive(pg_url, wait=DEADLINE):
                gone.wait(DEADLINE)

        usurping = asyncio.create_task(asyncio.to_thread(usurp), name="usurper")
        try:
            await until(lambda: waiting_for_a_lock(pg_url), "the usurper waiting")
            disconnect(postgresql, pg_url)
            with pytest.raises(StorageUnavailable):
                async with asyncio.timeout(DEADLINE):
                    while True:
                        await server.services.db.write(lambda: None)
        finally:
            gone.set()
            await usurping
        async with asyncio.timeout(DEADLINE):
            while True:
                with suppress(StorageUnavailable):
                    await server.services.db.write(lambda: None)
                    break
    finally:
        await server.close()


def disconnect(postgresql: PostgreSQL, url: str) -> None:
    """Cut the connections to a database, but for one that waits for a lock."""
    postgresql.execute(DISCONNECT.format(url.rpartition("/")[2]))


def waiting_for_a_lock(url: str) -> bool:
    """Whether somebody waits for an advisory lock of a database."""
    return bool(advisory_locks(url, granted=False))


def advisory_locks(url: str, *, granted: bool) -> int:
    """How many advisory locks of a database are held, or waited for."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = %s "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (granted,),
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_server_without_its_connection_takes_the_database_again_at_once(
    config: Config, pg_url: str, postgresql: PostgreSQL
) -> None:
    server = await open_botyard(replace(config, database_url=pg_url), runner=QUICK)
    try:
        had_by = holder(pg_url)
        disconnect(postgresql, pg_url)
        await until(
            lambda: holder(pg_url) not in (None, had_by),
            "the lock being taken again, though nobody writes",
        )
    finally:
        await server.close()
    # PostgreSQL lets go a moment after the connection was closed
    await until(lambda: not is_taken(pg_url), "the database being free")


def is_taken(url: str) -> bool:
    """Whether a server has the database; looking takes it from nobody."""
    return bool(advisory_locks(url, granted=True))


def holder(url: str) -> int | None:
    """The process of PostgreSQL's that serves who has the database."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    return None if row is None else int(row[0])


class Forgetful:
    """A way to PostgreSQL that loses its clients, and does not tell the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._clients: list[asyncio.StreamWriter] = []
        self._servers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Go between."""
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._clients.append(writer)
        self._servers.append(back)
        self._tasks.append(asyncio.create_task(self._relay(reader, back), name="there"))
        self._tasks.append(asyncio.create_task(self._relay(there, writer), name="back"))

    async def _relay(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                target.write(data)

    def lose(self) -> None:
        """Cut every client off."""
        for writer in self._clients:
            writer.transport.abort()

    async def close(self) -> None:
        """Forget the server, too."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for writer in (*self._clients, *self._servers):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def test_a_connection_that_postgresql_still_believes_in_does_not_lock_us_out(
    pg_url: str, postgresql: PostgreSQL
) -> None:
    Migrations(pg_url).up()
    between = Forgetful(postgresql.port)
    listening = await asyncio.start_server(between.connect, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    db = Database(pg_url.replace(f":{postgresql.port}", f":{port}"), locked=True)
    await db.open()
    await db.write(installation.put, "a", "1")
    between.lose()
    await db.write(installation.put, "a", "2")
    assert is_taken(pg_url)
    await db.close()
    listening.close()
    await between.close()


async def test_who_lost_the_database_to_another_does_not_write(
    pg_url: str, postgresql: PostgreSQL
) -> None:
    Migrations(pg_url).up()
    db = Database(pg_url, locked=True)
    await db.open()
    disconnect(postgresql, pg_url)
    with exclusive(pg_url, wait=DEADLINE), pytest.raises(DatabaseInUse):
        await db.write(installation.put, "a", "1")
    await db.write(installation.put, "a", "2")
    assert await db.read(installation.get, "a") == "2"
    await db.close()


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


async def test_a_killed_connection_is_replaced(
    db: Database, pg_url: str, postgresql: PostgreSQL
) -> None:
    await db.write(installation.put, "a", "1")
    disconnect(postgresql, pg_url)
    await db.write(installation.put, "a", "2")
    assert {await db.read(installation.get, "a") for _ in range(9)} == {"2"}


async def test_a_full_pool_makes_calls_wait_and_none_fail(db: Database) -> None:
    go = threading.Event()
    blocking = [asyncio.ensure_future(db.read(go.wait, DEADLINE)) for _ in range(3)]
    waiting = [asyncio.ensure_future(db.read(installation.get, "a")) for _ in range(100)]
    await db.write(installation.put, "a", "1")
    assert not any(call.done() for call in waiting)
    go.set()
    assert await asyncio.gather(*waiting) == ["1"] * 100
    await asyncio.gather(*blocking)


async def test_a_lock_that_is_not_given_up_is_not_waited_for_for_ever(
    db: Database, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(installation.put, "a", "1")
    await db.write(lambda: proxy.obj.execute_sql("SET lock_timeout = '200ms'"))
    with psycopg.connect(pg_url) as other:
        other.execute("SELECT * FROM settings FOR UPDATE")
        with pytest.raises(StorageUnavailable, match="lock timeout"):
            await db.write(installation.put, "a", "2")
    await db.write(installation.put, "a", "3")
    assert await db.read(installation.get, "a") == "3"


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
        await until(lambda: server.services.runner.states().get("retrying"), "the bot saying so")
        assert telegram.sent(bot.id) == []
        await asyncio.to_thread(own_postgresql.start)
        await telegram.wait_sent(bot.id, count=20, timeout=DEADLINE)
        assert [sent.message["text"] for sent in telegram.sent(bot.id)] == [
            str(n) for n in range(20)
        ]
        await user.until_state(made, "running")
    finally:
        await server.close()
