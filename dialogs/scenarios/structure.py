"""A check of any value before the schema sees it: JSON only, not too deep and not too large."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from dialogs.scenarios.problems import Code, Path, Problem, begin, error, place

MAX_BYTES = 256 * 1024  # of the document as JSON in UTF-8
MAX_DEPTH = 24  # states, their transitions and conditions within conditions
_MAX_VALUES = 100_000  # in all lists and objects; more do not fit into the bytes anyway
_MAX_NUMBER = 2**63
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def structure_problems(document: Any, *, divisible: bool = False) -> list[Problem]:
    """Return what makes a value unfit to be looked at; none if the schema can judge it.

    Args:
        document: any value, JSON or not.
        divisible: True if a document that is too large can be made two.
    """
    written = _written(document)
    # Of nearly all documents; their texts need not be looked at one by one.
    is_clean = written is not None and b"\\u0000" not in written
    problems: list[Problem] = []
    todo: list[tuple[Any, Path]] = [(document, ())]
    seen = 0
    while todo:
        value, path = todo.pop()
        if found := _problem(value, path):
            problems.append(found)
            continue
        if not isinstance(value, dict | list):
            continue
        seen += len(value)
        if seen > _MAX_VALUES:
            return [*problems, _too_large(divisible)]
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            if not (is_clean and type(one) is str):
                todo.append((one, (*path, name)))
    if not problems and written is not None and len(written) > MAX_BYTES:
        problems.append(_too_large(divisible))
    return problems


def _written(document: Any) -> bytes | None:
    """Return a value as JSON in UTF-8; None if it is none, or has what no text has."""
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def _problem(value: Any, path: Path) -> Problem | None:
    match value:
        case list() | dict() if len(path) >= MAX_DEPTH:
            return _report(path, Code.TOO_DEEP, "is nested too deep")
        case dict():
            return _names_problem(value, path)
        case None | bool() | list():
            return None
        case str():
            if _NO_TEXT.search(value):
                return _report(path, Code.FORBIDDEN_CHARACTER, "has a character that no text has")
            return None
        case int() | float():
            if -_MAX_NUMBER < value < _MAX_NUMBER and math.isfinite(value):
                return None
            return _report(path, Code.OUT_OF_RANGE, "is not a usual number")
    return _report(path, Code.NOT_JSON, "cannot be written as JSON")


def _names_problem(value: dict[Any, Any], path: Path) -> Problem | None:
    try:
        names = "".join(value)
    except TypeError:
        return _report(path, Code.NOT_JSON, "cannot be written as JSON")
    if _NO_TEXT.search(names):
        return _report(path, Code.FORBIDDEN_CHARACTER, "has a name that no text can be")
    return None


def _report(path: Path, code: Code, what: str) -> Problem:
    return error(path, code, f"{begin(place(path))} {what}. Enter it again, or remove it.")


def _too_large(divisible: bool) -> Problem:
    remedy = "Divide it, or shorten it." if divisible else "Shorten it."
    sentence = f"The document is larger than {MAX_BYTES // 1024} KB. {remedy}"
    return error((), Code.TOO_LARGE, sentence)
