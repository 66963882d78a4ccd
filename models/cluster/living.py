"""The processes that live, as a command sees them: those whose beat goes on."""

from __future__ import annotations

import time

import peewee

from models.engine.connection import connect, unavailable

PATIENCE = 3.0  # seconds; a process beats once a second
LOOK = 0.25  # seconds between two looks


def living(url: str) -> list[str]:
    """Return the names of the processes that live on a PostgreSQL database, oldest first.

    This takes until each of them has beaten, or `PATIENCE` if one is dead.

    Args:
        url: as for `Database`; a direct one, if there is a pooler in between.

    Returns:
        None of a version that has no table of them yet.

    Raises:
        StorageUnavailable: the database cannot be reached.
    """
    database = connect(url)
    try:
        with unavailable("cannot open the database"):
            database.connect()
            first = last = _beats(database)
            until = time.monotonic() + PATIENCE
            while not all(_has_beaten(number, first, last) for number in first):
                if time.monotonic() >= until:
                    break
                time.sleep(LOOK)
                last = _beats(database)
    finally:
        database.close()
    return [name for number, (name, _) in last.items() if _has_beaten(number, first, last)]


def _beats(database: peewee.Database) -> dict[int, tuple[str, int]]:
    if not database.execute_sql("SELECT to_regclass('processes')").fetchone()[0]:
        return {}
    rows = database.execute_sql("SELECT id, name, beat FROM processes ORDER BY id").fetchall()
    return {number: (name, beat) for number, name, beat in rows}


def _has_beaten(
    number: int, first: dict[int, tuple[str, int]], last: dict[int, tuple[str, int]]
) -> bool:
    """Return True if a process has beaten between two looks, has come, or has gone."""
    return first.get(number) != last.get(number)
