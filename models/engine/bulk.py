"""SQL over many rows at once, for the runner's writes for each message."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

import peewee

from models.engine.base import proxy

_ROWS_A_STATEMENT = (64, 16, 4, 1)


class Outcome(NamedTuple):
    """The number of changed rows, and the returned rows."""

    changed: int
    returned: list[tuple[Any, ...]]


def run_in_few_statements(
    sql: str,
    rows: list[tuple[Any, ...]],
    *first: Any,
    last: tuple[Any, ...] = (),
    filler: tuple[Any, ...] | None = None,
) -> Outcome:
    """Run a statement over many rows at once.

    Not executemany: SQLite's driver releases the GIL for every row, and a thread that has to get it
    back from a busy event loop waits for milliseconds each time. Only a few sizes are used, so that
    the statements stay prepared.

    Args:
        sql: the statement, with ROWS in place of the list of VALUES.
        rows: the rows, all of the same length.
        first: parameters that precede the rows.
        last: parameters that follow them.
        filler: a row without any effect, if there is one: up to 64 rows are then one statement.
    """
    if not rows:
        return _NOTHING
    if filler is not None:
        rest = len(rows) % _ROWS_A_STATEMENT[0]
        size = min(one for one in (0, *_ROWS_A_STATEMENT) if one >= rest)
        rows = rows + [filler] * (size - rest)
    database = proxy.obj
    changed, returned, start = 0, [], 0
    for size in _ROWS_A_STATEMENT:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            start += size
            statement = _statement(sql, database.param, len(some[0]), size)
            parameters = [*first, *(value for values in some for value in values), *last]
            cursor = database.execute_sql(statement, parameters)
            if cursor.description is not None:
                returned += cursor.fetchall()
            changed += cursor.rowcount
    return Outcome(changed, returned)


_NOTHING = Outcome(0, [])


@lru_cache(maxsize=256)
def _statement(sql: str, param: str, columns: int, rows: int) -> str:
    row = "(" + ", ".join("?" * columns) + ")"
    return sql.replace("ROWS", ", ".join([row] * rows)).replace("?", param)


def stored(moment: datetime | None) -> Any:
    """Convert a time as `UTCDateTimeField` does, because the driver needs naive times."""
    if moment is None:
        return None
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return naive.isoformat(" ") if isinstance(proxy.obj, peewee.SqliteDatabase) else naive


def stored_day(day: date) -> Any:
    """Convert a day as `peewee.DateField` does."""
    return day.isoformat() if isinstance(proxy.obj, peewee.SqliteDatabase) else day


def select(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a query that is written as SQL.

    Args:
        sql: with a question mark for each parameter.
    """
    rows: list[tuple[Any, ...]] = execute(sql, *parameters).fetchall()
    return rows


def execute(sql: str, *parameters: Any) -> Any:
    """Run a statement that is written as SQL; return its cursor.

    Args:
        sql: with a question mark for each parameter.
    """
    database = proxy.obj
    return database.execute_sql(sql.replace("?", database.param), parameters)


def delete_some(table: str, key: str, condition: str, *parameters: Any, limit: int) -> int:
    """Delete some of the rows of a table for which a condition is true.

    Args:
        key: the columns of its primary key.
        condition: what follows WHERE; it may say in which order rows are deleted.
        limit: the maximum number of deletions.

    Returns:
        The number of deletions; fewer than `limit` means that none are left.
    """
    deleted = execute(
        f"DELETE FROM {table} WHERE ({key}) IN "  # noqa: S608
        f"(SELECT {key} FROM {table} WHERE {condition} LIMIT ?)",
        *parameters, limit,
    )  # fmt: skip
    return int(deleted.rowcount)


def delete_some_of_bots(table: str, key: str, bot_ids: list[int], *, limit: int) -> int:
    """Delete some of the rows that bots have in a table; as `delete_some`."""
    marks = ", ".join("?" * len(bot_ids))
    return delete_some(table, key, f"bot_id IN ({marks})", *bot_ids, limit=limit)


def loaded(moment: Any) -> datetime | None:
    """Read a moment as it is stored; the reverse of `stored`."""
    if moment is None:
        return None
    naive = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return cast(datetime, naive).replace(tzinfo=UTC)


def loaded_day(day: Any) -> date:
    """Read a day as it is stored; the reverse of `stored_day`."""
    return date.fromisoformat(day) if isinstance(day, str) else cast(date, day)
