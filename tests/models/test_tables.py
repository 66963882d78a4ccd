"""The list of all tables: complete, and in an order in which they can be filled."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from contextlib import closing
from pathlib import Path

import peewee

import models
from models.engine.base import BaseModel
from models.engine.migration import Migrations
from models.tables import NOT_COPIED, TABLES


def test_every_model_is_listed_once() -> None:
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if not module.name.startswith("models.migrations."):
            importlib.import_module(module.name)
    ours = [model for model in BaseModel.__subclasses__() if model.__module__.startswith("models.")]
    assert sorted(model.__name__ for model in TABLES) == sorted(model.__name__ for model in ours)


def test_every_table_that_migrations_make_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "botyard.db"
    Migrations(f"sqlite:///{file}").up()
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    made = {name for (name,) in rows} - {"migratehistory", "sqlite_sequence"}
    # the index of SQLite, which fills by itself from the messages
    made = {name for name in made if not name.startswith("message_search")}
    assert {model._meta.table_name for model in TABLES} | NOT_COPIED == made


def test_a_table_stands_behind_those_that_it_points_to() -> None:
    for place, model in enumerate(TABLES):
        for field in model._meta.sorted_fields:
            if isinstance(field, peewee.ForeignKeyField):
                assert field.rel_model in TABLES[: place + 1], f"{model.__name__}.{field.name}"
