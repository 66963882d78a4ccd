"""A scenario as large as they get, in which every state has something of everything."""

from __future__ import annotations

from typing import Any

STATES = 500


def dense_scenario(states: int = STATES) -> dict[str, Any]:
    """Return a scenario whose states are all reached."""
    return {
        "start": "state_0",
        "variables": {"count": {"type": "number", "default": 0}},
        "anywhere": [{"command": "help", "say": "Tap on a button, {{user.first_name}}."}],
        "states": {f"state_{number}": _state(number, states) for number in range(states)},
    }


def _state(number: int, states: int) -> dict[str, Any]:
    following, other = f"state_{(number + 1) % states}", f"state_{(number * 7) % states}"
    counted = {"count": {"add": [{"variable": "count"}, 1]}}
    return {
        "say": {
            "text": f"State **{number}**, {{{{count}}}} steps", "format": "markdown",
            "buttons": [[{"text": "Next", "go": following}, {"text": "Other", "go": other}]],
        },
        "on": [
            {"any_of": ["next", "go on"], "set": counted, "go": following},
            {"contains": "other", "if": {"variable": "count", "at_least": 3}, "go": other},
            {"else": True, "say": "Say next, or other."},
        ],
    }  # fmt: skip
