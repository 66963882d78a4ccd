"""Values that are computed: texts with variables, numbers, sums."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

from dialogs.messages.variables import VARIABLE
from dialogs.scenarios.conversation import Value

MAX_TEXT = 4096  # characters of a value: as many as a message of Telegram has
# As people write one: what Python reads besides, such as 1e5 and 1_000, is a text.
_NUMBER = re.compile(r"\s*[+-]?(?:\d{1,40}(?:[.,]\d{0,40})?|[.,]\d{1,40})\s*")
LOOK = 50  # characters that take about as long as a look at a short value
MAX_NUMBER = 1e15  # beyond it, floating-point numbers are not exact


class Reader(Protocol):
    """Knows the values of variables, and counts what is done with them."""

    def look(self, name: str) -> Value:
        """Return the value of a variable."""

    def show(self, name: str) -> str:
        """Return the text of a variable."""

    def spend(self, looks: int) -> None:
        """Count so many looks at values."""


class NoValue(Exception):
    """A value cannot be computed; its sentence tells why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A literal, a text with variables, or an operation.

    Args:
        operation: empty for a literal; "text" for one with variables; or a name of the document.
        literal: the value, the text, or the name of a variable.
    """

    operation: str
    literal: Value
    operands: tuple[Expression, ...] = ()

    def evaluate(self, reader: Reader) -> Value:
        """Return the value.

        Raises:
            NoValue: there is none, as of a number divided by zero.
        """
        reader.spend(1)
        match self.operation:
            case "":
                return self.literal
            case "text":
                return _fill(str(self.literal), reader)
            case "variable":
                return reader.look(str(self.literal))
        numbers = [number(one.evaluate(reader)) for one in self.operands]
        if any(one is None for one in numbers):
            raise NoValue(f"one of the values to {self.operation} is no number")
        return _limited(_calculate(self.operation, [one for one in numbers if one is not None]))

    def names(self) -> set[str]:
        """Return the names of the variables in it."""
        if self.operation == "variable":
            return {str(self.literal)}
        found = {name for one in self.operands for name in one.names()}
        if self.operation == "text":
            found |= {one[1] for one in VARIABLE.finditer(str(self.literal))}
        return found


def _fill(template: str, reader: Reader) -> str:
    """Fill a text up to the length that a variable can have."""
    reader.spend(2 * len(template) // LOOK)  # to search for names takes longer
    filled, at = "", 0
    for found in VARIABLE.finditer(template):
        filled += template[at : found.start()] + reader.show(found[1])
        at = found.end()
        if len(filled) >= MAX_TEXT:
            return filled[:MAX_TEXT]
    return filled + template[at:]


def read_expression(document: Any) -> Expression:
    """Return the expression of a valid document."""
    if not isinstance(document, dict):
        has_variables = isinstance(document, str) and VARIABLE.search(document)
        return Expression("text" if has_variables else "", document)
    [(operation, rest)] = document.items()
    if operation == "variable":
        return Expression(operation, rest)
    return Expression(operation, None, tuple(read_expression(one) for one in rest))


def number(value: Value) -> int | float | None:
    """Return a value as a number; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        value = float(value.replace(",", "."))
    return _limited(value) if math.isfinite(value) and abs(value) <= MAX_NUMBER else None


def _calculate(operation: str, numbers: list[int | float]) -> int | float:
    if operation == "add":
        return sum(numbers)
    if operation == "multiply":
        return reduce(lambda a, b: a * b, numbers)
    if operation == "subtract":
        return numbers[0] - sum(numbers[1:])
    divisor = math.prod(numbers[1:])
    if divisor == 0:
        raise NoValue("it divides by zero")
    return numbers[0] / divisor


def _limited(value: int | float) -> int | float:
    """Return a number without the noise of binary fractions; a whole one without a fraction."""
    if abs(value) > MAX_NUMBER or not math.isfinite(value):
        raise NoValue("the result is too large")
    if isinstance(value, float):
        value = round(value, 9)
        return int(value) if value.is_integer() else value
    return value
