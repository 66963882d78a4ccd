"""Runs the migrations: on a connection of their own, one process at a time."""

from __future__ import annotations

import importlib.resources
import inspect
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import peewee
from peewee_migrate import Router

from models.engine import sqlite_file
from models.engine.connection import connect, unavailable
from models.engine.locks import migrating
from models.errors import SchemaMismatch

log = logging.getLogger("botyard.migrations")


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The migrations that are done, pending, and unknown to this version."""

    done: list[str]
    todo: list[str]
    unknown: list[str]


def folder() -> Path:
    """Return the folder of the migrations, in a checkout as well as in the binary."""
    return Path(str(importlib.resources.files("models.migrations")))


class Migrations:
    """The migrations of one database.

    Args:
        url: as for `Database`.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def prepare(self) -> None:
        """Create the file of a new SQLite database, so that it can be locked; nothing else.

        Raises:
            StorageUnavailable: the file cannot be created.
        """
        if file := sqlite_file.of(self._url):
            with sqlite_file.migrating(file):
                sqlite_file.make(file)

    def up(self, to: str | None = None) -> list[str]:
        """Run the pending migrations, up to and including `to`.

        Returns:
            The names of the migrations that were run.

        Raises:
            SchemaMismatch: `to` is unknown, or the database is newer than this program.
            StorageUnavailable: the database cannot be opened.
        """
        with self._router() as router:
            status = self._status(router)
            _refuse_newer(status)
            if to is not None and to not in status.todo:
                raise SchemaMismatch(f"no migration {to!r} is left to run")
            done: list[str] = router.run(to) if status.todo else []
            self._check_foreign_keys(router.database)
            return done

    def down(self) -> str:
        """Undo the latest migration.

        Returns:
            The migration's name.

        Raises:
            SchemaMismatch: there is nothing to undo.
        """
        with self._router() as router:
            done: list[str] = router.done
            if not done:
                raise SchemaMismatch("no migration has been run")
            router.rollback()
            self._check_foreign_keys(router.database)
            return done[-1]

    def dropped_by_down(self) -> str:
        """Return the latest migration's description of the data that `down` drops, if any."""
        with self._router() as router:
            done: list[str] = router.done
            return inspect.getdoc(router.read(done[-1])[1]) or "" if done else ""

    def is_needed(self) -> bool:
        """Return True if `up` has anything to do, or to refuse."""
        status = self.status()
        return bool(status.todo or status.unknown)

    def status(self) -> MigrationStatus:
        """Return the migrations that are done, pending and unknown."""
        with self._router() as router:
            return self._status(router)

    def check_current(self) -> None:
        """Check that the tables are those of this version.

        Raises:
            SchemaMismatch: migrations are pending, or the database is newer than this program.
            StorageUnavailable: the database cannot be opened.
        """
        status = self.status()
        _refuse_newer(status)
        if status.todo:
            raise SchemaMismatch(
                f"the database is not migrated to this version ({', '.join(status.todo)} left to "
                "run): stop the server, then run botyard migrate up"
            )

    def create(self, name: str) -> str:
        """Create an empty migration in the folder.

        Returns:
            The migration's name, with its number.

        Raises:
            ValueError: the name is not valid for a Python file.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError(f"{name!r}: use lower case letters, digits and underscores")
        with self._router() as router:
            return str(router.create(name))

    def _status(self, router: Router) -> MigrationStatus:
        known, done = list(router.todo), list(router.done)
        return MigrationStatus(
            done=done,
            todo=[name for name in known if name not in done],
            unknown=[name for name in done if name not in known],
        )

    @contextmanager
    def _router(self) -> Iterator[Router]:
        # With foreign keys on, SQLite deletes child rows when a migration rebuilds the parent.
        database = connect(self._url, foreign_keys=False)
        with unavailable("cannot open the database"), migrating(database, self._url):
            router = Router(database, migrate_dir=folder(), logger=log)
            if not list(router.todo):  # peewee-migrate treats an empty folder as "all done"
                raise SchemaMismatch(f"no migrations in {folder()}")
            yield router

    @staticmethod
    def _check_foreign_keys(database: peewee.Database) -> None:
        if not isinstance(database, peewee.SqliteDatabase):
            return
        broken = database.execute_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise SchemaMismatch(f"rows point to rows that are gone: {broken[:5]}")


def _refuse_newer(status: MigrationStatus) -> None:
    if status.unknown:
        raise SchemaMismatch(
            f"the database has migrations that this version does not know "
            f"({', '.join(status.unknown)}): install the newer version again"
        )
