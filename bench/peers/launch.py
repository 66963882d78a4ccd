"""The programs that are compared, and how each is started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.botyard import Botyard
from bench.installations import Build, with_bots
from bench.processes import ROOT, TESTED_CORE, Process
from bench.stage import Stage

STOCK, SHARED_TLS, AIOGRAM, BOTYARD = "stock_ptb", "shared_tls_ptb", "aiogram", "botyard"
BOTYARD_POSTGRESQL = "botyard_postgresql"  # with --postgresql
BEFORE = {  # with --before
    BOTYARD: "botyard_before",
    BOTYARD_POSTGRESQL: "botyard_postgresql_before",
}
AIOGRAM_UVLOOP = "aiogram_uvloop"  # not run unless asked for

TITLES = {
    STOCK: "stock PTB",
    SHARED_TLS: "PTB, one TLS context",
    AIOGRAM: "aiogram, one session",
    AIOGRAM_UVLOOP: "the same on uvloop",
    BOTYARD: "Botyard",
    BOTYARD_POSTGRESQL: "on PostgreSQL",
    BEFORE[BOTYARD]: "before",
    BEFORE[BOTYARD_POSTGRESQL]: "before, PostgreSQL",
}
DEFAULT = [STOCK, SHARED_TLS, AIOGRAM, BOTYARD]
QUICK = [STOCK, AIOGRAM, BOTYARD]

_SCRIPTS = {
    STOCK: ["stock_ptb.py"],
    SHARED_TLS: ["shared_tls_ptb.py"],
    AIOGRAM: ["aiogram_shared.py"],
    AIOGRAM_UVLOOP: ["aiogram_shared.py", "--uvloop"],
}


def servers(stage: Stage) -> list[str]:
    """Those of the programs that are Botyard."""
    return [peer for peer in stage.peers if peer in {*BEFORE, *BEFORE.values()}]


def botyard_with_bots(
    stage: Stage,
    peer: str,
    bots: int,
    *,
    turns: Path | None = None,
    active: bool = True,
    others: Sequence[str] = (),
) -> AbstractContextManager[Botyard]:
    """One of `servers`; see `with_bots`."""
    of_postgresql = (BOTYARD_POSTGRESQL, BEFORE[BOTYARD_POSTGRESQL])
    build = Build(
        on=stage.postgresql if peer in of_postgresql else None,
        checkout=(stage.before or ROOT) if peer in BEFORE.values() else ROOT,
    )
    return with_bots(stage, bots, build=build, turns=turns, active=active, others=others)


@contextmanager
def running(stage: Stage, peer: str, bots: int) -> Iterator[Process]:
    """Run a program with all its bots polling.

    Args:
        stage: the run.
        peer: one of TITLES.
        bots: how many; the stand-in is reset to them.
    """
    telegram, folder = stage.telegram, stage.folder
    if peer in servers(stage):
        with botyard_with_bots(stage, peer, bots) as botyard:
            telegram.wait_polled(bots, botyard.process)
            yield botyard.process
        return
    tokens = folder / "tokens.txt"
    tokens.write_text("\n".join(telegram.ask("reset", bots=bots)["tokens"]))
    script, *flags = _SCRIPTS[peer]
    path = Path(__file__).with_name(script)
    arguments = [str(path), telegram.url, str(tokens), *flags]
    with Process(arguments, core=TESTED_CORE, log=folder / f"{peer}.log") as process:
        telegram.wait_polled(bots, process)
        yield process
