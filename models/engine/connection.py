"""Connection options for SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from models.engine import sqlite_file
from models.errors import DatabaseDamaged, StorageUnavailable

BUSY_TIMEOUT = 10.0  # seconds that SQLite waits for a lock of another process
# PostgreSQL, in seconds
CONNECT_TIMEOUT = 10
LOCK_TIMEOUT = 10
STATEMENT_TIMEOUT = 30
# An idle connection is probed after 30 s and closed 30 s later; one with unacknowledged data is
# closed after 60 s, where the kernel alone would retransmit for a quarter of an hour.
KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 30, 10, 3
UNANSWERED = 60


def connect(url: str, *, foreign_keys: bool = True, session: str = "botyard") -> peewee.Database:
    """Create a Peewee database for a URL; it is not opened yet.

    Symlinks are resolved, because SQLite's log is next to the file itself.

    Args:
        url: `sqlite:///path` or `postgresql://...`.
        foreign_keys: SQLite only; off while migrations rebuild tables.
        session: PostgreSQL only; the name of its sessions.

    Raises:
        StorageUnavailable: the SQLite file has a second name (a hard link).
    """
    if file := sqlite_file.of(url):
        sqlite_file.check_name(file)
        database = peewee.SqliteDatabase(
            str(file),
            pragmas={
                "journal_mode": "wal",
                "synchronous": "full",
                "foreign_keys": int(foreign_keys),
            },
            timeout=BUSY_TIMEOUT,
            autoconnect=False,
        )
        # SQLite's own folds ASCII letters only: a search would not find Поддержка.
        database.register_function(_lower, "lower", 1)
        return database
    return peewee.PostgresqlDatabase(
        postgresql_url(url),  # libpq reads it, so it may list several hosts
        autoconnect=False,
        prefer_psycopg3=True,
        application_name=session,
        connect_timeout=CONNECT_TIMEOUT,
        keepalives_idle=KEEPALIVE_IDLE,
        keepalives_interval=KEEPALIVE_INTERVAL,
        keepalives_count=KEEPALIVE_COUNT,
        tcp_user_timeout=UNANSWERED * 1000,
        options=f"-c statement_timeout={STATEMENT_TIMEOUT}s -c lock_timeout={LOCK_TIMEOUT}s "
        f"-c idle_in_transaction_session_timeout={STATEMENT_TIMEOUT}s "
        # of the server side: it must release the locks of a machine that vanished
        f"-c tcp_keepalives_idle={KEEPALIVE_IDLE} -c tcp_keepalives_count={KEEPALIVE_COUNT} "
        f"-c tcp_keepalives_interval={KEEPALIVE_INTERVAL} -c tcp_user_timeout={UNANSWERED}s",
    )


def postgresql_url(url: str) -> str:
    """Return the URL of a PostgreSQL database with the scheme that Peewee knows."""
    return f"postgresql://{url.partition('://')[2]}"


_UNAVAILABLE = peewee.OperationalError, peewee.InterfaceError
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DEADLOCK, _LOCK_TIMEOUT = "40P01", "55P03"
_DAMAGED_POSTGRESQL = {"XX001", "XX002"}  # data_corrupted, index_corrupted
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_RESTORE = "stop the server, botyard restore FILE puts a backup in its place"


def translate(error: BaseException, what: str = "") -> StorageUnavailable | None:
    """Translate a database error into the data layer's; None if it is not a database failure.

    Args:
        what: the operation that failed, for the sentence.
    """
    cause = _driver_error(error)
    text = " ".join(f"{what}: {error}".removeprefix(": ").split()) or type(error).__name__
    if isinstance(cause, sqlite3.Error):
        # the higher bits of a code are details; errors of the driver itself have no code
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            return DatabaseDamaged(f"the database is damaged ({cause}): {_RESTORE}")
    elif getattr(cause, "sqlstate", None) in _DAMAGED_POSTGRESQL:
        return DatabaseDamaged(f"PostgreSQL's data is damaged ({cause}): its log says more")
    if isinstance(error, _UNAVAILABLE):
        return StorageUnavailable(text)
    return None


def is_deadlock(error: BaseException) -> bool:
    """Return True if PostgreSQL has undone a transaction because others waited for it."""
    return getattr(_driver_error(error), "sqlstate", None) == _DEADLOCK


def is_lock_timeout(error: BaseException) -> bool:
    """Return True if a statement has waited too long for a lock."""
    return getattr(_driver_error(error), "sqlstate", None) == _LOCK_TIMEOUT


def _driver_error(error: BaseException) -> BaseException:
    cause: BaseException = error
    while isinstance(cause, peewee.PeeweeException) and cause.__context__ is not None:
        cause = cause.__context__
    return cause


@contextmanager
def unavailable(what: str) -> Iterator[None]:
    """Translate database errors raised inside this context.

    Args:
        what: as for `translate`.

    Raises:
        StorageUnavailable: with that sentence.
    """
    try:
        yield
    except peewee.DatabaseError as error:
        raise (translate(error, what) or error) from error


def _lower(text: str | None) -> str | None:
    return text if text is None else text.lower()
