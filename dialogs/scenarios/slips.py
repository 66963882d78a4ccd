"""What was meant by common slips that are far from what is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogs.messages.problems import Path

_FIELDS: Mapping[str, str] = {
    "greater": "more", "greater_than": "more", "more_than": "more", "gt": "more",
    "less_than": "less", "lower": "less", "smaller": "less", "lt": "less",
    "equal": "equals", "is": "equals", "goto": "go", "next": "go", "question": "ask",
}  # fmt: skip
_TYPES: Mapping[str, str] = {
    "integer": "number", "int": "number", "float": "number", "decimal": "number",
    "string": "text", "str": "text", "bool": "boolean", "array": "list", "buttons": "choice",
    "select": "choice", "image": "photo", "address": "text", "name": "text",
}  # fmt: skip
_TEXTS = {"text", "message", "msg"}
_MARKUPS = {"buttons", "keyboard", "media", "photo"}
_AROUND = {"scenario", "document", "draft", "content"}
_MESSAGE = 'They belong to the message: "say": {"text": "…", "buttons": [[…]]}.'
# Fields that cannot be left out, or only with others, by name: what to do with an empty one.
_ADD: Mapping[str, str] = {
    "options": "Add an option.", "turns": "Add a turn.", "states": "Add a state.",
    "go": "Add a branch, or name a state.", "one_of": "Add a value.", "and": "Add a condition.",
    "or": "Add a condition.",
} | dict.fromkeys(
    ("name", "description", "text", "say", "any_of", "contains", "regex", "command", "button",
     "content", "to", "from"), "Write something in it.",
)  # fmt: skip


def meant_field(path: Path, value: Any, known: list[str]) -> str:
    """Return what was meant by a field that is not known, as a sentence; empty for no guess.

    Args:
        path: its place.
        known: the fields that there are.
    """
    name = str(path[-1])
    if len(path) == 3 and path[0] == "states":
        if name in _TEXTS:
            return 'What a state says is its "say".'
        if name in _MARKUPS:
            return _MESSAGE
    if len(path) == 1 and name in _AROUND and isinstance(value, dict):
        return f'Send what is inside "{name}", without "{name}" around it.'
    meant = _FIELDS.get(name.lower(), "")
    return f'Did you mean "{meant}"?' if meant in known else ""


def meant_choice(value: Any, choices: list[str]) -> str:
    """Return which of the values that can be was meant; empty for no guess."""
    meant = _TYPES.get(value.lower(), "") if isinstance(value, str) else ""
    return meant if meant in choices else ""


def meant_form(path: Path, value: Any) -> str:
    """Return how a value of the wrong type is written, as a sentence; empty for no guess."""
    match path, value:
        case ("states",), list():
            return 'Write each state by its name: {"hello": {"say": "Hi!", "end": true}}.'
        case (*_, "ask"), str():
            return (
                'Write the text in "say", and the type of the answer here, such as '
                '{"type": "text", "save": "name", "go": "next"}.'
            )
        case ("turns", int(), "bot"), str():
            return "Put it in square brackets: the bot may say several texts."
        case (*_, "say" | "retry") | (*_, "say" | "retry", int()), bool() | int() | float():
            return "Put it in quotes."
    return ""


def meant_name(path: Path, value: str) -> str:
    """Return what is wrong with a name, as the end of a sentence; empty for no guess."""
    if path[-1] == "command" or path[-2:-1] == ("command",):
        if value[:1] == "/":
            return "has a slash. Leave it out."
    elif path == ("start",) or (len(path) == 2 and path[0] == "states"):
        return (
            "has a name that cannot be used: names of states have only Latin letters, digits and "
            "_, at most 32, and begin with no digit. Rename it. What people read may be in any "
            "language."
        )
    return ""


def way_out_of_empty(path: Path) -> str:
    """Return what to do with something that is empty, as a sentence."""
    return _ADD.get(str(path[-1]) if path else "", "Write something in it, or remove it.")
