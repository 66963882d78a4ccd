"""`botyard backup` and `restore`, with the command line and a real server."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, Client, installation, register
from support.commands import Ended, botyard_command
from support.server_process import serving

from sandbox import Sandbox


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "data"


async def command(data: Path, *args: str, **env: str) -> Ended:
    """`botyard ...` on the folder."""
    return await botyard_command(*args, BOTYARD_DATA_DIR=str(data), **env)


async def fill(data: Path, *names: str) -> None:
    """Make accounts, and with the first one the database."""
    await asyncio.to_thread(installation, data, *names)


def names(file: Path) -> list[str]:
    """The accounts in a database."""
    with closing(sqlite3.connect(file)) as database:
        return [name for (name,) in database.execute("SELECT username FROM users ORDER BY id")]


# -- backup


async def test_a_backup_holds_what_was_there(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    ended = await command(data, "backup", str(tmp_path / "copy.db"))
    assert ended.code == 0, ended.err
    assert names(tmp_path / "copy.db") == ["ann"]


async def test_a_backup_is_one_file_that_its_owner_alone_can_read(
    data: Path, tmp_path: Path
) -> None:
    await fill(data, "ann")
    (tmp_path / "out").mkdir()
    await command(data, "backup", str(tmp_path / "out" / "copy.db"))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["copy.db"]
    assert stat.S_IMODE((tmp_path / "out" / "copy.db").stat().st_mode) == 0o600


async def test_a_backup_while_serving_is_healthy_and_disturbs_nobody(
    data: Path, tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    copy = tmp_path / "copy.db"
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        client = Client(http, server.url)
        backing_up = asyncio.create_task(command(data, "backup", str(copy)), name="backup")
        while not backing_up.done():
            await register(client)
        ended = await backing_up
        await register(client, "last")
    assert ended.code == 0, ended.err
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_the_secret_is_not_in_a_backup_and_this_is_told(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    ended = await command(data, "backup", str(tmp_path / "copy.db"))
    secret = (data / "secret.key").read_bytes().strip()
    assert secret not in (tmp_path / "copy.db").read_bytes()
    assert "The backup does NOT contain the secret (secret.key or BOTYARD_SECRET_KEY)" in ended.err


async def test_a_backup_that_fails_leaves_the_one_before(data: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("the one before")
    data.mkdir()
    (data / "botyard.db").write_text("no database at all " * 100)
    ended = await command(data, "backup", str(tmp_path / "copy.db"))
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert (tmp_path / "copy.db").read_text() == "the one before"
    assert {file.name for file in tmp_path.iterdir()} == {"copy.db", "data"}


async def test_a_backup_of_nothing_makes_nothing(data: Path, tmp_path: Path) -> None:
    ended = await command(data, "backup", str(tmp_path / "copy.db"))
    assert (ended.code, ended.err) == (1, f"Error: no database at {data}/botyard.db\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "tool"),
    [("backup", "pg_dump --format=custom --file=f.db"), ("restore", "pg_restore")],
)
async def test_with_postgresql_the_line_to_use_is_told(data: Path, name: str, tool: str) -> None:
    ended = await command(data, name, "f.db", "--database-url", "postgresql://u:pa55@h:5433/n")
    assert ended.code == 2
    assert tool in ended.err
    assert "--dbname=postgresql://u@h:5433/n" in ended.err
    assert "pa55" not in ended.err


# -- restore


async def test_a_restored_database_is_as_it_was(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    await command(data, "backup", str(tmp_path / "copy.db"))
    await fill(data, "bob")
    ended = await command(data, "restore", str(tmp_path / "copy.db"))
    assert ended.code == 0, ended.err
    assert names(data / "botyard.db") == ["ann"]


async def test_the_database_that_was_there_is_kept_beside(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    await command(data, "backup", str(tmp_path / "copy.db"))
    await fill(data, "bob")
    await command(data, "restore", str(tmp_path / "copy.db"))
    (kept,) = data.glob("botyard.db.*.old")
    assert names(kept) == ["ann", "bob"]


async def test_bots_run_again_from_a_restored_database(
    data: Path, tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ann = await register(Client(http, server.url), "ann")
        made = await ann.add_bot(telegram.add_bot())
        assert (await command(data, "backup", str(tmp_path / "copy.db"))).code == 0
        await ann.delete(f"{BOTS}{made['id']}/")
        await server.end(signal.SIGTERM)
    assert (await command(data, "restore", str(tmp_path / "copy.db"))).code == 0
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ann.url = server.url
        await ann.until_state(made, "running")


async def test_a_message_that_waited_is_not_sent_again_by_a_restored_database(
    data: Path, tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot = telegram.add_bot()
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ann = await register(Client(http, server.url), "ann")
        made = await ann.add_bot(bot)
        telegram.send_message(bot.id, text="hi", chat_id=7)
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        path = f"{BOTS}{made['id']}/"
        await ann.patch(path, {"active": False})
        (row,) = (await ann.post(f"{path}chats/7/messages/", {"text": "once"})).json["items"]
        assert (await command(data, "backup", str(tmp_path / "copy.db"))).code == 0
        await ann.patch(path, {"active": True})
        await telegram.wait_sent(bot.id, count=2, timeout=DEADLINE)
        await server.end(signal.SIGTERM)
    assert (await command(data, "restore", str(tmp_path / "copy.db"))).code == 0
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ann.url = server.url
        shown = (await ann.get(f"{path}messages/{row['id']}/")).json
        assert (shown["state"], shown["reason"]) == ("unknown", "interrupted")
        await ann.patch(path, {"active": True})
        await ann.post(f"{path}chats/7/messages/", {"text": "new"})
        await telegram.wait_sent(bot.id, count=3, timeout=DEADLINE)
    assert [sent.text for sent in telegram.sent(bot.id)] == ["hi", "once", "new"]


async def test_restoring_is_refused_while_a_server_runs(
    data: Path, tmp_path: Path, telegram: Sandbox
) -> None:
    await fill(data, "ann")
    await command(data, "backup", str(tmp_path / "copy.db"))
    await fill(data, "bob")
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ended = await command(data, "restore", str(tmp_path / "copy.db"))
        pid = server.process.pid
    assert (ended.code, ended.err) == (
        1,
        f"Error: a server runs on {data} (process {pid}): stop it first\n",
    )
    assert names(data / "botyard.db") == ["ann", "bob"]


async def test_restoring_is_refused_by_the_folder_of_the_file_too(
    data: Path, tmp_path: Path, telegram: Sandbox
) -> None:
    await fill(data, "ann")
    await command(data, "backup", str(tmp_path / "copy.db"))
    elsewhere = {"BOTYARD_DATABASE_URL": f"sqlite:///{data / 'botyard.db'}"}
    async with serving(data, telegram.url):  # type: ignore[attr-defined]
        copy = str(tmp_path / "copy.db")
        ended = await command(tmp_path / "other", "restore", copy, **elsewhere)
    assert ended.code == 1
    assert f"a server runs on {data}" in ended.err


async def test_a_server_that_was_killed_does_not_hold_the_folder(
    data: Path, tmp_path: Path, telegram: Sandbox
) -> None:
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        await command(data, "backup", str(tmp_path / "copy.db"))
        await server.end(signal.SIGKILL)
    assert (await command(data, "restore", str(tmp_path / "copy.db"))).code == 0


async def test_a_second_server_on_a_folder_is_refused(data: Path, telegram: Sandbox) -> None:
    async with serving(data, telegram.url):  # type: ignore[attr-defined]
        ended = await command(data, "serve", "--port", "0")
    assert ended.code == 1
    assert "only one server can run, because two would poll the same bots" in ended.err


@pytest.mark.parametrize("content", ["", "not a database", "SQLite format 3\0" + "x" * 5000])
async def test_a_file_that_is_no_database_is_refused(
    data: Path, tmp_path: Path, content: str
) -> None:
    await fill(data, "ann")
    (tmp_path / "bad.db").write_text(content)
    ended = await command(data, "restore", str(tmp_path / "bad.db"))
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert names(data / "botyard.db") == ["ann"]


async def test_a_database_of_another_program_is_refused(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE users (x)")
    ended = await command(data, "restore", str(tmp_path / "other.db"))
    assert ended.err == f"Error: {tmp_path}/other.db is not a database of Botyard\n"
    assert names(data / "botyard.db") == ["ann"]


async def test_a_damaged_backup_is_refused(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    copy = tmp_path / "copy.db"
    await command(data, "backup", str(copy))
    with copy.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8 * 4096))
    ended = await command(data, "restore", str(copy))
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert names(data / "botyard.db") == ["ann"]


async def test_a_backup_of_a_newer_version_is_refused(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    copy = tmp_path / "copy.db"
    await command(data, "backup", str(copy))
    with closing(sqlite3.connect(copy)) as database:
        database.execute("INSERT INTO migratehistory (name, migrated_at) VALUES ('999_new', '')")
        database.commit()
    ended = await command(data, "restore", str(copy))
    assert "comes from a newer version (999_new)" in ended.err


async def test_a_damaged_database_can_be_replaced(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    await command(data, "backup", str(tmp_path / "copy.db"))
    (data / "botyard.db").write_bytes(b"broken" * 1000)
    ended = await command(data, "restore", str(tmp_path / "copy.db"))
    assert ended.code == 0, ended.err
    assert names(data / "botyard.db") == ["ann"]
    (kept,) = data.glob("botyard.db.*.old")
    assert kept.read_bytes() == b"broken" * 1000


async def test_restoring_into_an_empty_folder_makes_no_secret(data: Path, tmp_path: Path) -> None:
    await fill(data, "ann")
    await command(data, "backup", str(tmp_path / "copy.db"))
    ended = await command(tmp_path / "new", "restore", str(tmp_path / "copy.db"))
    assert ended.code == 0, ended.err
    assert names(tmp_path / "new" / "botyard.db") == ["ann"]
    assert not (tmp_path / "new" / "secret.key").exists()


@pytest.mark.parametrize("name", ["botyard.db", "botyard.db-wal", "secret.key", "server.lock"])
async def test_what_a_server_works_with_is_not_overwritten(data: Path, name: str) -> None:
    await fill(data, "ann")
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    ended = await command(data, "backup", str(data / name))
    assert ended.code == 1
    assert "is a file of the server; choose another name for the copy" in ended.err
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before
