"""Switching bots through another process than the one that runs them."""

from __future__ import annotations

import random
from typing import Any

from bench.ensemble import Ensemble, ensemble
from bench.figures import spread
from bench.scenarios.servers import PAIR
from bench.stage import Stage


def run(stage: Stage) -> dict[str, Any]:
    """Switch bots of one process off and on, through it and through the other one in turns.

    Returns:
        `itself` and `another`, each with `off_ms` and `on_ms` (count, p50, p99, max); `moved`:
        bots that were given free between off and on, and whose on is not counted.
    """
    sizes = stage.sizes
    stage.say(f"servers: {sizes.switches} times off and on, through each of two processes")
    with ensemble(stage, PAIR, sizes.switched_of) as servers:
        for server in servers.servers.values():
            server.log_in()
        return _switch(servers, sizes.switches)


def _switch(servers: Ensemble, times: int) -> dict[str, Any]:
    home, other = PAIR
    ways = {"itself": home, "another": other}
    taken: dict[str, dict[str, list[float]]] = {way: {"off": [], "on": []} for way in ways}
    moved = 0
    theirs = servers.bots_of(home)
    chosen = random.Random(3)
    for _ in range(times):
        for way, name in ways.items():
            index = chosen.choice(theirs)
            through = servers.servers[name]
            taken[way]["off"].append(through.switch(index, False))
            # a bot that is off is set free every few seconds: whoever switches it on runs it then
            if servers.runs(home, index):
                taken[way]["on"].append(through.switch(index, True))
            else:
                servers.servers[home].switch(index, True)
                moved += 1
    return {
        way: {f"{name}_ms": spread(values, 0.001) for name, values in found.items()}
        for way, found in taken.items()
    } | {"moved": moved}
