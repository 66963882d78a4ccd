"""Statements over many rows, for what is too frequent to be built from models each time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import peewee

from models.engine.base import proxy

_ROWS_A_STATEMENT = (64, 16, 4, 1)


def in_few_statements(
    database: peewee.Database, sql: str, rows: list[tuple[Any, ...]], *first: Any
) -> list[Any]:
    """Run a statement over many rows at once.

    Not executemany: SQLite's driver gives the interpreter lock up for every row, and a thread
    that wants it back from a busy event loop waits for milliseconds each time. The sizes are
    few, so that the statements stay prepared.

    Args:
        database: that is written.
        sql: with ROWS where the rows belong, as a list of VALUES.
        rows: all of one length.
        first: parameters that stand before the rows.

    Returns:
        The cursors of the statements.
    """
    cursors = []
    start = 0
    for size in _ROWS_A_STATEMENT:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            start += size
            row = "(" + ", ".join("?" * len(some[0])) + ")"
            statement = sql.replace("ROWS", ", ".join([row] * size))
            parameters = [*first, *(value for values in some for value in values)]
            cursors.append(database.execute_sql(statement.replace("?", database.param), parameters))
    return cursors


def stored_time(moment: datetime | None) -> Any:
    """A moment as `UTCDateTimeField` stores it: aware times do not reach the driver."""
    if moment is None:
        return None
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    sqlite = isinstance(proxy.obj, peewee.SqliteDatabase)
    return naive.isoformat(" ") if sqlite else naive
