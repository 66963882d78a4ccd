"""The longest time for which Botyard's event loop did not turn: from inside, and from outside."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench.botyard import free_port
from bench.figures import spread
from bench.peers.launch import TITLES, botyard_with_bots, servers
from bench.processes import LOAD_CORE, TESTED_CORE, Process, wait_for
from bench.stage import Stage

BASELINE = "idle_tornado"


def run(stage: Stage) -> dict[str, Any]:
    """Watch the loop during a boot, at rest, busy, under full load and while bots are switched.

    Returns:
        By database and phase, in ms (count, p50, p99, max): `turns`, how late a timer came that
        is due every ms, and `answers`, what /healthz took; BASELINE is an idle Tornado server.
    """
    stage.say("longest stall: an idle Tornado server for comparison")
    results = {BASELINE: {"baseline": _baseline(stage)}}
    return results | {peer: _one(stage, peer) for peer in servers(stage)}


def _one(stage: Stage, peer: str) -> dict[str, dict[str, dict[str, float]]]:
    stage.say(f"longest stall in boot, idleness, load and switching: {TITLES[peer]}")
    files = _Files(stage.folder, peer)
    phases: dict[str, tuple[int, int]] = {}
    steps = {"boot": _boot, "idle": _idle, "busy": _busy}
    steps |= {"full_load": _load, "switching": _switch}
    with (
        botyard_with_bots(stage, peer, stage.sizes.many, turns=files.turns) as botyard,
        _probe(stage, botyard.port, files.answers),
    ):
        for name, step in steps.items():
            began = time.monotonic_ns()
            step(stage, botyard)
            phases[name] = (began, time.monotonic_ns())
    return {name: files.within(*span) for name, span in phases.items()}


class _Files:
    """Where the two processes write what they noted.

    Args:
        folder: for the files.
        name: what tells them from others.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.turns = folder / f"turns-{name}.json"
        self.answers = folder / f"probe-{name}.json"

    def within(self, began: float, ended: float) -> dict[str, dict[str, float]]:
        """How the times of a phase lie; the phase is given by moments of `time.monotonic_ns`."""
        lain = {}
        for kind, file in (("turns", self.turns), ("answers", self.answers)):
            noted = orjson.loads(file.read_bytes())
            times = [taken for moment, taken in noted if began <= moment <= ended]
            lain[kind] = spread(times, 1e6) if times else {}
        return lain


def _boot(stage: Stage, botyard: Any) -> None:
    botyard.wait_answers("/readyz")
    stage.telegram.wait_polled(stage.sizes.many, botyard.process)


def _idle(stage: Stage, _: Any) -> None:
    time.sleep(stage.sizes.window)


def _busy(stage: Stage, _: Any) -> None:
    sizes = stage.sizes
    stage.telegram.ask("load", mode="rate", bots=sizes.many, chats=1, rate=sizes.busy_rate)
    time.sleep(2 * sizes.window)
    stage.telegram.drain()


def _load(stage: Stage, _: Any) -> None:
    sizes = stage.sizes
    bots = min(sizes.talking, sizes.many)
    stage.telegram.ask("load", mode="closed", bots=bots, chats=sizes.chats, in_flight=2)
    time.sleep(2 * sizes.window)
    stage.telegram.drain()


def _switch(stage: Stage, botyard: Any) -> None:
    sizes = stage.sizes
    botyard.log_in()
    stage.telegram.ask("load", mode="rate", bots=sizes.many, chats=1, rate=sizes.switching_rate)
    for index in random.Random(2).choices(range(sizes.many), k=sizes.switches // 4):
        botyard.switch(index, False)
        botyard.switch(index, True)
    stage.telegram.drain()


def _baseline(stage: Stage) -> dict[str, dict[str, float]]:
    port, files = free_port(), _Files(stage.folder, "baseline")
    program = ["-m", "bench.turns", str(files.turns), "bench.peers.tornado_idle", str(port)]
    log = stage.folder / "tornado.log"
    with Process(program, core=TESTED_CORE, log=log), _probe(stage, port, files.answers):
        time.sleep(2 * stage.sizes.window)
    return files.within(0, math.inf)


@contextmanager
def _probe(stage: Stage, port: int, output: Path) -> Iterator[None]:
    arguments = ["-m", "bench.probe", str(port), str(output)]
    with Process(arguments, core=LOAD_CORE, log=stage.folder / "probe.log") as probe:
        yield
    wait_for("the probe's results", output.exists, timeout=5)
    del probe
