"""Small scenarios, and what is said in them."""

from __future__ import annotations

from typing import Any

from dialogs.scenarios import Scenario, load
from dialogs.scenarios.simulation import Simulation, simulate


def made(states: dict[str, Any], start: str = "", **others: Any) -> Scenario:
    """Return a scenario; it starts in its first state."""
    return load({"start": start or next(iter(states)), "states": states, **others})


def waiting(*on: dict[str, Any], say: Any = "?") -> Scenario:
    """Return a scenario with one state and its transitions, and two states to go to."""
    states = {
        "first": {"say": say, "on": list(on)},
        "yes": {"say": "YES", "end": True},
        "no": {"say": "NO", "end": True},
    }
    return made(states)


def asking(**question: Any) -> Scenario:
    """Return a scenario with one question, saved to x and shown."""
    return made({
        "first": {"say": "?", "ask": {"save": "x", "go": "shown", **question}},
        "shown": {"say": "[{{x}}]", "end": True},
        "lost": {"say": "LOST", "end": True},
    })  # fmt: skip


def last(scenario: Scenario, *events: Any) -> list[str]:
    """Return what the bot says to the last of several events, after a first one."""
    return simulate(scenario, ["x", *events]).replies[-1]


def buttons(played: Simulation) -> list[str]:
    """Return the texts of the buttons that were shown last."""
    rows = next(one["buttons"] for one in reversed(played.transcript) if "buttons" in one)
    return [button["text"] for row in rows for button in row]
