"""The two locks of a database.

- The installation's (`take`, `exclusive`): one server on an SQLite file, several on PostgreSQL,
  which share it, and none while a command needs the database alone. `server.installation_lock`
  joins it with the lock of the folders.
- The migrations' (`migrating`): one process at a time makes and changes tables. It is another
  lock, since two servers that start at once, or two commands, may both hold a shared lock.

PostgreSQL's are advisory locks (its documentation, section 13.3.5) of the session: they end with
the connection, however that ends. SQLite's are described in `models.engine.sqlite_file`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import peewee

from models.engine import sqlite_file
from models.engine.connection import LOCK_TIMEOUT, connect, unavailable
from models.errors import DatabaseInUse, StorageUnavailable

WAIT = 1.0  # seconds to wait for a server that is shutting down
# arbitrary, but the same in every version
INSTALLATION, _MIGRATIONS = 0x626F7472, 0x626F7479

_HOLDER = """
    SELECT pid, backend_start, host(client_addr) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objid = %s AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A connection as PostgreSQL sees it.

    Args:
        began: None for another user's connection, of which PostgreSQL shows nothing.
    """

    pid: int
    began: datetime | None
    address: str | None

    @property
    def where(self) -> str:
        """A description in brackets for a sentence; empty if nothing is known."""
        if self.began is None:
            return ""
        return (
            f" (from {self.address or 'its own machine'}, since {self.began:%Y-%m-%d %H:%M:%S%z})"
        )


def take(
    database: peewee.Database,
    *,
    wait: float = WAIT,
    shared: bool = False,
) -> None:
    """Acquire the installation lock on this connection.

    Args:
        wait: seconds to wait for the present holder.
        shared: let other holders of a shared lock in.

    Raises:
        DatabaseInUse: another connection holds it, and keeps it.
    """
    database.execute_sql(f"SET lock_timeout = {round(wait * 1000)}")  # milliseconds
    lock = "pg_advisory_lock_shared" if shared else "pg_advisory_lock"
    try:
        database.execute_sql(f"SELECT {lock}(%s)", (INSTALLATION,))
    except peewee.OperationalError as error:
        row = database.execute_sql(_HOLDER, (INSTALLATION,)).fetchone()
        if row is None:
            raise
        holder = "a command has" if shared else "a server runs on"
        raise DatabaseInUse(f"{holder} this database{LockHolder(*row).where}") from error
    database.execute_sql(f"SET lock_timeout = {LOCK_TIMEOUT * 1000}")


def is_held(url: str) -> bool:
    """Return True if a server, or a command that needs a database alone, holds its lock.

    Nothing is locked by the question.

    Args:
        url: as for `Database`; the database exists.

    Raises:
        StorageUnavailable: it cannot be reached.
    """
    file = sqlite_file.of(url)
    if file is not None:
        try:
            return sqlite_file.is_locked(file)
        except OSError as error:
            raise StorageUnavailable(f"cannot open the database: {error.strerror}") from error
    database = connect(url)
    try:
        with unavailable("cannot open the database"):
            database.connect()
            return database.execute_sql(_HOLDER, (INSTALLATION,)).fetchone() is not None
    finally:
        database.close()


@contextmanager
def exclusive(url: str, *, wait: float = WAIT, shared: bool = False) -> Iterator[None]:
    """Hold the installation lock of a database that is not open.

    Args:
        url: as for `Database`.
        wait, shared: as for `take`; there is no wait for a file.

    Raises:
        DatabaseInUse: a server runs on it.
        StorageUnavailable: it cannot be reached.
    """
    file = sqlite_file.of(url)
    if file is not None:
        lock = sqlite_file.FileLock(file, shared=shared)
        lock.acquire()
        try:
            yield
        finally:
            lock.release()
        return
    database = connect(url)
    try:
        with unavailable("cannot open the database"):
            database.connect()
            take(database, wait=wait, shared=shared)
        yield
        with suppress(peewee.DatabaseError):  # closing alone may take effect only later
            database.execute_sql("SELECT pg_advisory_unlock_all()")
    finally:
        database.close()


@contextmanager
def migrating(database: peewee.Database, url: str) -> Iterator[None]:
    """Open a database to migrate it, as the only process that does; a new file is created.

    Args:
        database: not open yet. PostgreSQL's lock belongs to its connection, so that nothing is
            migrated after the lock was lost.
        url: its address.

    Raises:
        StorageUnavailable: it cannot be created, or another process keeps the lock.
    """
    with ExitStack() as stack:
        file = sqlite_file.of(url)
        if file is not None:
            stack.enter_context(sqlite_file.migrating(file))
            sqlite_file.make(file)
        database.connect()
        stack.callback(database.close)
        if file is None:
            database.execute_sql("SELECT pg_advisory_lock(%s)", (_MIGRATIONS,))
        yield
