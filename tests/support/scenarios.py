"""Small scenarios, and what is said in them."""

from __future__ import annotations

from typing import Any

from dialogs.scenarios import Scenario, load
from dialogs.scenarios.simulation import Simulation, simulate


def document(states: dict[str, Any], start: str = "", **others: Any) -> dict[str, Any]:
    """Return the document of a scenario; it starts in its first state."""
    return {"start": start or next(iter(states)), "states": states, **others}


def made(states: dict[str, Any], start: str = "", **others: Any) -> Scenario:
    """Return a scenario; it starts in its first state."""
    return load(document(states, start, **others))


def waiting(*on: dict[str, Any], say: Any = "?") -> Scenario:
    """Return a scenario with one state and its transitions, and two states to go to."""
    return made(states_with(*on, say=say))


def states_with(*on: dict[str, Any], say: Any = "?") -> dict[str, Any]:
    """Return one state with its transitions, and two states to go to."""
    return {
        "first": {"say": say, "on": list(on)},
        "yes": {"say": "YES", "end": True},
        "no": {"say": "NO", "end": True},
    }


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
