"""Where Botyard keeps its rows in a run: in its data folder, or on a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server, and a role that may create databases; what is made there is dropped again.

    Args:
        url: `postgresql://` address of a database that is there already, to connect to.
    """

    url: str

    def url_of(self, name: str) -> str:
        """The address of a database."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def create(self, name: str, *, template: str = "template1") -> None:
        """Make a database, in the place of one that has its name."""
        self.drop(name)
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(made.format(sql.Identifier(name), sql.Identifier(template)))

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        gone = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._execute(gone.format(sql.Identifier(name)))

    def connect(self, name: str) -> psycopg.Connection:
        """A connection to a database; each of its statements is a transaction."""
        return psycopg.connect(self.url_of(name), autocommit=True)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)
