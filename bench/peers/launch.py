"""The four programs that are compared, and how each is started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.botyard import with_bots
from bench.processes import TESTED_CORE, Process, StandIn

STOCK, SHARED_TLS, AIOGRAM, BOTYARD = "stock_ptb", "shared_tls_ptb", "aiogram", "botyard"
AIOGRAM_UVLOOP = "aiogram_uvloop"  # not run unless asked for

TITLES = {
    STOCK: "stock PTB",
    SHARED_TLS: "PTB, one TLS context",
    AIOGRAM: "aiogram, one session",
    AIOGRAM_UVLOOP: "the same on uvloop",
    BOTYARD: "Botyard",
}
DEFAULT = [STOCK, SHARED_TLS, AIOGRAM, BOTYARD]
QUICK = [STOCK, AIOGRAM, BOTYARD]

_SCRIPTS = {
    STOCK: ["stock_ptb.py"],
    SHARED_TLS: ["shared_tls_ptb.py"],
    AIOGRAM: ["aiogram_shared.py"],
    AIOGRAM_UVLOOP: ["aiogram_shared.py", "--uvloop"],
}


@contextmanager
def running(peer: str, telegram: StandIn, folder: Path, bots: int) -> Iterator[Process]:
    """Run a program with all its bots polling.

    Args:
        peer: one of TITLES.
        folder: for files that it needs, and its output.
        bots: how many; the stand-in is reset to them.
    """
    if peer == BOTYARD:
        with with_bots(telegram, folder, bots) as botyard:
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
