"""Echo through many bots: CPU a message, and messages a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bench.measure import cpu_of, cpu_seconds
from bench.peers.launch import TITLES, running
from bench.processes import Process
from bench.stage import Stage


def run(stage: Stage) -> dict[str, Any]:
    """Measure every program once a round, one after another.

    Returns:
        By program, lists with one value a round: `per_second` and `cpu_ms` with as many messages
        as are answered, `cpu_ms_at_rate` at a fixed rate, `p50_ms` and `p99_ms` at that rate,
        `standin_share` of its core that the stand-in used, `lost`, `wrong`.
    """
    results: dict[str, dict[str, list[float]]] = {peer: {} for peer in stage.peers}
    for number in range(stage.sizes.rounds):
        for peer in stage.peers:
            stage.say(f"echo, round {number + 1}: {TITLES[peer]}")
            for name, value in _one(stage, peer).items():
                results[peer].setdefault(name, []).append(value)
    return results


def _one(stage: Stage, peer: str) -> dict[str, float]:
    with running(stage, peer, stage.sizes.talking) as process:
        return measure(stage, process)


def measure(stage: Stage, *processes: Process) -> dict[str, float]:
    """Measure programs whose bots poll, the `talking` ones of the sizes in all.

    Args:
        stage: the run.
        processes: share the bots; their CPU time is added up.

    Returns:
        A value for each name that `run` tells.
    """
    sizes, telegram = stage.sizes, stage.telegram
    telegram.ask("load", mode="closed", bots=sizes.talking, chats=sizes.chats, in_flight=2)
    full = _window(stage, processes)
    lost = telegram.drain()
    telegram.ask("load", mode="rate", bots=sizes.talking, chats=sizes.chats, rate=sizes.rate)
    at_rate = _window(stage, processes)
    lost += telegram.drain()
    wrong = telegram.ask("state")["wrong"]
    return {
        "per_second": full["answered"] / full["seconds"],
        "cpu_ms": 1000 * full["cpu"] / full["answered"],
        "core_share": full["cpu"] / full["seconds"],
        "standin_share": full["standin_cpu"] / full["seconds"],
        "cpu_ms_at_rate": 1000 * at_rate["cpu"] / at_rate["answered"],
        "p50_ms": at_rate["p50_ms"],
        "p99_ms": at_rate["p99_ms"],
        "lost": lost,
        "wrong": wrong,
    }


def _window(stage: Stage, processes: Sequence[Process]) -> dict[str, float]:
    """Watch programs under the load that is on now."""
    time.sleep(stage.sizes.warm_up)
    standin = stage.telegram.process.pid
    before, standin_before = cpu_of(processes), cpu_seconds(standin)
    stage.telegram.ask("begin")
    time.sleep(stage.sizes.window)
    window = stage.telegram.ask("window")
    for process in processes:
        process.check()
    return {
        **window,
        "cpu": cpu_of(processes) - before,
        "standin_cpu": cpu_seconds(standin) - standin_before,
    }
