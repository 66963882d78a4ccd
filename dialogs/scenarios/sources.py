"""Where the values of variables come from, and what kinds of values come from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.messages.variables import VARIABLE
from dialogs.scenarios.conversation import Value
from dialogs.scenarios.events import FILE_KINDS
from dialogs.scenarios.problems import Path
from dialogs.scenarios.reading import as_list, read_option
from dialogs.scenarios.regex import group_names
from dialogs.scenarios.variables import type_of_answers

Document = Mapping[str, Any]

OPERATIONS = ("add", "subtract", "multiply", "divide")
_FILE, _PLACE = "AgACAgIAAxkBAAIB", {"latitude": 0.0, "longitude": 0.0}
WRITTEN: tuple[Value, ...] = ("Ann", "7", "true")  # what people may write
# By type of question: such answers. Those of the other types are files.
_ANSWERS: Mapping[str, tuple[Value, ...]] = {
    "text": WRITTEN, "email": ("ann@example.org",), "phone": ("+4915112345678",),
    "number": (7, 0.5), "date": ("2030-12-31",), "time": ("14:30",), "choices": (["Ann"],),
    "location": (_PLACE,),
}  # fmt: skip
# By type of variable: values that it may have.
_HELD: Mapping[str, tuple[Value, ...]] = {
    "text": WRITTEN, "number": (7, 0.5), "boolean": (True,), "list": (["Ann"],),
    "date": ("2030-12-31",), "time": ("14:30",), "location": (_PLACE,), "file": (_FILE,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """Something that gives a variable a value.

    Args:
        path: its place.
        name: the variable.
        kind: the type of its values; empty for those of several types.
        samples: values that may come from it.
        is_open: True if it may well have only some of the samples, as a regular expression that
            finds only numbers.
    """

    path: Path
    name: str
    kind: str
    samples: tuple[Value, ...]
    is_open: bool = False


def sources(walked: Iterable[tuple[Path, Document]], types: Mapping[str, str]) -> Iterator[Source]:
    """Return what gives variables values, except for defaults and what empties them.

    Args:
        walked: the parts of a document that fits the schema, with their places.
        types: of variables, by name.
    """
    for path, part in walked:
        for name, value in part["set"].items() if "set" in part else ():
            if value not in (None, ""):
                yield _computed((*path, "set", name), name, value, types)
        if "save" in part:
            where = (*path, "save")
            if path[-1] == "ask":
                yield _answers(where, part)
            else:
                yield from _what_came(where, part)
        for name in group_names(part["regex"]) if "regex" in part else ():
            yield Source((*path, "regex"), name, "text", WRITTEN, is_open=True)


def _answers(path: Path, ask: Document) -> Source:
    kind, name = ask["type"], ask["save"]
    if kind == "choice":
        values = tuple(read_option(one).value for one in ask.get("options", ()))
        return Source(path, name, "", values)
    return Source(path, name, type_of_answers(kind), _ANSWERS.get(kind, (_FILE,)))


def _what_came(path: Path, transition: Document) -> Iterator[Source]:
    """Return what a transition saves."""
    name = transition["save"]
    match transition:
        case {"any_of": phrases}:
            yield Source(path, name, "text", tuple(as_list(phrases)))
        case {"button": buttons}:
            yield Source(path, name, "text", tuple(as_list(buttons)))
        case {"command": _, "payload": str(payload)}:
            yield Source(path, name, "text", (payload,))
        case {"command": _, "payload": False}:
            return
        case {"command": _}:
            begins = transition.get("payload_starts_with", "")
            payloads = tuple(f"{begins}{one}" for one in WRITTEN)
            yield Source(path, name, "text", payloads, is_open=True)
        case {"regex": _}:
            yield Source(path, name, "text", WRITTEN, is_open=True)
        case {"content": kinds}:
            yield from _of_content(path, name, as_list(kinds))
        case _:  # contains and else; of what else may come, a text is what people write
            yield Source(path, name, "text", WRITTEN)


def _of_content(path: Path, name: str, kinds: list[str]) -> Iterator[Source]:
    if not {"any", "text"}.isdisjoint(kinds):
        yield Source(path, name, "text", WRITTEN)
    if "command" in kinds:
        yield Source(path, name, "text", ("/start",))
    if "contact" in kinds:
        yield Source(path, name, "text", _ANSWERS["phone"])
    if "location" in kinds:
        yield Source(path, name, "location", (_PLACE,))
    if not FILE_KINDS.isdisjoint(kinds):
        yield Source(path, name, "file", (_FILE,))


def _computed(path: Path, name: str, value: Any, types: Mapping[str, str]) -> Source:
    """Return what `set` gives a variable."""
    match value:
        case {"variable": other}:
            kind = types.get(other, "")
            samples = _HELD.get(kind, (*WRITTEN, 7, True, ["Ann"], _PLACE))
            return Source(path, name, kind, samples, is_open=True)
        case dict():
            return Source(path, name, "number", (7, 0.5))
        case str() if VARIABLE.search(value):
            return Source(path, name, "text", WRITTEN, is_open=True)
        case bool():
            return Source(path, name, "boolean", (value,))
        case str():
            return Source(path, name, "text", (value,))
    return Source(path, name, "number", (value,))
