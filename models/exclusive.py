"""One server a PostgreSQL database, and none while a command needs it alone.

An advisory lock (PostgreSQL's documentation, section 13.3.5) of the session: it ends with the
connection, however that ends. SQLite's files are held by `server.lock`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from models.connection import connect
from models.errors import DatabaseInUse, StorageUnavailable

_KEY = 0x626F7472  # any number does that all programs of this kind share

_HOLDER = """
    SELECT coalesce(host(client_addr), 'this machine'), date_trunc('second', backend_start)
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objid = %s AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def take(database: peewee.Database) -> None:
    """Take an open database for this connection; waits a moment for one that just ends.

    Raises:
        DatabaseInUse: another one has it, and keeps it.
    """
    try:
        database.execute_sql("SELECT pg_advisory_lock(%s)", (_KEY,))
    except peewee.OperationalError as error:
        holder = database.execute_sql(_HOLDER, (_KEY,)).fetchone()
        if holder is None:
            raise
        raise DatabaseInUse(
            f"a server runs on this database (from {holder[0]}, since {holder[1]})"
        ) from error


@contextmanager
def exclusive(url: str, *, wait: float = 1.0) -> Iterator[None]:
    """Have a PostgreSQL database alone; of SQLite, nothing is done.

    Args:
        url: as for `Database`.
        wait: seconds that a server may take that just ends.

    Raises:
        DatabaseInUse: a server runs on it.
        StorageUnavailable: it cannot be reached.
    """
    if url.startswith("sqlite:"):
        yield
        return
    database = connect(url)
    try:
        try:
            database.connect()
            database.execute_sql(f"SET lock_timeout = {round(wait * 1000)}")  # milliseconds
            take(database)
        except peewee.DatabaseError as error:
            raise StorageUnavailable(f"cannot open the database: {error}".strip()) from error
        yield
    finally:
        database.close()
