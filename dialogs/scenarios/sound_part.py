"""What of a document fits the schema: the rest of its problems is found in it at once, too.

As little as possible is cut out, and something harmless stands in its place, so that what is left
keeps its places and has no problems that are only a consequence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialogs.scenarios.problems import Path
from dialogs.scenarios.scenario import Match
from dialogs.scenarios.schema import SCENARIO
from dialogs.scenarios.sound_messages import cut_said

_MATCHERS = [one.value for one in Match]
_KINDS = ("ask", "on", "go", "end")  # of states: each has one of them
_FIELDS = SCENARIO["properties"]
_OF_STATES = SCENARIO["$defs"]["state"]["properties"]
_OF_TRANSITIONS = SCENARIO["$defs"]["transition"]["properties"]
_OF_QUESTIONS = SCENARIO["$defs"]["question"]["properties"]
_OF_ALL_QUESTIONS = ("save", "retry", "after_retries", "on", "set", "tag", "untag", "go", "end")


@dataclass(slots=True)
class SoundPart:
    """A document without what does not fit the schema.

    Args:
        uncaught: the states that may have lost a transition that catches a button; with an empty
            name, all have.
    """

    document: dict[str, Any]
    uncaught: set[str] = field(default_factory=set)


def sound_part(document: Any, broken: Iterable[Path]) -> SoundPart | None:
    """Return what is left of a document.

    Args:
        document: a value that can be written as JSON.
        broken: the places that do not fit.

    Returns:
        None if there is too little left to look at.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("states"), dict):
        return None
    part = SoundPart(json.loads(json.dumps(document)))
    for path in sorted({*broken}, key=len, reverse=True):  # what is inside something comes before
        if path == ("states",):
            return None
        _cut(part, path)
    part.document.setdefault("start", next(iter(part.document["states"]), ""))
    return part


def cut_states(part: SoundPart, broken: Iterable[Path]) -> None:
    """Cut out the whole states and fields that still do not fit."""
    for path in broken:
        match path:
            case ["states", str(name), *_]:
                part.document["states"][name] = {"on": []}
                part.uncaught.add(name)
            case [str(name), *_]:
                part.document.pop(name, None)
                part.uncaught.add("")


def _cut(part: SoundPart, path: Path) -> None:
    document = part.document
    match path:
        case ["anywhere", int(index), *rest]:
            _cut_transition(part, "", document["anywhere"], index, rest)
        case ["states", str(name), *rest]:
            _cut_in_state(part, name, rest)
        case ["variables" | "words" | "texts" as owner, str(name), *_]:
            document[owner].pop(name, None)
        case ["commands", int(index), *_]:
            document["commands"][index] = {"command": f"command_{index}", "description": "…"}
        case [str(name), *_]:
            document.pop(name, None)
            if name == "anywhere" or name not in _FIELDS:
                part.uncaught.add("")


def _cut_in_state(part: SoundPart, name: str, path: list[Any]) -> None:
    states = part.document["states"]
    state = states[name]
    if not isinstance(state, dict):
        states[name] = {"on": []}
        part.uncaught.add(name)
        return
    match path:
        case ["on", int(index), *rest]:
            _cut_transition(part, name, state["on"], index, rest)
        case ["ask", "on", int(index), *rest] if isinstance(state["ask"]["on"], list):
            _cut_transition(part, name, state["ask"]["on"], index, rest)
        case ["ask", *rest]:
            _cut_question(part, name, state, rest)
        case ["go", *_]:  # a way that leads nowhere would be an endless loop
            state.pop("go", None)
            state["end"] = True
        case [str(), *_]:
            _cut_field(state, path)
    if path and (path == ["on"] or path[0] not in _OF_STATES):
        part.uncaught.add(name)
    given = [kind for kind in _KINDS if kind in state]
    for kind in given[1:]:
        del state[kind]
    if len(given) != 1:
        part.uncaught.add(name)
    if not given:
        state["on"] = []  # its buttons may be meant for that
    if "ask" in state:
        state.setdefault("say", "…")


def _cut_transition(
    part: SoundPart, owner: str, transitions: list[Any], index: int, path: list[Any]
) -> None:
    """Cut a field out of a transition, or what it looks at.

    Args:
        owner: its state; empty for one of anywhere.
    """
    one = transitions[index]
    if not isinstance(one, dict):
        transitions[index] = {"content": "other"}
        part.uncaught.add(owner)
        return
    is_known = any(name in one for name in _MATCHERS)
    if "button" in one and (not path or path[0] == "button"):
        part.uncaught.add(owner)
    if not is_known or (path and path[0] not in _OF_TRANSITIONS):
        part.uncaught.add(owner)
    if path:
        _cut_field(one, path)
    matchers = [name for name in _MATCHERS if name in one]
    if len(matchers) != 1:
        for name in matchers:
            del one[name]
        one["content"] = "other"
    if "command" not in one:
        one.pop("payload", None)
        one.pop("payload_starts_with", None)
    if "go" in one:
        one.pop("end", None)


def _cut_question(part: SoundPart, name: str, state: dict[str, Any], path: list[Any]) -> None:
    """Cut a field out of a question; without its type or options it becomes one for a text."""
    ask = state["ask"]
    if not isinstance(ask, dict):
        state["ask"] = {"type": "text", "end": True}
        part.uncaught.add(name)
        return
    match path:
        case ["options", int(index), *_] if isinstance(ask["options"], list):
            ask["options"][index] = f"Option {index}, which does not fit"
        case ["after_retries", "count"]:
            ask["after_retries"]["count"] = 1
        case ["after_retries", "go", *_]:
            ask["after_retries"]["go"] = "@stay"
        case [str(), *_]:
            _cut_field(ask, path)
            if path == ["on"]:
                part.uncaught.add(name)
    is_unknown = bool(path) and path[0] not in _OF_QUESTIONS
    if is_unknown:
        part.uncaught.add(name)
    if is_unknown or "type" not in ask or path == ["options"]:
        kept = {one: ask[one] for one in _OF_ALL_QUESTIONS if one in ask}
        state["ask"] = ask = {"type": "text", **kept}
    if "go" in ask:
        ask.pop("end", None)
    else:
        ask["end"] = True


def _cut_field(part: dict[str, Any], path: list[Any]) -> None:
    """Cut a field out of a state, a question or a transition, or something in it."""
    value = part.get(path[0])
    match path:
        case ["say" | "retry" as name, *rest] if name in part:
            part[name] = cut_said(value, rest)
        case ["set", str(name), *_] if isinstance(value, dict) and len(value) > 1:
            value.pop(name, None)
        case ["go", int(index), *_] if isinstance(value, list):
            condition = {} if index == len(value) - 1 else {"if": {"variable": "now"}}
            value[index] = {**condition, "to": "@stay"}
        case _:
            part.pop(path[0], None)
