"""Several Botyards on one PostgreSQL database, which share its bots."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, LiteralString

import psycopg

from bench.botyard import Botyard, serving
from bench.installations import Build, copied, copy_of, prepare
from bench.processes import TESTED_CORE, Process, Timeout, wait_for
from bench.stage import Stage

_ACQUAINTED = 2.5  # seconds in which processes that beat once a second have seen each other


class Ensemble:
    """Running servers.

    Args:
        database: a connection to theirs.
        servers: by their names.
    """

    def __init__(self, database: psycopg.Connection, servers: dict[str, Botyard]) -> None:
        self._database = database
        self.servers = servers

    @property
    def processes(self) -> list[Process]:
        """Those that run."""
        every = (server.process for server in self.servers.values())
        return [process for process in every if process.running]

    def rows(self, query: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
        """Read the database, as somebody who watches it."""
        return self._database.execute(query, parameters).fetchall()

    def bots_of(self, name: str) -> list[int]:
        """The indices of the bots that a server runs."""
        query: LiteralString = (
            "SELECT bots.id FROM bots JOIN processes ON processes.id = owner_id "
            "WHERE name = %s ORDER BY bots.id"
        )
        return [number - 1 for (number,) in self.rows(query, name)]

    def runs(self, name: str, index: int) -> bool:
        """Whether a server runs a bot."""
        query: LiteralString = (
            "SELECT 1 FROM bots JOIN processes ON processes.id = owner_id "
            "WHERE name = %s AND bots.id = %s"
        )
        return bool(self.rows(query, name, index + 1))

    def is_member(self, name: str) -> bool:
        """Whether a server is on the list of those that live."""
        return bool(self.rows("SELECT 1 FROM processes WHERE name = %s", name))


@contextmanager
def ensemble(
    stage: Stage,
    names: Sequence[str],
    bots: int,
    *,
    core: int = TESTED_CORE,
    prepared_active: bool = True,
) -> Iterator[Ensemble]:
    """Servers that run bots in equal parts, all of them polling.

    The bots are switched on in the database when all servers know each other: each then claims
    its share. Otherwise the first would claim all, and give them away for a long time.

    Args:
        stage: the run, with PostgreSQL.
        names: of the servers.
        bots: how many in all.
        core: as for `Process`.
        prepared_active: whether to use a copy of the database in which bots are on; those that
            are off are made faster, the others are there for other scenarios, too.
    """
    assert stage.postgresql is not None
    on = stage.postgresql
    build = Build(on=on)
    prepared = prepare(stage, bots, build, active=prepared_active)
    stage.telegram.ask("reset", bots=bots)
    with copied(build, prepared) as name_of_copy, ExitStack() as stack:
        database = stack.enter_context(on.connect(name_of_copy))
        database.execute("UPDATE bots SET active = false")
        settings = build.settings(name_of_copy)
        servers = {
            name: stack.enter_context(
                serving(
                    stage,
                    copy_of(prepared, stage.folder / f"botyard-{name}"),
                    bots,
                    core=core,
                    settings={**settings, "BOTYARD_PROCESS_NAME": name},
                )
            )
            for name in names
        }
        for server in servers.values():
            server.wait_answers("/readyz")
        made = Ensemble(database, servers)
        wait_for("all are members", lambda: all(map(made.is_member, names)), timeout=20)
        time.sleep(_ACQUAINTED)
        database.execute("UPDATE bots SET active = true")
        stage.telegram.wait_polled(bots, *made.processes)
        _check_parts(made, bots)
        yield made


def _check_parts(made: Ensemble, bots: int) -> None:
    """Raise when the bots are not shared equally."""
    parts = {name: len(made.bots_of(name)) for name in made.servers}
    if max(parts.values()) - min(parts.values()) >= len(parts) or sum(parts.values()) != bots:
        raise Timeout(f"{bots} bots are not in equal parts: {parts}")
