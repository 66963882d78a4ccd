"""Moving an installation from one database to another."""

from __future__ import annotations

import os
import pty
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, PASSWORD, QUICK, Client, register
from support.commands import Ended, botyard_command
from support.server_process import ROOT
from support.uploads import media_path, uploaded

from models.engine.migration import Migrations
from models.messaging.media import PIECE
from sandbox import Sandbox
from server.app import open_botyard
from server.config import Config

FILE = b"".join(b"%07d\n" % number for number in range(41 * PIECE // 8))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'installation.db'}"


async def copy(source: str, target: str) -> Ended:
    """Run the command."""
    return await botyard_command("copy-database", source, target)


async def fill(config: Config, telegram: Sandbox, http: aiohttp.ClientSession) -> Client:
    """An installation with a user, a deleted bot, a bot, and an answered message."""
    botyard = await open_botyard(config, runner=QUICK)
    try:
        user = await register(Client(http, botyard.url), "ann")
        gone = await user.add_bot(telegram.add_bot())
        await user.delete(f"{BOTS}{gone['id']}/")
        bot = telegram.add_bot()
        kept = await user.add_bot(bot, title="Kept")
        for size in (1, PIECE, 40 * PIECE + 1):
            await uploaded(user, kept, FILE[:size])
        telegram.send_message(bot.id, text="before the move")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        return user
    finally:
        await botyard.close()


async def check(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession, user: Client
) -> None:
    """The same installation on another database."""
    botyard = await open_botyard(config, runner=QUICK)
    try:
        user = Client(http, botyard.url, user.key)
        (shown,) = (await user.get(BOTS)).json
        assert (shown["title"], shown["active"]) == ("Kept", True)
        await user.until_state(shown, "running")
        telegram.send_message(shown["telegram_id"], text="after the move")
        sent = await telegram.wait_sent(shown["telegram_id"], count=2, timeout=DEADLINE)
        assert [one.message["text"] for one in sent] == ["before the move", "after the move"]
        path = media_path(shown)
        files = (await user.get(path)).json["items"]
        assert [file["size"] for file in files] == [40 * PIECE + 1, PIECE, 1]
        for file in files:
            content = await user.get(f"{path}{file['id']}/content")
            assert content.text == FILE[: file["size"]].decode()
        assert (await uploaded(user, shown, b"x"))["id"] > files[0]["id"]
        body = {"username": "ANN", "password": PASSWORD}
        assert (await user.post("/rest-auth/login/", body)).status == 200
        added = await user.add_bot(telegram.add_bot())
        assert added["id"] > shown["id"]
    finally:
        await botyard.close()


@pytest.mark.parametrize("direction", ["to PostgreSQL", "to SQLite"])
async def test_an_installation_moves_whole(
    direction: str,
    config: Config,
    telegram: Sandbox,
    http: aiohttp.ClientSession,
    pg_url: str,
    sqlite_url: str,
) -> None:
    source, target = (sqlite_url, pg_url) if "Postgre" in direction else (pg_url, sqlite_url)
    user = await fill(replace(config, database_url=source), telegram, http)
    done = await copy(source, target)
    assert done.code == 0, done.err
    counts = dict(line.split() for line in done.out.splitlines()[:-1])
    assert counts["users"] == counts["bots"] == counts["updates"] == "1"
    await check(replace(config, database_url=target), telegram, http, user)


async def test_a_target_with_rows_is_refused_and_left_alone(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession, pg_url: str, sqlite_url: str
) -> None:
    user = await fill(replace(config, database_url=sqlite_url), telegram, http)
    assert (await copy(sqlite_url, pg_url)).code == 0
    again = await copy(sqlite_url, pg_url)
    assert again.code == 1
    assert "not empty" in again.err
    assert len(again.err.strip().splitlines()) == 1
    await check(replace(config, database_url=pg_url), telegram, http, user)


async def test_a_source_that_is_not_there_is_told(tmp_path: Path, pg_url: str) -> None:
    done = await copy(f"sqlite:///{tmp_path}/missing/x.db", pg_url)
    assert done.code == 1
    assert "cannot open the database" in done.err


async def test_an_address_that_is_none_is_told() -> None:
    done = await copy("mysql://x", "sqlite:///y")
    assert done.code == 1
    assert "postgresql://" in done.err


def test_a_terminal_is_shown_how_far_each_table_is(tmp_path: Path) -> None:
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("a.db", "b.db"))
    Migrations(source).up()
    query = "INSERT INTO settings (name, value) VALUES (?, ?)"
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.executemany(query, [(f"name{number}", "x") for number in range(3)])
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "server", "copy-database", source, target]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=end, check=True)
    os.close(end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert re.search(r"settings +\[#+\] +3/3", shown)
    assert re.search(r"chats +\[-+\] +0/0", shown)
