"""What can be wrong with a message, for the person who wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# The names and indexes that lead to a value in a document.
Path = tuple[str | int, ...]


class ProblemCode(StrEnum):
    """The codes of problems, for programs."""

    WRONG_TYPE = "wrong_type"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    CONFLICTING_FIELDS = "conflicting_fields"
    NO_CONTENT = "no_content"
    NOT_A_CHOICE = "not_a_choice"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    OUT_OF_RANGE = "out_of_range"
    WRONG_PATTERN = "wrong_pattern"
    BLANK = "blank"
    FORBIDDEN_CHARACTER = "forbidden_character"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    MIXED_ALBUM = "mixed_album"
    ALBUM_WITHOUT_TEXT = "album_without_text"
    MORE_PROBLEMS = "more_problems"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with a message.

    Args:
        pointer: the place in the document, a JSON Pointer (RFC 6901).
        message: a sentence that tells what is wrong, and what to do.
    """

    pointer: str
    code: ProblemCode
    message: str


class InvalidMessage(Exception):
    """The document is no message."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.pointer}: {one.message}" for one in problems[:5]))
        self.problems = list(problems)


def pointer(path: Path) -> str:
    """Return a path as a JSON Pointer (RFC 6901)."""
    plain = "/".join(map(str, ("", *path)))
    if "~" not in plain and plain.count("/") == len(path):  # nearly all are that
        return plain
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def place(path: Path) -> str:
    """Return a path in words, such as `"url" of button 2 in row 1`."""
    match path:
        case ():
            return "the message"
        case ("media", int(item), *rest):
            owner = f"item {item + 1} of the album"
        case ("buttons" | "keyboard" as kind, *rows) if found := _rows(kind, rows):
            owner, rest = found
        case (first, *rest) if rest:
            owner = f"the {first}"
        case (first, *rest):
            return f'"{_short(first)}"'
    return f'"{_short(rest[-1])}" of {owner}' if rest else owner


def _rows(kind: str, path: Sequence[str | int]) -> tuple[str, list[str | int]] | None:
    """Return the row or button that a path leads to, in words, and the rest of the path."""
    name = "the buttons" if kind == "buttons" else "the keyboard"
    match path:
        case (int(row), int(button), *rest) | ("rows", int(row), int(button), *rest):
            where = f"button {button + 1} in row {row + 1}"
            return (where if kind == "buttons" else f"{where} of the keyboard"), rest
        case (int(row), *rest) | ("rows", int(row), *rest):
            return f"row {row + 1} of {name}", rest
    return None


def _short(name: str | int) -> str:
    """Return a name as it can be shown in a sentence."""
    text = "".join(one if one.isprintable() else "?" for one in str(name)[:41])
    return text if len(text) <= 40 else text[:40] + "…"
