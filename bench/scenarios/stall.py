"""The longest time for which Botyard's event loop did not answer, seen from outside."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench.botyard import free_port, with_bots
from bench.measure import spread
from bench.processes import LOAD_CORE, TESTED_CORE, Process, wait_for
from bench.stage import Stage


def run(stage: Stage) -> dict[str, Any]:
    """Probe /healthz during a boot, at rest, busy, under full load and while bots are switched.

    Returns:
        By phase, the times of answers in ms (count, p50, p99, max); `baseline` is an idle Tornado
        server that does nothing.
    """
    stage.say("longest stall: an idle Tornado server for comparison")
    results = {"baseline": _baseline(stage)}
    stage.say("longest stall: Botyard's boot, idleness, load and switching")
    output = stage.folder / "probe-botyard.json"
    phases: dict[str, tuple[int, int]] = {}
    steps = {"boot": _boot, "idle": _idle, "busy": _busy}
    steps |= {"full_load": _load, "switching": _switch}
    with (
        with_bots(stage.telegram, stage.folder, stage.sizes.many) as botyard,
        _probe(stage, botyard.port, output),
    ):
        for name, step in steps.items():
            began = time.monotonic_ns()
            step(stage, botyard)
            phases[name] = (began, time.monotonic_ns())
    noted = orjson.loads(output.read_bytes())
    for name, (began, ended) in phases.items():
        times = [taken for moment, taken in noted if began <= moment <= ended]
        results[name] = spread(times, 1e6) if times else {}
    return results


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
    bots = min(sizes.bots, sizes.many)
    stage.telegram.ask("load", mode="closed", bots=bots, chats=sizes.chats, in_flight=1)
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


def _baseline(stage: Stage) -> dict[str, float]:
    port, output = free_port(), stage.folder / "probe-baseline.json"
    script = str(Path(__file__).parent.parent / "peers" / "tornado_idle.py")
    log = stage.folder / "tornado.log"
    with Process([script, str(port)], core=TESTED_CORE, log=log), _probe(stage, port, output):
        time.sleep(2 * stage.sizes.window)
    return spread([taken for _, taken in orjson.loads(output.read_bytes())], 1e6)


@contextmanager
def _probe(stage: Stage, port: int, output: Path) -> Iterator[None]:
    arguments = ["-m", "bench.probe", str(port), str(output)]
    with Process(arguments, core=LOAD_CORE, log=stage.folder / "probe.log") as probe:
        yield
    wait_for("the probe's results", output.exists, timeout=5)
    del probe
