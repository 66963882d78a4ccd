"""Botyard under load: how long switching a bot off and on takes, and whether off means off."""

from __future__ import annotations

import random
import time
from typing import Any

from bench.figures import spread
from bench.peers.launch import TITLES, botyard_with_bots, servers
from bench.stage import Stage

_IN_HAND = 3  # messages that the bot gets right before it is switched off
_WATCHED = 0.1  # seconds that a bot stays off


def run(stage: Stage) -> dict[str, Any]:
    """Switch bots off and on, one after another, while messages come to all.

    Returns:
        By database, `off_ms` and `on_ms` (count, p50, p99, max), `sent_after_off`: messages that
        a bot sent after the answer to its off, `latest_ms` of them, `unanswered` when all is over.
    """
    return {peer: _one(stage, peer) for peer in servers(stage)}


def _one(stage: Stage, peer: str) -> dict[str, Any]:
    sizes, telegram = stage.sizes, stage.telegram
    bots = sizes.switched_of
    stage.say(f"{sizes.switches} times off and on among {bots} bots under load: {TITLES[peer]}")
    offs: list[float] = []
    ons: list[float] = []
    sent, latest = 0, 0.0
    with botyard_with_bots(stage, peer, bots) as botyard:
        botyard.wait_answers("/readyz")
        telegram.wait_polled(bots, botyard.process)
        botyard.log_in()
        telegram.ask("load", mode="rate", bots=bots, chats=2, rate=sizes.switching_rate)
        time.sleep(sizes.warm_up)
        for index in random.Random(1).choices(range(bots), k=sizes.switches):
            telegram.ask("inject", bot=index, messages=_IN_HAND)
            offs.append(botyard.switch(index, False))
            answered = time.monotonic_ns()
            time.sleep(_WATCHED)
            late = telegram.ask("sent", bot=index, after=answered)
            sent += late["count"]
            latest = max(latest, late["latest_ms"])
            ons.append(botyard.switch(index, True))
        unanswered = telegram.drain()
    return {
        "off_ms": spread(offs, 0.001),
        "on_ms": spread(ons, 0.001),
        "sent_after_off": sent,
        "latest_ms": latest,
        "unanswered": unanswered,
    }
