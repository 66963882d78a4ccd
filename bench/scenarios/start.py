"""What a bot costs: CPU to start it, and memory while it runs."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from bench.figures import median
from bench.measure import cpu_seconds, rss_bytes
from bench.peers.launch import TITLES, running
from bench.stage import Stage

_SETTLE = 0.5  # seconds between the last bot's first poll and the look at memory


class _Cost(NamedTuple):
    cpu: float  # seconds
    rss: int  # bytes


def run(stage: Stage) -> dict[str, Any]:
    """Start every program with one bot and with many; the difference is what the bots cost.

    Returns:
        By program, `cpu_ms` and `rss_kb` a bot, and `rss_mb_one`: the whole process with one bot.
        CPU from the least of all rounds, since noise only ever adds to it; memory is the median.
    """
    results: dict[str, Any] = {}
    many = stage.sizes.bots
    for peer in stage.peers:
        stage.say(f"start of 1 and of {many} bots: {TITLES[peer]}")
        ones: list[_Cost] = []
        all_bots: list[_Cost] = []
        for _ in range(stage.sizes.rounds):
            ones.append(_cost(stage, peer, 1))
            all_bots.append(_cost(stage, peer, many))
        cpu = min(cost.cpu for cost in all_bots) - min(cost.cpu for cost in ones)
        rss_one = median(cost.rss for cost in ones)
        rss = median(cost.rss for cost in all_bots) - rss_one
        results[peer] = {
            "cpu_ms": 1000 * cpu / (many - 1),
            "rss_kb": rss / 1024 / (many - 1),
            "rss_mb_one": rss_one / 2**20,
        }
    return results


def _cost(stage: Stage, peer: str, bots: int) -> _Cost:
    """CPU seconds and bytes of a process that has this many bots polling."""
    with running(stage, peer, bots) as process:
        cpu = cpu_seconds(process.pid)
        time.sleep(_SETTLE)
        return _Cost(cpu, rss_bytes(process.pid))
