"""Where a talk stands: plain data, which can be stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

Value = str | int | float | bool | list[str] | dict[str, float] | None
Variables = dict[str, Value]

MAX_STACK = 20  # questions that a user can go back
IDLE = timedelta(days=90)  # without an event; then a talk is forgotten, with all its variables


@dataclass(frozen=True, slots=True)
class Conversation:
    """A talk with one user. It is never changed; each step makes a new one.

    Args:
        version: of the scenario that the talk is pinned to.
        state: the state that waits; empty if the talk begins anew with the next event.
        visit: counts how often a state was entered; with the state it tells what is waited for.
        variables: by name; one that is empty may be missing.
        stack: the states that `@back` returns to, the last one first to be used.
        progress: notes on the present state: `retries`, `picked` (the chosen options), `keyboard`
            (it is still shown), `shown` (the version that the buttons were sent with), and `tap`
            (the last one, and when it was, to recognize a double tap).
    """

    version: int = 0
    state: str = ""
    visit: int = 0
    variables: Variables = field(default_factory=dict)
    stack: tuple[str, ...] = ()
    progress: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the talk as a JSON value."""
        return {
            "version": self.version, "state": self.state, "visit": self.visit,
            "variables": dict(self.variables), "stack": list(self.stack),
            "progress": dict(self.progress),
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Conversation:
        """Return the talk that `to_json` has made a value of."""
        return cls(
            version=stored["version"], state=stored["state"], visit=stored["visit"],
            variables=stored["variables"], stack=tuple(stored["stack"]),
            progress=stored["progress"],
        )  # fmt: skip
