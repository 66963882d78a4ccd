"""The variables of a document: who sets them, who uses them, and their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialogs.messages.variables import VARIABLE
from dialogs.scenarios.conversation import Value
from dialogs.scenarios.events import ABOUT
from dialogs.scenarios.expressions import MAX_TEXT, number
from dialogs.scenarios.problems import Path
from dialogs.scenarios.regex import group_names
from dialogs.scenarios.showing import show

Document = Mapping[str, Any]

MAX_VARIABLES = 100
MAX_ENTRIES = 100  # of a list
NOW = {
    "now": "date and time, such as 2030-12-31 14:30",
    "now.date": "the date, such as 2030-12-31",
    "now.time": "the time, such as 14:30",
    "now.hour": "the hour, 0 to 23",
    "now.weekday": "the day of the week, 1 for Monday to 7",
}
BUILT_IN = {**ABOUT, **NOW}
# The types of variables, in words.
KINDS = {
    "text": "a text", "number": "a number", "boolean": "true or false", "list": "a list",
    "date": "a date", "time": "a time", "location": "a location", "file": "a file",
}  # fmt: skip
_OF_QUESTIONS = {
    "number": "number", "date": "date", "time": "time", "choices": "list", "location": "location",
    "photo": "file", "video": "file", "audio": "file", "voice": "file", "document": "file",
    "file": "file",
}  # fmt: skip


def variable_types(document: Document) -> dict[str, str]:
    """Return the types of the variables that are declared or follow from a question."""
    types: dict[str, str] = {}
    for state in document["states"].values():
        if "ask" in state and "save" in state["ask"]:
            kind = state["ask"]["type"]
            if kind != "choice":  # its values are texts and numbers
                types.setdefault(state["ask"]["save"], type_of_answers(kind))
    declared = document.get("variables", {})
    return {**types, **{name: one["type"] for name, one in declared.items()}}


def type_of_answers(kind: str) -> str:
    """Return the type of a variable that keeps the answers to questions of a type."""
    return _OF_QUESTIONS.get(kind, "text")


def kept_names(document: Document) -> list[str]:
    """Return the variables that keep their values when a talk begins anew."""
    declared = document.get("variables", {})
    return [name for name, one in declared.items() if one.get("keep")]


def fit(value: Value, kind: str) -> Value:
    """Return a value as a variable of a type takes it, cut to the greatest size.

    Args:
        kind: the type; empty for a variable without one.

    Returns:
        None if the value is empty, or is none of this type.
    """
    match value:
        case None | "":
            return None
        case str() if kind in {"", "text", "date", "time", "file"}:
            return value[:MAX_TEXT]
        case str() if kind == "boolean":
            return {"true": True, "false": False}.get(value.lower())
        case bool():
            return value if kind in {"", "boolean"} else None
        case int() | float() | str() if kind == "number":
            return number(value)
        case int() | float() if kind in {"", "text"}:
            return show(value, "", "en") if kind else value  # without an exponent
        case list() if kind in {"", "list"}:
            return _short_list(value)
        case str() | int() | float() if kind == "list":
            return [str(value)[:MAX_TEXT]]
        case dict() if kind in {"", "location"}:
            return value
    return None


def _short_list(value: list[str]) -> list[str]:
    """Return as many entries as have the size of one value together."""
    kept: list[str] = []
    left = MAX_TEXT
    for one in value[:MAX_ENTRIES]:
        left -= len(one)
        if left < 0:
            break
        kept.append(one)
    return kept


def set_names(document: Document) -> set[str]:
    """Return the names of all variables that something declares, sets or saves to."""
    found = set(document.get("variables", {}))
    for _, part in parts(document):
        found |= part.get("set", {}).keys()
        if "save" in part:
            found.add(part["save"])
        found |= {*group_names(part.get("regex", ""))}
    return found


def used_names(document: Document) -> Iterator[tuple[Path, str]]:
    """Return the variables that texts, values and conditions use, with their places."""
    for name, text in document.get("texts", {}).items():
        yield from ((("texts", name), one) for one in names_in(text))
    for path, part in parts(document):
        for field in ("say", "retry", "options"):
            if field in part:
                yield from _places_of_names(part[field], (*path, field))
        for name, value in part.get("set", {}).items():
            yield from (((*path, "set", name), one) for one in _operands(value))
        if "if" in part:
            yield from (((*path, "if"), one) for one in _operands(part["if"]))


def parts(document: Document) -> Iterator[tuple[Path, Document]]:
    """Return the states, questions, transitions and branches of a document, with their places."""
    for path, part in _without_branches(document):
        yield path, part
        if isinstance(go := part.get("go"), list):
            yield from (((*path, "go", index), one) for index, one in enumerate(go))


def _without_branches(document: Document) -> Iterator[tuple[Path, Document]]:
    for index, one in enumerate(document.get("anywhere", ())):
        yield ("anywhere", index), one
    for name, state in document["states"].items():
        yield ("states", name), state
        for index, one in enumerate(state.get("on", ())):
            yield ("states", name, "on", index), one
        if "ask" in state:
            question = state["ask"]
            yield ("states", name, "ask"), question
            if "after_retries" in question:
                yield ("states", name, "ask", "after_retries"), question["after_retries"]
            for index, one in enumerate(question.get("on", ())):
                yield ("states", name, "ask", "on", index), one


def transition_lists(document: Document) -> Iterator[tuple[Path, list[Document], bool]]:
    """Return the lists of transitions, with their places, and whether `else` is used in them."""
    yield ("anywhere",), document.get("anywhere", []), True
    for name, state in document["states"].items():
        yield ("states", name, "on"), state.get("on", []), True
        yield ("states", name, "ask", "on"), state.get("ask", {}).get("on", []), False


def messages(document: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Return what is said, each message with its place."""
    if isinstance(document, list):
        yield from (((*path, index), one) for index, one in enumerate(document))
    else:
        yield path, document


def buttons(message: Any, path: Path) -> Iterator[tuple[Path, Document]]:
    """Return the buttons below a message, with their places."""
    rows = message.get("buttons", ()) if isinstance(message, dict) else ()
    for line, row in enumerate(rows):
        for index, button in enumerate(row):
            yield (*path, "buttons", line, index), button


def _operands(document: Any) -> Iterator[str]:
    """Return the variables in a value that is computed, or in a condition."""
    match document:
        case str():
            yield from names_in(document)
        case list():
            for one in document:
                yield from _operands(one)
        case dict():
            for name, one in document.items():
                if name == "variable":
                    yield one
                else:
                    yield from _operands(one)


def names_in(document: Any) -> Iterator[str]:
    """Return the variables in all texts of a value, such as a message."""
    return (name for _, name in _places_of_names(document, ()))


def _places_of_names(document: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Return the variables in all texts of a value, with their places."""
    match document:
        case str() if "{{" in document:
            yield from ((path, found[1]) for found in VARIABLE.finditer(document))
        case list():
            for index, one in enumerate(document):
                yield from _places_of_names(one, (*path, index))
        case dict():
            for name, one in document.items():
                if name != "go":  # of a button: it is not filled
                    yield from _places_of_names(one, (*path, name))
