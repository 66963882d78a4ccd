"""Finds files of an installation that other users can read, and restricts them."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.engine import sqlite_file
from server import secret_file
from server.config import Config
from server.installation_lock import NAME as LOCK_FILE

log = logging.getLogger("botyard.server")

PRIVATE = 0o077  # the umask of new files and folders: nothing for the group and for others
OTHERS = stat.S_IRWXO
_DATABASE = ("", "-wal", "-shm", "-journal", ".lock")
_SECRETS = (secret_file.NAME, secret_file.OLD_NAME)


@contextmanager
def private_files() -> Iterator[None]:
    """Create files and folders inside this context for this user alone."""
    before = os.umask(PRIVATE)
    try:
        yield
    finally:
        os.umask(before)


def is_open(path: Path, to: int = PRIVATE) -> bool:
    """Return True if others can read or change a file or a folder.

    Args:
        to: the bits of its mode that let them.
    """
    try:
        return bool(path.stat().st_mode & to)
    except FileNotFoundError:  # SQLite removes files that it no longer needs
        return False


def secret_parts(config: Config) -> list[Path]:
    """The files that hold secrets."""
    return _there(config.data_dir.absolute() / name for name in _SECRETS)


def database_parts(config: Config) -> list[Path]:
    """The files that hold the SQLite database, and what was in its place before a restore."""
    file = sqlite_file.of(config.database_address)  # the others lie where a symlink leads
    if file is None:
        return []
    parts = (file.with_name(file.name + ending) for ending in _DATABASE)
    return _there(parts) + _there(file.parent.glob(f"{file.name}.*.old"))


def lock_parts(config: Config) -> list[Path]:
    """The files that a server locks: a user who can read one can lock it and block the server."""
    return _there(folder / LOCK_FILE for folder in config.folders)


def _there(paths: Iterator[Path]) -> list[Path]:
    return [path for path in paths if path.is_file()]


def close_to_others(config: Config) -> None:
    """Restrict files that every user can read; log those, and those that cannot be restricted.

    The usual umask of 022 makes such files. A file that only the group can read was made so by an
    operator, for backups, and stays so. Folders are left alone: they may hold other things.
    """
    closed = []
    for path in (*secret_parts(config), *database_parts(config), *lock_parts(config)):
        if not is_open(path, OTHERS):
            continue
        try:
            path.chmod(path.stat().st_mode & ~PRIVATE & 0o777)
            closed.append(path.name)
        except FileNotFoundError:
            continue
        except OSError as error:  # another user's, or unsupported by the file system
            log.warning("cannot remove other users' access to %s: %s", path, error.strerror)
    if closed:
        log.warning("removed other users' access to %s", ", ".join(closed))
    for folder in config.folders:
        if folder.is_dir() and is_open(folder, OTHERS):
            log.warning("%s is open to other users: chmod 700 %s", folder, folder)
