"""Botyard with many active bots in its database: the boot, then idleness."""

from __future__ import annotations

import time
from typing import Any

from bench.measure import cpu_seconds, open_files, rss_bytes
from bench.peers.launch import TITLES, botyard_with_bots, servers
from bench.stage import Stage

_SETTLE = 2.0  # seconds from ready to the begin of idleness


def run(stage: Stage) -> dict[str, Any]:
    """Boot with one bot and with many, then watch the many idle.

    Returns:
        By database, `healthz_s` and `readyz_s` since the process was started, `cpu_ms_bot` for
        the start of a bot and `rss_kb_bot` (both against a boot with one bot), `idle_percent` of
        a core, `rss_mb`, `files` that are open.
    """
    return {peer: _one(stage, peer) for peer in servers(stage)}


def _one(stage: Stage, peer: str) -> dict[str, float]:
    many = stage.sizes.many
    stage.say(f"boot with 1 bot: {TITLES[peer]}")
    one = _boot(stage, peer, 1, idle=0.0)
    stage.say(f"boot with {many} bots (first they are added over HTTP), then idle: {TITLES[peer]}")
    all_bots = _boot(stage, peer, many, idle=stage.sizes.idle)
    return {
        **all_bots,
        "cpu_ms_bot": 1000 * (all_bots["cpu_s"] - one["cpu_s"]) / (many - 1),
        "rss_kb_bot": 1024 * (all_bots["rss_mb"] - one["rss_mb"]) / (many - 1),
    }


def _boot(stage: Stage, peer: str, bots: int, *, idle: float) -> dict[str, float]:
    with botyard_with_bots(stage, peer, bots) as botyard:
        healthz = botyard.wait_answers("/healthz")
        readyz = botyard.wait_answers("/readyz")
        stage.telegram.wait_polled(bots, botyard.process)
        pid = botyard.process.pid
        cpu = cpu_seconds(pid)
        time.sleep(_SETTLE)
        before = cpu_seconds(pid)
        time.sleep(idle)
        return {
            "healthz_s": healthz,
            "readyz_s": readyz,
            "cpu_s": cpu,
            "idle_percent": 100 * (cpu_seconds(pid) - before) / idle if idle else 0.0,
            "rss_mb": rss_bytes(pid) / 2**20,
            "files": open_files(pid),
        }
