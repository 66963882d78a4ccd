"""Servers on one PostgreSQL: what a message and idleness cost with one, with two, and before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.ensemble import ensemble
from bench.installations import Build, with_bots
from bench.measure import cpu_of
from bench.processes import ROOT, Process
from bench.scenarios import echo
from bench.stage import Stage

BEFORE, ONE, TWO = "before", "one", "two"
PAIR = ("a", "b")

Values = dict[str, dict[str, list[float]]]  # by variant and name, a value for each round


def run_echo(stage: Stage) -> Values:
    """Measure echo as the scenario of that name does, the variants in turns.

    Returns:
        By variant, what `echo.run` returns for a program; CPU time is that of both processes.
    """

    def measured(variant: str) -> dict[str, float]:
        with _running(stage, variant, stage.sizes.talking) as processes:
            return echo.measure(stage, *processes)

    return _in_turns(stage, "echo", measured)


def run_idle(stage: Stage) -> Values:
    """Watch servers whose bots get no messages, the variants in turns.

    Returns:
        By variant, `percent` of a core, of both processes together.
    """
    seconds = stage.sizes.idle

    def measured(variant: str) -> dict[str, float]:
        with _running(stage, variant, stage.sizes.many) as processes:
            time.sleep(stage.sizes.settle)
            before = cpu_of(processes)
            time.sleep(seconds)
            return {"percent": 100 * (cpu_of(processes) - before) / seconds}

    return _in_turns(stage, "idle", measured)


def _in_turns(stage: Stage, what: str, measured: Callable[[str], dict[str, Any]]) -> Values:
    variants = [*([BEFORE] if stage.before else []), ONE, TWO]
    results: Values = {variant: {} for variant in variants}
    for number in range(stage.sizes.rounds):
        # the other way round each second time: neither is always the one that comes later
        for variant in variants if number % 2 == 0 else reversed(variants):
            stage.say(f"servers, {what}, round {number + 1}: {variant}")
            for name, value in measured(variant).items():
                results[variant].setdefault(name, []).append(value)
    return results


@contextmanager
def _running(stage: Stage, variant: str, bots: int) -> Iterator[list[Process]]:
    """Run the process or processes of a variant, all bots polling."""
    if variant == TWO:
        with ensemble(stage, PAIR, bots) as servers:
            yield servers.processes
        return
    checkout = (stage.before or ROOT) if variant == BEFORE else ROOT
    build = Build(on=stage.postgresql, checkout=checkout)
    with with_bots(stage, bots, build=build) as botyard:
        stage.telegram.wait_polled(bots, botyard.process)
        yield [botyard.process]
