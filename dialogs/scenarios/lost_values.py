"""Values that are lost without a word: saved to a variable of another type, or added to a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dialogs.messages.wording import listed
from dialogs.scenarios.expressions import NoValue, number
from dialogs.scenarios.problems import Code, Path, Problem, begin, place, warning
from dialogs.scenarios.sources import OPERATIONS, WRITTEN, Source, sources
from dialogs.scenarios.variables import BUILT_IN, KINDS, fit, parts, variable_types

Document = Mapping[str, Any]

_ASKED = {"number", "date", "time", "location"}  # types of variables and of questions
_NO_NUMBERS = {"now", "now.date", "now.time", "chat.type"}  # of the built-in values
_MAX_TOLD = 3  # values in a sentence


def lost_values(document: Document) -> Iterator[Problem]:
    """Warn of values that no variable keeps, and of sums that cannot be computed.

    Args:
        document: one that fits the schema.
    """
    types = variable_types(document)
    walked = [*parts(document)]
    if not types and not any("set" in part for _, part in walked):
        return
    found = [*sources(walked, types)]
    for source in found:
        if source.name in types:
            yield from _unsaved(document, source, types[source.name])
    yield from _not_added(document, walked, found, types)


def _unsaved(document: Document, source: Source, kind: str) -> Iterator[Problem]:
    lost = [one for one in source.samples if fit(one, kind) is None]
    if not lost or (source.is_open and len(lost) < len(source.samples)):
        return
    name, wanted = source.name, KINDS[kind]
    is_declared = name in document.get("variables", {})
    why = f"is {wanted}" if is_declared else f"is {wanted} by the question that saves to it first"
    if len(lost) == len(source.samples):
        given, then = KINDS.get(source.kind, "a value of another type"), "it is never saved."
    elif source.samples is WRITTEN:
        given = "any text"
        then = f'what is not {wanted} is not saved, and "{name}" is empty then.'
    else:
        given = listed([str(one) for one in lost[:_MAX_TOLD]])
        then = f'that is not saved, and "{name}" is empty then.'
    sentence = f'{begin(place(source.path))} gives {given} to "{name}", which {why}: {then}'
    yield warning(source.path, Code.VALUE_NOT_SAVED, f"{sentence} {_way_out(source, kind)}")


def _way_out(source: Source, kind: str) -> str:
    ways = []
    if source.path[-2:] == ("ask", "save") and kind in _ASKED:
        ways.append(f"ask for the type {kind}")
    if source.kind:
        ways.append(f'declare "{source.name}" as {source.kind} in "variables"')
    ways.append("save to another variable")
    return f"{begin(', or '.join(ways))}."


def _not_added(
    document: Document,
    walked: Iterable[tuple[Path, Document]],
    found: list[Source],
    types: Mapping[str, str],
) -> Iterator[Problem]:
    """Warn of operands that are never a number."""
    summed = [(path, name) for path, value in _computed(walked) for name in _operands(value)]
    if not summed:
        return
    given = {source.name for source in found} | document.get("variables", {}).keys()
    numbers = _numbers(document, found, types)
    for path, name in dict.fromkeys(summed):
        is_known = name in given or name in _NO_NUMBERS  # others are reported as never set
        if is_known and name not in numbers:
            yield warning(path, Code.NEVER_A_NUMBER, _never(path, name, types.get(name, "")))


def _never(path: Path, name: str, kind: str) -> str:
    about = begin(place(path))
    if name in _NO_NUMBERS:
        return f'{about} computes with "{name}", which is no number. Use another value.'
    if kind in {"", "number"}:
        return (
            f'{about} computes with "{name}", but nothing gives that a number, so nothing is '
            'computed. Give it one in "variables", such as "default": 0.'
        )
    return (
        f'{about} computes with "{name}", which is {KINDS[kind]} and never a number, so nothing '
        'is computed. Declare it in "variables" with "type": "number" and "default": 0.'
    )


def _computed(walked: Iterable[tuple[Path, Document]]) -> Iterator[tuple[Path, Any]]:
    """Return the values that are set or compared and not constant, with their places."""
    for path, part in walked:
        for name, value in part["set"].items() if "set" in part else ():
            if isinstance(value, dict):
                yield (*path, "set", name), value
        if "if" in part:
            yield (*path, "if"), part["if"]


def _operands(value: Any) -> Iterator[str]:
    """Return the variables that are operands of arithmetic in a value or condition."""
    if not isinstance(value, dict):
        return
    for field, rest in value.items():
        for one in rest if isinstance(rest, list) else [rest]:
            if field in OPERATIONS and isinstance(one, dict) and "variable" in one:
                yield one["variable"]
            else:
                yield from _operands(one)


def _numbers(document: Document, found: list[Source], types: Mapping[str, str]) -> set[str]:
    """Return the variables and built-in values that may be numbers."""
    declared = document.get("variables", {})
    known: set[str] = (
        BUILT_IN.keys() - _NO_NUMBERS - {source.name for source in found} - declared.keys()
    )
    for name, one in declared.items():
        if _is_number(one.get("default")):
            known.add(name)
    waiting: list[tuple[Source, set[str]]] = []
    for source in found:
        if any(_is_number(fit(one, types.get(source.name, ""))) for one in source.samples):
            waiting.append((source, _needed(document, source)))
    before = -1
    while before != len(known):  # a sum is a number if its operands are
        before = len(known)
        known |= {source.name for source, needed in waiting if needed <= known}
    return known


def _needed(document: Document, source: Source) -> set[str]:
    """Return the variables that must be numbers for a source to give one."""
    if source.path[-2] != "set":
        return set()
    value: Any = document
    for step in source.path:
        value = value[step]
    if not isinstance(value, dict):
        return set()
    return {str(value["variable"])} if "variable" in value else {*_operands(value)}


def _is_number(value: Any) -> bool:
    try:
        return number(value) is not None
    except NoValue:
        return False
