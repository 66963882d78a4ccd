"""The file of an SQLite database: created atomically, and locked under any of its names.

The lock is on the file itself, so that it cannot be bypassed by a hard link, a symlink, a bind
mount, another data folder or another container; a lock file next to it, or one named by its inode
in a folder of this user, would miss some of those.

It is an open file description lock (fcntl(2)) of a byte that SQLite does not use. Two pitfalls:
- SQLite's own locks are of the older kind, which a process loses when it closes any descriptor of
  the file. So the holder of this lock opens the file before SQLite does and closes it after, and
  nothing else in a server process may open the file.
- flock(2) would be simpler. On NFS it locks every byte, including SQLite's, and would block SQLite.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shlex
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from models.engine import file_locks
from models.errors import DatabaseInUse, StorageUnavailable

log = logging.getLogger("botyard.database")

_SCHEME = "sqlite:///"
_BYTE = 2**62  # beyond the end of any database; SQLite's own locks are below 2**31
_FLOCK = "hhqqi4x"  # struct flock: type, whence, start, length, process
_LEFT_BY_RESTORE = ".restoring"
_RESTORE_AGAIN = "a restore was interrupted: call botyard restore FILE again"


def of(url: str) -> Path | None:
    """Return the file that a URL names, without symlinks; None for PostgreSQL."""
    if not url.startswith("sqlite:"):
        return None
    return Path(os.path.realpath(url.removeprefix(_SCHEME)))


def draft_of(database: Path) -> Path:
    """Return the path of a restored database until it replaces the current one."""
    return database.with_name(database.name + _LEFT_BY_RESTORE)


@contextmanager
def migrating(file: Path) -> Iterator[None]:
    """Let one process at a time create and migrate a database.

    The lock is taken before the database is opened: switching a new database to WAL fails at once,
    with any timeout, while another process writes to it.

    Raises:
        StorageUnavailable: the folder cannot be written to, or another process keeps the lock.
    """
    lock = file.with_name(file.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageUnavailable(f"cannot open the database: {error.strerror}") from error
    try:
        if not file_locks.take(descriptor):
            who = file_locks.described(file_locks.holder(descriptor, "FLOCK"), lock)
            raise StorageUnavailable(
                f"{lock} is locked by {who}, for {file_locks.WAIT:g} s already: if that does not "
                "migrate the database, end it, and chmod 600 the file"
            )
        yield
    finally:
        os.close(descriptor)


def make(file: Path) -> None:
    """Create a new database, inside `migrating`; do nothing if there is one.

    It gets its name in an atomic step. So an empty file, or a log without a database, is never an
    interrupted first start, but the remainder of a lost database: continuing with an empty one
    would hide the loss.

    Raises:
        StorageUnavailable: there is such a remainder, or the folder cannot be written to.
    """
    with suppress(FileNotFoundError):
        check_name(file)
        if file.stat().st_size == 0:
            raise StorageUnavailable(
                f"{file} is empty (0 bytes): put a backup in its place (botyard restore FILE), or "
                "remove the file if this is a new installation"
            )
        return
    if draft_of(file).exists():
        raise StorageUnavailable(f"{file} is not there, {_RESTORE_AGAIN}")
    if file.with_name(file.name + "-wal").exists():
        raise StorageUnavailable(
            f"{file} is not there, but its log {file.name}-wal is: put the file or a backup back "
            "(botyard restore FILE), or remove the log if this is a new installation"
        )
    try:
        _make(file)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise StorageUnavailable(f"cannot make the database {file}: {why}") from error
    log.info("a new database is made: %s", file)


def _make(file: Path) -> None:
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)  # of an interrupted first start
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(draft)) as database:
            database.execute("PRAGMA journal_mode = WAL")  # this writes the first page
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(file.parent)


@contextmanager
def read_only(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read it, and close it again; never create one."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        yield database


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that its names survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileLock:
    """The lock on a database's file; it ends with the process, even after a crash.

    Args:
        file: the database; if it does not exist, nothing is locked.
        shared: let other holders of a shared lock in, but no server.
    """

    def __init__(self, file: Path, *, shared: bool = False) -> None:
        self._file = file
        self._shared = shared
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Acquire the lock, before SQLite opens the file.

        Raises:
            DatabaseInUse: a server or an exclusive command holds it.
            StorageUnavailable: the file cannot be opened, or has a second name.
        """
        check_name(self._file)
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageUnavailable(f"cannot open the database: {error.strerror}") from error
        try:
            _lock(descriptor, fcntl.F_RDLCK if self._shared else fcntl.F_WRLCK)
        except OSError as error:
            pid = file_locks.holder(descriptor, "OFDLCK")
            os.close(descriptor)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise StorageUnavailable(f"cannot lock the database: {error.strerror}") from error
            raise DatabaseInUse(
                f"a server runs on this database ({self._file}, or another name of that file), "
                f"locked by {file_locks.described(pid, self._file)}"
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock, after SQLite has closed the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def check_name(file: Path) -> None:
    """Reject a file that has a second name, even if no server runs.

    SQLite keeps the log next to the name with which the database was opened. Opened with the other
    name, the database lacks the data that a killed server left in that log, which may be all data,
    and two logs destroy the database.

    Raises:
        StorageUnavailable: the file has a second name.
    """
    with suppress(FileNotFoundError):
        if file.stat().st_nlink < 2:
            return
        if names_left(file):
            raise StorageUnavailable(f"{file} has two names, {_RESTORE_AGAIN}")
        find = shlex.join(["find", str(_mount_of(file)), "-xdev", "-samefile", str(file)])
        raise StorageUnavailable(
            f"{file} has a second name (a hard link). Keep the name that {file.name}-wal is next "
            f"to, and remove the other ({find} lists them)."
        )


def names_left(file: Path) -> list[Path]:
    """Return the second names that an interrupted restore has given a database."""
    old = file.parent.glob(f"{file.name}.*.old") if file.exists() else ()
    return [name for name in old if name.samefile(file)]


def _mount_of(file: Path) -> Path:
    """Return the root of a file's file system, which contains all of its names."""
    return next(folder for folder in file.absolute().parents if folder.is_mount())


def is_locked(file: Path) -> bool:
    """Return True if a server, or a command that needs the database alone, has the lock.

    Nothing is locked by the question. Not for a process that serves: see the module's docstring.

    Raises:
        OSError: the file cannot be opened.
    """
    command = getattr(fcntl, "F_OFD_GETLK", None)  # Linux only, as the lock
    if command is None:
        return False
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        asked = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, _BYTE, 1, 0)
        kind, *_ = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, command, asked))
        return bool(kind != fcntl.F_UNLCK)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> None:
    command = getattr(fcntl, "F_OFD_SETLK", None)  # Linux only
    if command is not None:
        fcntl.fcntl(descriptor, command, struct.pack(_FLOCK, kind, os.SEEK_SET, _BYTE, 1, 0))
