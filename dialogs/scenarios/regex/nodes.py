"""The parts of a parsed regular expression."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

Test = Callable[[str], bool]  # of one character


@dataclass(frozen=True, slots=True)
class Characters:
    """One character that passes a test."""

    test: Test


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place in the text.

    Args:
        kind: `^`, `$`, `b` (the border of a word) or `B` (not that).
    """

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts after each other; nothing if there are none."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several parts, the first one that fits."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times.

    Args:
        most: None for any number.
        greedy: True to try more repetitions first.
    """

    part: Node
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group that is captured."""

    part: Node
    number: int


Node = Characters | Assertion | Sequence | Alternatives | Repeat | Group


def is_word(character: str) -> bool:
    """Tell whether a character belongs to a word: `\\w`."""
    return character.isalnum() or character == "_"


def any_but_newline(character: str) -> bool:
    """Tell whether a dot stands for a character."""
    return character != "\n"


CLASSES: dict[str, Test] = {"d": str.isdecimal, "w": is_word, "s": str.isspace}


def negated(test: Test) -> Test:
    """Return the opposite of a test."""
    return lambda character: not test(character)


def in_category(name: str) -> Test:
    """Return the test for a general category of Unicode, such as L or Lu."""
    return lambda character: unicodedata.category(character).startswith(name)


def between(first: str, last: str) -> Test:
    """Return the test for a range of characters."""
    return lambda character: first <= character <= last


def one_of(tests: list[Test]) -> Test:
    """Return the test that passes if one of several does."""
    return lambda character: any(test(character) for test in tests)


def ignoring_case(test: Test) -> Test:
    """Return a test that passes for a character in upper or lower case."""
    return lambda one: test(one) or test(one.lower()) or test(one.upper())
