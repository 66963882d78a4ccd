"""Connection options for SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import peewee

from models.engine import sqlite_file
from models.engine.postgresql import PostgreSQL
from models.errors import DatabaseDamaged, StorageUnavailable

BUSY_TIMEOUT = 10.0  # seconds that SQLite waits for a lock of another process
# PostgreSQL, in seconds
LOCK_TIMEOUT = 10
STATEMENT_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How soon a connection to PostgreSQL is given up, in seconds.

    Args:
        connect: for each host of the URL.
        unanswered: with data that the other side does not acknowledge, where the kernel alone would
            retransmit for a quarter of an hour.
        idle: in a transaction, before PostgreSQL ends it.
        keepalive: an idle connection is probed after the first number, and closed if as many probes
            as the third number, at intervals of the second, are not answered.
    """

    connect: int
    unanswered: int
    idle: int
    keepalive: tuple[int, int, int]


COMMAND = Timeouts(connect=10, unanswered=60, idle=STATEMENT_TIMEOUT, keepalive=(30, 10, 3))
# A server that cannot write must know it before another one takes its bots over, and must not hold
# locks of their rows then.
SERVER = Timeouts(connect=2, unanswered=4, idle=3, keepalive=(2, 1, 2))


def connect(
    url: str,
    *,
    foreign_keys: bool = True,
    session: str = "botyard",
    timeouts: Timeouts = COMMAND,
    pooled: bool = False,
) -> peewee.Database:
    """Create a Peewee database for a URL; it is not opened yet.

    Symlinks are resolved, because SQLite's log is next to the file itself.

    Args:
        url: `sqlite:///path` or `postgresql://...`.
        foreign_keys: SQLite only; off while migrations rebuild tables.
        session: PostgreSQL only; the name of its sessions.
        timeouts: PostgreSQL only.
        pooled: True if a pooler such as PgBouncer is in between, which gives each transaction
            another session.

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
    return PostgreSQL(
        postgresql_url(url),  # libpq reads it, so it may list several hosts
        autoconnect=False,
        prefer_psycopg3=True,
        application_name=session,
        **network_options(timeouts),
        # A pooler knows neither of these: the operator sets the options for the role instead, and
        # a prepared statement is unknown to the session of the next transaction.
        **({"prepare_threshold": None} if pooled else {"options": _session_options(timeouts)}),
    )


def network_options(timeouts: Timeouts) -> dict[str, Any]:
    """Return the parameters of libpq that notice a line that is cut."""
    idle, interval, count = timeouts.keepalive
    return {
        "connect_timeout": timeouts.connect,
        "keepalives_idle": idle,
        "keepalives_interval": interval,
        "keepalives_count": count,
        "tcp_user_timeout": timeouts.unanswered * 1000,
    }


def _session_options(timeouts: Timeouts) -> str:
    """Return the settings of a session, as PostgreSQL's command line takes them."""
    idle, interval, count = timeouts.keepalive
    return (
        f"-c statement_timeout={STATEMENT_TIMEOUT}s -c lock_timeout={LOCK_TIMEOUT}s "
        f"-c idle_in_transaction_session_timeout={timeouts.idle}s "
        # of the server side: it must release the locks of a machine that vanished
        f"-c tcp_keepalives_idle={idle} -c tcp_keepalives_count={count} "
        f"-c tcp_keepalives_interval={interval} -c tcp_user_timeout={timeouts.unanswered}s"
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
