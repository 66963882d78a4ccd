"""Backups of the SQLite database: made while a server runs, restored while none does."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from models.engine.migration import folder as migrations_folder
from models.engine.sqlite_file import draft_of, read_only, sync_folder
from server import installation_lock, secret_file

_TABLES = frozenset({"migratehistory", "users", "sessions", "bots", "updates", "settings"})
_ENDINGS = ("", "-wal", "-shm", "-journal", ".lock")
_KEPT = frozenset({secret_file.NAME, secret_file.OLD_NAME, installation_lock.NAME})


class BadBackup(Exception):
    """The file is not a valid backup; the text says why."""


def back_up(database: Path, file: Path) -> None:
    """Copy a database in use into one file; what was there is replaced when the copy is good.

    The copy is what the database was at one moment: SQLite's online backup takes it in one
    read transaction, beside which others go on writing.

    Args:
        database: the SQLite file.
        file: where the copy goes; readable by its owner alone.

    Raises:
        BadBackup: there is no such database, the copy is not healthy, or `file` is of the
            installation itself.
    """
    if not database.is_file():
        raise BadBackup(f"no database at {database}")
    own = {database.with_name(database.name + end).resolve() for end in _ENDINGS}
    if file.resolve() in own or file.name in _KEPT:
        raise BadBackup(f"{file} is a file of the server; choose another name for the copy")
    if not file.absolute().parent.is_dir():
        raise BadBackup(f"{file} cannot be written: there is no folder {file.parent}")
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        _copy(database, draft)
        check(draft)
        draft.replace(file)
    except OSError as error:  # it names the draft, of which the operator knows nothing
        raise BadBackup(f"{file} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(file.absolute().parent)


def _copy(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            read_only(source) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm
    except sqlite3.Error as error:
        raise BadBackup(f"{source} cannot be copied: {error}") from error
    with target.open("rb") as file:
        os.fsync(file.fileno())


def check(file: Path) -> None:
    """Make sure that a file is a healthy database of ours.

    Raises:
        BadBackup: it is not; the text says why.
    """
    if not file.is_file():
        raise BadBackup(f"there is no file {file}")
    try:
        with read_only(file) as database:
            tables = {
                name
                for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
            }
            if not tables >= _TABLES:
                raise BadBackup(f"{file} is not a database of Botyard")
            (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            broken = database.execute("PRAGMA foreign_key_check").fetchone()
            done = {name for (name,) in database.execute("SELECT name FROM migratehistory")}
    except sqlite3.Error as error:
        raise BadBackup(f"{file} is not a healthy database: {error}") from error
    if verdict != "ok" or broken:
        raise BadBackup(f"{file} is damaged: {verdict if verdict != 'ok' else 'rows are missing'}")
    known = {step.stem for step in migrations_folder().glob("[0-9]*.py")}
    if done - known:
        raise BadBackup(
            f"{file} comes from a newer version ({', '.join(sorted(done - known))}): install that"
        )


def restore(file: Path, database: Path) -> Path | None:
    """Put a copy in a database's place; the folder's lock must be held.

    The old database stays beside, under another name. Its last step is a rename, so that a
    crash leaves either the old one or the new one.

    Returns:
        Where the old one is; None when there was none.

    Raises:
        BadBackup: the file is not healthy, or another program uses the database.
    """
    check(file)
    draft = draft_of(database)
    draft.unlink(missing_ok=True)
    try:
        _copy(file, draft)
        _settle_messages(draft)
        kept = _set_aside(database) if database.exists() else None
        draft.replace(database)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(database.parent)
    return kept


def _settle_messages(database: Path) -> None:
    """Mark what waited to be sent: it may have been sent since, and must not be sent again."""
    with (
        suppress(sqlite3.OperationalError),  # a database from before there were messages
        closing(sqlite3.connect(database)) as restored,
        restored,
    ):
        restored.execute(
            "UPDATE messages SET state = 'unknown', reason = 'interrupted', done_at = ? "
            "WHERE state IN ('queued', 'sending')",
            (f"{datetime.now(UTC).replace(tzinfo=None)}",),
        )


def _set_aside(database: Path) -> Path:
    kept = database.with_name(f"{database.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}.old")
    if _in_one_file(database):
        os.link(database, kept)
        return kept
    # A damaged database, perhaps the reason for the restore: move its three files together.
    for suffix in ("-wal", "-shm", ""):
        part = database.with_name(database.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


def _in_one_file(database: Path) -> bool:
    """Move the -wal file's content into the database; return False if it is too damaged."""
    try:
        with closing(sqlite3.connect(database, timeout=2)) as old:
            old.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BadBackup(f"another program uses {database}: end it first") from error
        return False
    except sqlite3.DatabaseError:
        return False
    return not database.with_name(database.name + "-wal").exists()
