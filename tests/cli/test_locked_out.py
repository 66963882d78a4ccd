"""Another user of the machine who locks what they can read: told by name, and no start hangs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.client import DEADLINE, installation
from support.commands import botyard_command, only_line

from models.engine import file_locks
from models.engine.migration import Migrations
from models.engine.sqlite_file import FileLock
from models.errors import DatabaseInUse, StorageUnavailable
from server.config import Config

FLOCK = "fcntl.flock(f, fcntl.LOCK_SH)"
OFD = (
    "fcntl.fcntl(f, fcntl.F_OFD_SETLK,"
    " struct.pack('hhqqi4x', fcntl.F_RDLCK, os.SEEK_SET, 2**62, 1, 0))"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of an installation."""
    installation(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for only a moment."""
    monkeypatch.setattr(file_locks, "WAIT", 0.05)


@asynccontextmanager
async def locked(path: Path, how: str) -> AsyncIterator[int]:
    """A process that opens a file for reading, and locks it; its id."""
    code = f"import fcntl, os, struct, sys; f = os.open({str(path)!r}, os.O_RDONLY); {how}; "
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code + "print(flush=True); sys.stdin.read()",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        await process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.kill()
        await process.wait()


@pytest.mark.usefixtures("no_patience")
async def test_a_locked_migration_lock_is_told_with_its_file_and_holder(data: Path) -> None:
    migrations = Migrations(f"sqlite:///{data}/botyard.db")
    async with locked(data / "botyard.db.lock", FLOCK) as pid:
        with pytest.raises(StorageUnavailable) as told:
            await asyncio.to_thread(migrations.up)
    assert str(told.value).startswith(f"{data}/botyard.db.lock is locked by process {pid} (python")
    assert await asyncio.to_thread(migrations.up) == []


async def test_a_read_lock_on_the_database_is_told_with_its_holder(data: Path) -> None:
    async with locked(data / "botyard.db", OFD) as pid:
        ended = await botyard_command("serve", "--port", "0", "--data-dir", str(data))
    assert f"locked by process {pid} (python" in only_line(ended)


async def test_a_locked_server_lock_is_not_put_down_to_the_last_server(data: Path) -> None:
    (data / "server.lock").write_text("4194305\n")  # no process has that id
    async with locked(data / "server.lock", FLOCK) as pid:
        ended = await botyard_command("serve", "--port", "0", "--data-dir", str(data))
    line = only_line(ended)
    assert f"a server runs on {data} (server.lock is locked by process {pid} (python" in line
    assert "4194305" not in line


async def test_a_locked_data_folder_holds_up_no_start(tmp_path: Path) -> None:
    config = Config.load({}, data_dir=str(tmp_path))
    async with locked(tmp_path, FLOCK):
        filled = await asyncio.to_thread(config.with_data_dir)  # makes the secret
        assert filled.secret_key
        ended = await botyard_command("migrate", "up", "--data-dir", str(tmp_path))
        assert (ended.code, ended.err.count("Error")) == (0, 0)


def test_a_holder_that_cannot_be_seen_is_told_with_how_to_see_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_locks, "_by_descriptors", lambda *_: None)  # another user's
    lock = FileLock(data / "botyard.db")
    lock.acquire()
    with pytest.raises(DatabaseInUse, match=rf"cannot see \(as root: fuser -v {data}/botyard.db"):
        FileLock(data / "botyard.db").acquire()
    lock.release()
