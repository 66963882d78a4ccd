"""The files of an installation: whose they are, what is lost or damaged, by which names."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, Client, installation, register
from support.commands import Ended, run_fork
from support.server_process import serving
from test_doctor import examine, url

from models.engine.database import Database
from models.engine.sqlite_file import FileLock, make
from models.errors import DatabaseDamaged, DatabaseInUse, StorageUnavailable
from models.installation import put
from sandbox import Sandbox

PAGE = 4096
DAMAGED = "Error: the database is damaged ("
ADVICE = "): stop the server, botyard restore FILE puts a backup in its place\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "data"


@pytest.fixture
def filled(data: Path) -> Path:
    """A data folder in use."""
    installation(data, "ann")
    return data


async def command(data: Path, *args: str, **env: str) -> Ended:
    """`botyard ...` on the folder, under the umask that most machines have."""
    return await run_fork("-m", "server", *args, umask=0o022, BOTYARD_DATA_DIR=str(data), **env)


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> dict[str, int]:
    """Of each file in a folder."""
    return {path.name: mode(path) for path in folder.iterdir()}


@contextmanager
def in_use(file: Path) -> Iterator[None]:
    """Keep a database open, so that SQLite's other files stay beside it."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE users SET first_name = 'A'")  # SQLite resets an empty log's mode
        database.commit()
        yield


# -- other users of the machine


async def test_everything_that_is_made_is_its_users_alone(
    data: Path, tmp_path: Path, telegram: Sandbox
) -> None:
    before = os.umask(0o022)
    try:
        async with serving(data / "deep", url(telegram)) as server:
            made = modes(data / "deep")
            assert await server.end(signal.SIGTERM) == 0
    finally:
        os.umask(before)
    assert set(made) >= {"botyard.db", "botyard.db-wal", "botyard.db-shm", "secret.key"}
    assert set(made.values()) == {0o600}
    assert (mode(data), mode(data / "deep")) == (0o700, 0o700)


async def test_what_commands_make_is_their_users_alone(data: Path, tmp_path: Path) -> None:
    for args in (
        ("migrate", "up"), ("backup", str(tmp_path / "copy.db")), ("rotate-secret",),
        ("restore", str(tmp_path / "copy.db")),
    ):  # fmt: skip
        assert (await command(data, *args)).code == 0
    made = modes(data) | {"copy.db": mode(tmp_path / "copy.db")}
    assert {"botyard.db", "botyard.db.lock", "secret.key.old", "server.lock"} <= set(made)
    assert set(made.values()) == {0o600}
    assert mode(data) == 0o700


async def test_a_start_closes_files_that_everybody_could_read_and_says_so(
    filled: Path, telegram: Sandbox
) -> None:
    filled.chmod(0o755)
    with in_use(filled / "botyard.db"):
        for path in filled.iterdir():
            path.chmod(0o644)
        async with serving(filled, url(telegram)) as server:
            names = (
                "botyard.db", "botyard.db-wal", "botyard.db-shm", "botyard.db.lock", "secret.key",
                "server.lock",
            )  # fmt: skip
            assert {mode(filled / name) for name in names} == {0o600}
            assert await server.end(signal.SIGTERM) == 0
    told = [line for line in server.log if "other users" in line]
    assert (
        "removed other users' access to botyard.db, botyard.db-wal, botyard.db-shm, botyard.db.lock"
        in told[0]
    )
    assert f"{filled} is open to other users: chmod 700 {filled}" in told[1]
    assert (mode(filled), len(told)) == (0o755, 2), "a folder may hold other things"


async def test_what_an_operator_gave_to_a_group_stays_the_groups(
    filled: Path, telegram: Sandbox
) -> None:
    filled.chmod(0o750)
    (filled / "botyard.db").chmod(0o640)
    async with serving(filled, url(telegram)) as server:
        with_group = ("botyard.db", "botyard.db-wal", "botyard.db-shm")
        assert {mode(filled / name) for name in with_group} == {0o640}
        assert await server.end(signal.SIGTERM) == 0
    assert not [line for line in server.log if "other users" in line]


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("botyard.db", "database"),
        ("botyard.db-wal", "database"),
        ("botyard.db-shm", "database"),
        ("botyard.db.lock", "database"),
        ("server.lock", "data folder"),
        ("secret.key", "secret"),
        ("secret.key.old", "secret"),
        ("", "data folder"),
    ],
)
async def test_doctor_tells_what_others_can_read(
    filled: Path, telegram: Sandbox, name: str, check: str
) -> None:
    await command(filled, "rotate-secret")
    with in_use(filled / "botyard.db"):
        (filled / name).chmod(0o750)
        code, found = await examine(filled, url(telegram))
    assert (code, found[check]["level"]) == (0, "warning")
    assert found[check]["text"] == f"open to other users: {filled / name}"
    assert found[check]["advice"] == f"chmod {'600' if name else '700'} {filled / name}"
    others = {name: finding["level"] for name, finding in found.items() if name != check}
    assert set(others.values()) == {"ok"}, "and looks at the rest as before"


# -- what is left of a lost database


@pytest.mark.parametrize("args", [("serve", "--port", "0"), ("user", "list"), ("migrate", "up")])
async def test_an_emptied_database_is_not_taken_for_a_new_installation(
    filled: Path, args: tuple[str, ...]
) -> None:
    (filled / "botyard.db").write_bytes(b"")
    ended = await command(filled, *args)
    assert (ended.code, ended.err.splitlines()[-1]) == (
        1,
        f"Error: {filled}/botyard.db is empty (0 bytes): put a backup in its place (botyard "
        "restore FILE), or remove the file if this is a new installation",
    )
    assert (filled / "botyard.db").stat().st_size == 0


async def test_doctor_tells_an_emptied_database(filled: Path, telegram: Sandbox) -> None:
    (filled / "botyard.db").write_bytes(b"")
    code, found = await examine(filled, url(telegram))
    assert (code, found["database"]["level"]) == (1, "wrong")
    assert found["database"]["text"].endswith("is empty (0 bytes)")


async def test_an_emptied_database_can_be_restored(filled: Path, tmp_path: Path) -> None:
    await command(filled, "backup", str(tmp_path / "copy.db"))
    (filled / "botyard.db").write_bytes(b"")
    assert (await command(filled, "restore", str(tmp_path / "copy.db"))).code == 0
    assert " ann " in (await command(filled, "user", "list")).out


async def test_a_log_without_its_database_is_not_thrown_away(filled: Path) -> None:
    with in_use(filled / "botyard.db"):
        log = (filled / "botyard.db-wal").read_bytes()
    (filled / "botyard.db").unlink()
    (filled / "botyard.db-wal").write_bytes(log)
    ended = await command(filled, "serve", "--port", "0")
    assert ended.code == 1
    assert "is not there, but its log botyard.db-wal is" in ended.err
    assert (filled / "botyard.db-wal").read_bytes() == log


async def test_a_restore_that_was_interrupted_is_told_and_can_be_repeated(
    filled: Path, tmp_path: Path
) -> None:
    await command(filled, "backup", str(tmp_path / "copy.db"))
    (filled / "botyard.db").rename(filled / "botyard.db.aside")  # as one does of a damaged one
    (filled / "botyard.db.restoring").touch()
    ended = await command(filled, "migrate", "up")
    assert "a restore was interrupted: call botyard restore FILE again" in ended.err
    assert (await command(filled, "restore", str(tmp_path / "copy.db"))).code == 0
    assert " ann " in (await command(filled, "user", "list")).out


@pytest.mark.parametrize("left", [[], ["botyard.db.lock"], ["botyard.db.new"]])
async def test_a_first_start_that_was_interrupted_is_made_up_for(
    data: Path, left: list[str]
) -> None:
    await asyncio.to_thread(installation, data)
    for path in data.glob("botyard.db*"):
        path.unlink()
    for name in left:
        (data / name).write_bytes(b"half a p")
    ended = await command(data, "migrate", "up")
    assert ended.code == 0, ended.err
    assert {path.name for path in data.iterdir()} == {"botyard.db", "botyard.db.lock", "secret.key"}


async def test_a_new_database_never_has_its_name_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "botyard.db"
    sizes = set()

    def look(event: str, args: Any) -> None:
        with suppress(OSError):
            if str(tmp_path) in str(args):
                sizes.add(file.stat().st_size)

    sys.addaudithook(
        look
    )  # called before each file is opened, renamed, removed; it cannot be removed
    make(file)
    assert sizes <= {PAGE}
    assert file.stat().st_size == PAGE
    assert mode(file) == 0o600


# -- damaged pages


def damage(file: Path) -> None:
    """Overwrite all pages but the first, which holds the names of the tables."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as pages:
        pages.seek(PAGE)
        pages.write(b"\xff" * (file.stat().st_size - PAGE))


@pytest.mark.parametrize(
    "args",
    [
        ("serve", "--port", "0"),
        ("user", "list"),
        ("migrate", "up"),
        ("migrate", "status"),
        ("migrate", "down"),
        ("rotate-secret",),
    ],
)
@pytest.mark.parametrize("how", ["pages", "header"])
async def test_a_damaged_database_is_told_in_one_line_with_what_to_do(
    filled: Path, how: str, args: tuple[str, ...]
) -> None:
    if how == "pages":
        damage(filled / "botyard.db")
    else:
        (filled / "botyard.db").write_bytes(b"no database at all " * 1000)
    ended = await command(filled, *args)
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith(DAMAGED)
    assert ended.err.endswith(ADVICE)
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("direction", ["from", "to"])
async def test_copying_tells_a_damaged_database(filled: Path, pg_url: str, direction: str) -> None:
    damage(filled / "botyard.db")
    ours = f"sqlite:///{filled / 'botyard.db'}"
    ended = await command(
        filled, "copy-database", *((ours, pg_url) if direction == "from" else (pg_url, ours))
    )
    assert (ended.code, ended.err.count("\n")) == (1, 1)


async def test_damage_that_comes_while_it_serves_is_a_503_and_one_line_in_the_log(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(data, url(telegram)) as server:
        user = await register(Client(http, server.url))
        # no page is to be read from the log: a log that is cut short is another error than damage
        with closing(sqlite3.connect(data / "botyard.db")) as beside:
            assert beside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        with (data / "botyard.db").open("r+b") as pages:
            pages.write(b"\xff" * (64 * PAGE))
        answers = [await user.get(BOTS) for _ in range(5)]
        answers += [await user.patch("/rest-auth/user/", {"first_name": "A"}) for _ in range(5)]
        assert {(each.status, each.json["code"]) for each in answers} == {
            (503, "storage_unavailable")
        }
        assert (await user.get("/readyz")).status == 503
        told = [line for line in server.log if "ERROR" in line and "database is damaged" in line]
        assert len(told) == 1
        assert ADVICE.strip() in told[0] + "\n"
        await server.end(signal.SIGTERM)
    assert not [line for line in server.log if "Traceback" in line]


async def test_damage_is_the_data_layers_word_for_it(data: Path) -> None:
    await asyncio.to_thread(installation, data)
    damage(data / "botyard.db")
    db = Database(f"sqlite:///{data / 'botyard.db'}")
    with pytest.raises(DatabaseDamaged):
        await db.open()
        await db.write(put, "a", "1")
    await db.close()


# -- the lock


def test_the_lock_leaves_sqlites_own_alone(filled: Path) -> None:
    file = filled / "botyard.db"
    lock = FileLock(file)
    lock.acquire()
    with closing(sqlite3.connect(file, timeout=0)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with (
            closing(sqlite3.connect(file, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseInUse):
            FileLock(file).acquire()
        with pytest.raises(DatabaseInUse):
            FileLock(file, shared=True).acquire()
        writer.execute("COMMIT")
    lock.release()
    both = [FileLock(file, shared=True) for _ in range(2)]
    for one in both:
        one.acquire()
    with pytest.raises(DatabaseInUse):
        FileLock(file).acquire()
    for one in both:
        one.release()


async def test_a_database_that_is_had_alone_is_let_go_of_at_the_end(filled: Path) -> None:
    address = f"sqlite:///{filled / 'botyard.db'}"
    first, second = (Database(address, locked=True) for _ in range(2))
    await first.open()
    with pytest.raises(DatabaseInUse):
        await second.open()
    await second.close()
    await first.write(put, "a", "1")
    await first.close()
    third = Database(address, locked=True)
    await third.open()
    await third.close()


async def test_a_file_system_without_locks_is_told(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> None:
        raise OSError(37, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "fcntl", refuse)
        with pytest.raises(StorageUnavailable, match="cannot lock the database: No locks"):
            FileLock(filled / "botyard.db").acquire()
