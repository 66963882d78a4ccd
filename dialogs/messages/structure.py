"""A check of values before the schema sees them: only those that JSON can hold, and not too deep.

The schema's library shows values in its errors, and cannot show those that are nested too deep or
numbers with thousands of digits. It takes a tenth of a millisecond for each value that is wrong, so
a document with very many values is not shown to it at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sized
from typing import Any

from dialogs.messages.problems import Path, Problem, ProblemCode, place, pointer

_MAX_DEPTH = 8  # a message needs five levels
MAX_VALUES = 2000  # in all lists and objects; a message with 100 buttons needs 600
_MAX_NUMBER = 2**63
_SURROGATE = re.compile("[\ud800-\udfff]")


class _TooLarge(Exception):
    """The document has too many values."""


class Structure:
    """The value of a document with its problems removed; None if it has too many values.

    Args:
        document: any value.
    """

    def __init__(self, document: Any) -> None:
        self.problems: list[Problem] = []
        self.is_too_large = False  # then that is the only problem
        self._removed: set[Path] = set()  # where there is None instead of a value
        self._left = MAX_VALUES
        self.value: Any = None
        try:
            self.value = self._checked(document, ())
        except _TooLarge:
            self.is_too_large = True
            sentence = (
                f"The message is too large: it has more than {MAX_VALUES:,} fields and entries in "
                "all. Remove some."
            )
            self.problems = [Problem(pointer(()), ProblemCode.TOO_LARGE, sentence)]

    def is_removed(self, path: Path) -> bool:
        """Tell whether a place is, or was inside, a value that was removed."""
        return any(path[:length] in self._removed for length in range(len(path) + 1))

    def _checked(self, value: Any, path: Path) -> Any:
        """Return a copy of a value; None in place of what cannot be checked."""
        match value:
            case str():
                return self._text(value, path)
            case None | bool():
                return value
            case int() if -_MAX_NUMBER < value < _MAX_NUMBER:
                return value
            case float() if math.isfinite(value):
                return value
            case int() | float():
                return self._remove(path, ProblemCode.OUT_OF_RANGE, "is not a usual number")
            case list() | dict() if len(path) >= _MAX_DEPTH:
                return self._remove(path, ProblemCode.TOO_DEEP, "is nested too deep")
            case list() | dict() if not self._has_room(value):
                raise _TooLarge
            case list():
                return [self._checked(one, (*path, index)) for index, one in enumerate(value)]
            case dict() if all(isinstance(name, str) for name in value):
                return {name: self._checked(one, (*path, name)) for name, one in value.items()}
        return self._remove(path, ProblemCode.NOT_JSON, "cannot be written as JSON")

    def _has_room(self, values: Sized) -> bool:
        """Count values before they are checked, so that none is looked at if there are too many."""
        self._left -= len(values)
        return self._left >= 0

    def _text(self, value: str, path: Path) -> str:
        if "\0" in value or _SURROGATE.search(value):
            self._report(path, ProblemCode.FORBIDDEN_CHARACTER, "has a character that no text has")
        return value

    def _remove(self, path: Path, code: ProblemCode, what: str) -> None:
        self._removed.add(path)
        self._report(path, code, what)

    def _report(self, path: Path, code: ProblemCode, what: str) -> None:
        words = place(path)
        sentence = f"{words[0].upper()}{words[1:]} {what}. Enter it again, or remove it."
        self.problems.append(Problem(pointer(path), code, sentence))
