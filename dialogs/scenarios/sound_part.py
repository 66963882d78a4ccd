"""What of a document fits the schema: the rest of its problems is found in it at once, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dialogs.scenarios.problems import Path

_NO_STATE = {"end": True}  # stands for a state that does not fit; others may lead to it


def sound_part(document: Any, broken: Iterable[Path]) -> dict[str, Any] | None:
    """Return a document without what does not fit the schema.

    Args:
        broken: the places that do not fit.

    Returns:
        A document in which every state that does not fit only ends; None if there is too little
        left to look at.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("states"), dict):
        return None
    left, states = dict(document), dict(document["states"])
    for path in broken:
        match path:
            case ["states", str(name), *_] if name in states:
                states[name] = _NO_STATE
            case ["states"]:
                return None
            case [str(field), *_]:
                left.pop(field, None)
    left["states"] = states
    left.setdefault("start", next(iter(states), ""))
    return left
