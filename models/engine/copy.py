"""Copies an installation from one database to another, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Any

import peewee

from models.engine import sqlite_file
from models.engine.base import BaseModel
from models.engine.connection import connect, translate
from models.engine.locks import exclusive
from models.engine.migration import Migrations
from models.errors import SchemaMismatch, StorageUnavailable
from models.messaging.media import MediaPiece
from models.tables import TABLES

_ROWS = 500  # rows that are read and written at once
_LARGE_ROWS = 16  # of those with pieces of files
Model = type[BaseModel]
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def copy_database(source_url: str, target_url: str, *, progress: Progress) -> dict[str, int]:
    """Copy every row into an empty database.

    Args:
        source_url: the database with the rows; it is only read.
        target_url: the empty database; it is migrated first.
        progress: called with a table's name and number of rows; returns a context manager whose
            value is called with each number of copied rows.

    Returns:
        The number of rows in the target, by table.

    Raises:
        SchemaMismatch: the source is older than this program, or the target is not empty.
        DatabaseInUse: a server runs on the target.
        StorageUnavailable: one of them does not answer; nothing was copied.
    """
    file = sqlite_file.of(source_url)
    if file and not file.is_file():  # SQLite would create an empty one
        raise StorageUnavailable(f"cannot open the database: there is no file {file}")
    if left := Migrations(source_url).status().todo:
        raise SchemaMismatch(f"migrate the source first; it lacks {', '.join(left)}")
    try:
        with exclusive(target_url):
            Migrations(target_url).up()
            with _reading(source_url) as source, _writing(target_url) as target:
                return _copy(source, target, progress)
    except peewee.DatabaseError as error:
        raise (translate(error, "nothing was copied") or error) from error


def _copy(
    source: peewee.Database,
    target: peewee.Database,
    progress: Progress,
) -> dict[str, int]:
    _check_empty(target)
    for model in TABLES:
        _copy_table(model, source, target, progress)
    for model in TABLES:
        _copy_sequence(model, source, target)
    return {model._meta.table_name: _count(model, target) for model in TABLES}


@contextmanager
def _reading(url: str) -> Iterator[peewee.Database]:
    database = connect(url)
    with database.connection_context():
        # a consistent snapshot, even while a server still writes
        level = None if _is_sqlite(database) else "REPEATABLE READ"
        with database.atomic(*([level] if level else [])):
            yield database


@contextmanager
def _writing(url: str) -> Iterator[peewee.Database]:
    database = connect(url)
    with database.connection_context():
        if not _is_sqlite(database):
            database.execute_sql("SET statement_timeout = 0")
        with database.atomic(*(["IMMEDIATE"] if _is_sqlite(database) else [])):
            yield database


def _is_sqlite(database: peewee.Database) -> bool:
    return isinstance(database, peewee.SqliteDatabase)


def _count(model: Model, database: peewee.Database) -> int:
    with database.bind_ctx([model]):
        return int(model.select().count())


def _check_empty(target: peewee.Database) -> None:
    full = [model._meta.table_name for model in TABLES if _count(model, target)]
    if full:
        raise SchemaMismatch(
            f"the target is not empty (rows in {', '.join(full)}): name a new database"
        )


def _copy_table(
    model: Model,
    source: peewee.Database,
    target: peewee.Database,
    progress: Progress,
) -> None:
    total = _count(model, source)
    with progress(model._meta.table_name, total) as advance, source.bind_ctx([model]):
        for page in _pages(model):
            with target.bind_ctx([model]):
                model.insert_many(page).execute()
            advance(len(page))


def _pages(model: Model) -> Iterator[list[dict[str, Any]]]:
    """Return all rows of a table in pages."""
    if model is MediaPiece:
        yield from _pages_of_pieces()
        return
    rows = iter(model.select().dicts().iterator())
    while page := list(islice(rows, _ROWS)):
        yield page


def _pages_of_pieces() -> Iterator[list[dict[str, Any]]]:
    """Return the pieces of files; not in one query, whose rows PostgreSQL sends all at once."""
    media, number = MediaPiece.media, MediaPiece.number
    keys = iter(list(MediaPiece.select(media, number).order_by(media, number).tuples()))
    while some := list(islice(keys, _LARGE_ROWS)):
        (first, begin), (last, end) = some[0], some[-1]
        after_first = (media > first) | ((media == first) & (number >= begin))
        before_last = (media < last) | ((media == last) & (number <= end))
        yield list(MediaPiece.select().where(after_first, before_last).dicts())


def _copy_sequence(model: Model, source: peewee.Database, target: peewee.Database) -> None:
    """Continue the target's id sequence where the source's stopped: no id is used twice."""
    table = model._meta.table_name
    if not isinstance(model._meta.primary_key, peewee.AutoField):
        return
    if _is_sqlite(source):
        sql = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        row = source.execute_sql(sql, (table,)).fetchone()
    else:
        row = source.execute_sql(f"SELECT last_value FROM {table}_id_seq").fetchone()  # noqa: S608
    last = row[0] if row else 0
    if not last:
        return
    if _is_sqlite(target):
        target.execute_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        target.execute_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
    else:
        target.execute_sql("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, last))
