"""Names that an object in JSON has more than once: of their values, only the last one is read."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from dialogs.scenarios.problems import (
    MAX_PROBLEMS,
    Code,
    InvalidScenario,
    Path,
    Problem,
    error,
    place,
    short,
)
from dialogs.scenarios.structure import MAX_DEPTH

# A body with tests has two levels more than a test. A document that goes deeper is refused anyway.
_SEARCHED = MAX_DEPTH + 2


class InvalidText(InvalidScenario):
    """A document cannot be read as its author has written it."""


class _Repeating(list[tuple[str, Any]]):
    """The members of an object with repeated names."""


def check_names(text: bytes) -> None:
    """Refuse a document in which an object has a name more than once.

    Args:
        text: a document that orjson has accepted; it reads at most 1,024 levels.

    Raises:
        InvalidText: an object has one, or the document is nested too deep to be searched.
    """
    found = False

    def members(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal found
        unique = dict(pairs)
        if len(unique) == len(pairs):
            return unique
        found = True
        return _Repeating(pairs)

    try:
        document = json.loads(text.decode(), object_pairs_hook=members)
    except RecursionError:
        raise InvalidText([_too_deep()]) from None
    if found:
        raise InvalidText(_problems(document) or [_too_deep()])


def _problems(document: Any) -> list[Problem]:
    problems: dict[str, Problem] = {}
    todo: list[tuple[Any, Path]] = [(document, ())]
    while todo and len(problems) < MAX_PROBLEMS:
        value, path = todo.pop()
        pairs = _members(value)
        if isinstance(value, _Repeating):
            for name, count in Counter(name for name, _ in pairs).items():
                if count > 1 and len(problems) < MAX_PROBLEMS:
                    problem = _repeated((*path, name), count)
                    problems.setdefault(problem.pointer, problem)
        if len(path) < _SEARCHED:
            todo += [(one, (*path, name)) for name, one in pairs if isinstance(one, dict | list)]
    return list(problems.values())


def _members(value: Any) -> list[tuple[Any, Any]]:
    match value:
        case _Repeating():
            return value
        case dict():
            return list(value.items())
    return list(enumerate(value))


def _repeated(path: Path, count: int) -> Problem:
    sentence = (
        f'"{short(path[-1])}" stands {count} times in {place(path[:-1])}, and only the last one '
        "would count. Give the others another name, or remove them."
    )
    return error(path, Code.REPEATED_NAME, sentence)


def _too_deep() -> Problem:
    sentence = "The document is nested too deep. Write it with fewer levels."
    return error((), Code.TOO_DEEP, sentence)
