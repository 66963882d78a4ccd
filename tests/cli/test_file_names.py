"""One database file by several names: hard links, symlinks, settings that lead to it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest
from support.client import Client, installation, register
from support.commands import run
from support.server_process import serving
from test_doctor import examine, url
from test_files import command

from models.engine.migration import Migrations
from sandbox import Sandbox


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "data"


@pytest.fixture
def filled(data: Path) -> Path:
    """A data folder in use."""
    installation(data, "ann")
    return data


def link(filled: Path, tmp_path: Path, kind: str) -> Path:
    """Another data folder, whose database is the same file."""
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "secret.key").write_bytes((filled / "secret.key").read_bytes())
    file = other / "botyard.db"
    if kind == "hard link":
        file.hardlink_to(filled / "botyard.db")
    elif kind == "symlink":
        file.symlink_to(filled / "botyard.db")
    return other


@pytest.mark.parametrize("kind", ["symlink", "setting"])
async def test_another_name_of_the_file_does_not_lead_around_the_lock(
    filled: Path, tmp_path: Path, telegram: Sandbox, kind: str
) -> None:
    env = {} if kind != "setting" else {"BOTYARD_DATABASE_URL": f"sqlite:///{filled}/botyard.db"}
    async with serving(filled, url(telegram)) as server:
        other = link(filled, tmp_path, kind)
        for args in (("serve", "--port", "0"), ("migrate", "down"), ("rotate-secret",)):
            ended = await command(other, *args, **env)
            assert (ended.code, "a server runs on" in ended.err) == (1, True), ended.err
        await server.end(signal.SIGKILL)
    for args in (("rotate-secret",), ("migrate", "down")):
        assert (await command(other, *args, **env)).code == 0, "the lock ended with the process"


@pytest.mark.parametrize("kind", ["hard link", "symlink"])
async def test_restoring_and_copying_onto_another_name_are_refused_too(
    filled: Path, tmp_path: Path, telegram: Sandbox, kind: str, pg_url: str
) -> None:
    await command(filled, "backup", str(tmp_path / "copy.db"))
    Migrations(pg_url).up()
    async with serving(filled, url(telegram)):
        other = link(filled, tmp_path, kind)
        restored = await command(other, "restore", str(tmp_path / "copy.db"))
        copied = await command(other, "copy-database", pg_url, f"sqlite:///{other}/botyard.db")
    told = "has a second name (a hard link)" if kind == "hard link" else "a server runs on"
    assert [ended.code for ended in (restored, copied)] == [1, 1]
    assert told in restored.err
    assert told in copied.err


async def test_a_file_that_a_symlink_leads_to_is_the_one_that_is_restored(
    filled: Path, tmp_path: Path
) -> None:
    await command(filled, "backup", str(tmp_path / "copy.db"))
    other = link(filled, tmp_path, "symlink")
    await asyncio.to_thread(installation, filled, "bob")
    assert (await command(other, "restore", str(tmp_path / "copy.db"))).code == 0
    assert "bob" not in (await command(filled, "user", "list")).out
    assert (other / "botyard.db").is_symlink()


async def test_a_second_hard_link_after_kill_9_is_no_empty_installation(
    data: Path, tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession, pg_url: str
) -> None:
    async with serving(data, url(telegram)) as server:
        ann = await register(Client(http, server.url), "ann")
        assert ann.key
        await server.end(signal.SIGKILL)
    assert (data / "botyard.db-wal").stat().st_size, "what was entered is in the log"
    other = link(data, tmp_path, "hard link")
    before = {path: path.read_bytes() for path in data.glob("botyard.db*")}
    every = (
        ("user", "list"), ("serve", "--port", "0"), ("migrate", "up"), ("migrate", "status"),
        ("rotate-secret",), ("backup", str(tmp_path / "copy.db")),
        ("copy-database", f"sqlite:///{other}/botyard.db", pg_url),
    )  # fmt: skip
    # By either name: which one is right, only the operator knows.
    for folder, commands in ((other, every), (data, every[:2])):
        for args in commands:
            ended = await command(folder, *args)
            line = ended.err.splitlines()[-1].partition(" (find ")[0]
            assert (ended.code, line) == (
                1,
                f"Error: {folder}/botyard.db has a second name (a hard link). Keep the name that "
                "botyard.db-wal is next to, and remove the other",
            ), args
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "copy.db").exists()
    (other / "botyard.db").unlink()
    assert " ann " in (await command(data, "user", "list")).out


async def test_the_command_that_a_refusal_names_finds_both_names(
    filled: Path, tmp_path: Path
) -> None:
    other = link(filled, tmp_path, "hard link")
    ended = await command(other, "user", "list")
    search = ended.err.rpartition("(")[2].partition(" lists them)")[0]
    assert search.startswith("find /")
    assert search.endswith(f" -samefile {other}/botyard.db")
    found = await run(
        "sh", "-c", f"cd {tmp_path} && find . {search.partition(' ')[2].partition(' ')[2]}"
    )
    assert set(found.out.split()) == {"./data/botyard.db", "./other/botyard.db"}


async def test_a_database_by_a_symlink_after_kill_9_is_all_there(
    data: Path, tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(data, url(telegram)) as server:
        await register(Client(http, server.url), "ann")
        other = link(data, tmp_path, "symlink")
        await server.end(signal.SIGKILL)
    assert " ann " in (await command(other, "user", "list")).out
    assert {path.name for path in other.iterdir()} == {"botyard.db", "secret.key"}


async def test_a_restore_that_ended_between_its_two_names_can_be_repeated(
    filled: Path, tmp_path: Path
) -> None:
    copy, kept = str(tmp_path / "copy.db"), filled / "botyard.db.20260101T000000.old"
    await command(filled, "backup", copy)
    await asyncio.to_thread(installation, filled, "bob")
    kept.hardlink_to(filled / "botyard.db")
    listed = await command(filled, "user", "list")
    assert "a restore was interrupted: call botyard restore FILE again" in listed.err
    assert (await command(filled, "restore", copy)).code == 0
    assert not kept.exists()
    assert "bob" not in (await command(filled, "user", "list")).out


async def test_doctor_tells_a_second_name(filled: Path, tmp_path: Path, telegram: Sandbox) -> None:
    link(filled, tmp_path, "hard link")
    code, found = await examine(filled, url(telegram))
    assert (code, found["database"]["level"]) == (1, "wrong")
    assert "has a second name (a hard link)" in found["database"]["text"]
