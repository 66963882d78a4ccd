"""Databases with bots, each made once a run over HTTP, and servers on fresh copies of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.botyard import Botyard, serving
from bench.databases import PostgreSQL
from bench.processes import ROOT
from bench.stage import Stage

_COPY = "botyard-bench-copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Which Botyard is measured.

    Args:
        on: where its database is; None for SQLite in its data folder.
        checkout: its code.
        scenario: the template whose copy each bot runs, such as `echo.en`; empty for none.
    """

    on: PostgreSQL | None = None
    checkout: Path = ROOT
    scenario: str = ""

    @property
    def name(self) -> str:
        """Tells it from the others."""
        kind = "sqlite" if self.on is None else "postgresql"
        kind = kind if self.checkout == ROOT else f"{kind}-before"
        return f"{kind}-{self.scenario}" if self.scenario else kind

    def settings(self, database: str) -> dict[str, str]:
        """The variables that name a database of the PostgreSQL server."""
        return {} if self.on is None else {"BOTYARD_DATABASE_URL": self.on.url_of(database)}


SQLITE = Build()


@contextmanager
def with_bots(
    stage: Stage,
    bots: int,
    *,
    build: Build = SQLITE,
    turns: Path | None = None,
    active: bool = True,
    others: Sequence[str] = (),
) -> Iterator[Botyard]:
    """A server that was started with bots in its database, each start on a fresh copy.

    The stand-in is reset to these bots. The database is filled over HTTP, once a run.

    Args:
        stage: the run.
        bots: how many.
        build: which Botyard.
        turns: where to note how late its event loop comes, see `bench.turns`.
        active: whether the bots are on.
        others: names of accounts without bots; the same for each call with these bots.
    """
    prepared = prepare(stage, bots, build, active=active, others=others)
    data = copy_of(prepared, stage.folder / "botyard-data")
    stage.telegram.ask("reset", bots=bots)
    with (
        copied(build, prepared),
        serving(
            stage, data, bots, checkout=build.checkout, turns=turns, settings=build.settings(_COPY)
        ) as botyard,
    ):
        yield botyard


def copy_of(prepared: Path, data: Path) -> Path:
    """Copy a data folder, in the place of one that is there.

    Returns:
        The copy.
    """
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(prepared, data)
    return data


@contextmanager
def copied(build: Build, prepared: Path) -> Iterator[str]:
    """A copy of a database on PostgreSQL, as long as the block lasts.

    Returns:
        Its name.
    """
    if build.on is None:  # it is in the data folder
        yield ""
        return
    build.on.create(_COPY, template=prepared.name)
    try:
        yield _COPY
    finally:
        build.on.drop(_COPY)


def prepare(
    stage: Stage, bots: int, build: Build, *, active: bool, others: Sequence[str] = ()
) -> Path:
    """Make an installation with bots, unless it was made before in this run.

    Args:
        stage, bots, build, active, others: as for `with_bots`.

    Returns:
        Its data folder; its database on PostgreSQL has the same name.
    """
    data = stage.folder / f"botyard-{build.name}-{bots}-{'on' if active else 'off'}"
    if data.exists():
        return data
    stage.telegram.ask("reset", bots=bots)
    making = data.with_suffix(".making")
    if (on := build.on) is not None:
        on.create(data.name)
        stage.at_end(lambda: on.drop(data.name))
    settings = build.settings(data.name)
    with serving(stage, making, bots, checkout=build.checkout, settings=settings) as botyard:
        botyard.wait_answers("/healthz")
        botyard.register()
        botyard.add_bots(bots, active=active)
        if build.scenario:
            botyard.publish(bots, build.scenario)
        for username in others:
            botyard.register(username)
    making.rename(data)
    return data
