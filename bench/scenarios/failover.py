"""Three servers, one of which is killed: how long its bots are polled by nobody."""

from __future__ import annotations

import time

from bench.ensemble import Ensemble, ensemble
from bench.measure import cpu_of
from bench.processes import ALL_CORES, Timeout
from bench.stage import Stage

_NAMES = ("a", "b", "c")
_LOOK = 0.02  # seconds between two looks at the list of processes
_ASK = 0.1  # the same for the polls, whose moments the stand-in notes
_LONG = 60.0  # seconds after which a bot is not waited for any more


def run(stage: Stage) -> dict[str, list[float]]:
    """Kill a process in each round.

    Returns:
        Lists with one value a round, in seconds from the kill on: `detected`, its bots are free;
        `first`, `p50` and `last`: so many of them were polled by another process; `start` from
        `detected` to `last`; `cores`: how many the two that live used in that time.
    """
    results: dict[str, list[float]] = {}
    killed = stage.sizes.killed
    for number in range(stage.sizes.rounds):
        stage.say(f"servers, failover of {killed} of {3 * killed} bots, round {number + 1}")
        for name, value in _one(stage).items():
            results.setdefault(name, []).append(value)
    return results


def _one(stage: Stage) -> dict[str, float]:
    bots = len(_NAMES) * stage.sizes.killed
    with ensemble(stage, _NAMES, bots, core=ALL_CORES, prepared_active=False) as servers:
        stage.telegram.ask("delay", seconds=stage.sizes.delay)
        time.sleep(stage.sizes.settle)
        orphans = servers.bots_of(_NAMES[0])
        killed_at = time.monotonic_ns()
        servers.servers[_NAMES[0]].process.kill()
        detected = _wait_detected(servers, killed_at)
        cpu = cpu_of(servers.processes)
        polled = _wait_polled(stage, servers, orphans, killed_at)
        cpu = cpu_of(servers.processes) - cpu
    start = polled["last_s"] - detected
    return {
        "detected": detected,
        "first": polled["first_s"],
        "p50": polled["p50_s"],
        "last": polled["last_s"],
        "start": start,
        "cores": cpu / start,
    }


def _since(moment: int) -> float:
    return (time.monotonic_ns() - moment) / 1e9


def _wait_detected(servers: Ensemble, killed_at: int) -> float:
    """Wait until the killed process is off the list.

    Returns:
        Seconds since it was killed.
    """
    while servers.is_member(_NAMES[0]):
        if _since(killed_at) > _LONG:
            raise Timeout(f"nobody found the killed process dead within {_LONG:.0f} s")
        time.sleep(_LOOK)
    return _since(killed_at)


def _wait_polled(
    stage: Stage, servers: Ensemble, orphans: list[int], killed_at: int
) -> dict[str, float]:
    """Wait until each bot was polled again.

    Returns:
        The stand-in's answer to `polled`.
    """
    while True:
        answer = stage.telegram.ask("polled", bots=orphans, after=killed_at)
        for process in servers.processes:
            process.check()
        if answer["count"] == len(orphans):
            return answer
        if _since(killed_at) > _LONG:
            raise Timeout(f"{answer['count']} of {len(orphans)} bots are polled again")
        time.sleep(_ASK)
