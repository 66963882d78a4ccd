"""Conditions on variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.scenarios.conversation import Value
from dialogs.scenarios.expressions import (
    Expression,
    NoValue,
    Reader,
    number,
    read_expression,
)

_Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison, or several conditions together.

    Args:
        operation: "and", "or", "not", or a comparison as the document calls it.
        parts: the conditions of and, or, not.
        variable: the name of what is compared.
        values: what it is compared with.
        wanted: for "is_set": whether it is to have a value.
    """

    operation: str
    parts: tuple[Condition, ...] = ()
    variable: str = ""
    values: tuple[Expression, ...] = ()
    wanted: bool = True

    def holds(self, reader: Reader) -> bool:
        """Tell whether it is true; a comparison with a value that does not exist is not."""
        reader.spend(1)
        match self.operation:
            case "and":
                return all(part.holds(reader) for part in self.parts)
            case "or":
                return any(part.holds(reader) for part in self.parts)
            case "not":
                return not self.parts[0].holds(reader)
        value = reader.look(self.variable)
        if self.operation == "is_set":
            return (value not in (None, "", [])) == self.wanted
        try:
            others = [one.evaluate(reader) for one in self.values]
        except NoValue:
            return False
        return any(_COMPARE[self.operation](value, other) for other in others)

    def names(self) -> set[str]:
        """Return the names of the variables in it."""
        found = {self.variable} if self.variable else set()
        for part in self.parts:
            found |= part.names()
        for value in self.values:
            found |= value.names()
        return found


def read_condition(document: Mapping[str, Any]) -> Condition:
    """Return the condition of a valid document."""
    for name in ("and", "or"):
        if name in document:
            return Condition(name, tuple(read_condition(one) for one in document[name]))
    if "not" in document:
        return Condition("not", (read_condition(document["not"]),))
    variable = document["variable"]
    operation = next((name for name in document if name != "variable"), "is_set")
    wanted = document.get(operation, True)
    if operation == "is_set":
        return Condition(operation, variable=variable, wanted=wanted)
    values = wanted if operation == "one_of" else [wanted]
    return Condition(
        operation, variable=variable, values=tuple(read_expression(one) for one in values)
    )


def _same(value: Value, other: Value) -> bool:
    if value in (None, "") or other in (None, ""):
        return value in (None, "") and other in (None, "")
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    numbers = _numbers(value, other)
    if numbers:
        return bool(numbers[0] == numbers[1])
    return value == other if isinstance(other, type(value)) else _text(value) == _text(other)


def _numbers(value: Value, other: Value) -> _Pair | None:
    """Return two values as numbers, if both are and one of them is not a text."""
    if isinstance(value, str) and isinstance(other, str):
        return None
    pair = number(value), number(other)
    return None if None in pair else pair


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def test(value: Value, other: Value) -> bool:
        if pair := _numbers(value, other):
            return compare(*pair)
        if isinstance(value, str) and isinstance(other, str):  # dates and times, too
            return compare(value, other)
        return False

    return test


def _contains(value: Value, other: Value) -> bool:
    if isinstance(value, list):
        return _text(other) in value
    return _folded(other) in _folded(value) if other not in (None, "") else False


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _folded(value: Value) -> str:
    return _text(value).casefold()


_COMPARE: dict[str, Callable[[Value, Value], bool]] = {
    "equals": _same,
    "not_equals": lambda value, other: not _same(value, other),
    "one_of": _same,
    "less": _ordered(lambda a, b: a < b),
    "at_most": _ordered(lambda a, b: a <= b),
    "more": _ordered(lambda a, b: a > b),
    "at_least": _ordered(lambda a, b: a >= b),
    "contains": _contains,
    "starts_with": lambda value, other: _folded(value).startswith(_folded(other)),
    "ends_with": lambda value, other: _folded(value).endswith(_folded(other)),
}
