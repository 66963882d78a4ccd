"""Regular expressions as programs that are run on all ways at once, after Thompson and Pike.

Source: https://swtch.com/~rsc/regexp/regexp2.html

A way is a place in the program. At each character all ways are moved on together, and no place is
in the list twice, so that the time is at most the length of the text times that of the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from dialogs.scenarios.regex.nodes import (
    Alternatives,
    Assertion,
    Characters,
    Group,
    Node,
    Repeat,
    Sequence,
    is_word,
)
from dialogs.scenarios.regex.parsing import Parser, WrongRegex

MAX_SIZE = 150  # steps of a program
MAX_TEXT = 500  # characters of a text that are looked at


class _Op(IntEnum):
    CHARACTER = 0  # a test
    SPLIT = 1  # two places, the better one first
    JUMP = 2  # a place
    SAVE = 3  # a slot
    ASSERT = 4  # a kind
    MATCH = 5


_Step = tuple[_Op, Any, Any]
_Captures = tuple[int, ...]
_Way = tuple[int, _Captures]  # a place, and what was captured on the way to it


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled regular expression.

    Args:
        names: the numbers of its named groups.
    """

    program: tuple[_Step, ...]
    names: dict[str, int]

    @property
    def size(self) -> int:
        """Return the number of steps, which the time to match is proportional to."""
        return len(self.program)

    def search(self, text: str) -> dict[str, str] | None:
        """Find the first match in the first 500 characters of a text.

        Returns:
            The texts of the named groups, empty for one that took no part; None without a match.
        """
        text = text[:MAX_TEXT]
        found = self.find(text)
        if found is None:
            return None
        return {
            name: text[found[2 * number] : found[2 * number + 1]] if found[2 * number] >= 0 else ""
            for name, number in self.names.items()
        }

    def find(self, text: str) -> _Captures | None:
        """Return where the first match and its groups begin and end; -1 for none."""
        slots = max((step[1] for step in self.program if step[0] is _Op.SAVE), default=1) + 1
        nothing = (-1,) * slots
        best: _Captures | None = None
        ways: list[_Way] = []
        for at in range(len(text) + 1):
            if best is None:  # a match may begin here, after those that began before
                self._follow((0, nothing), text, at, ways, {place for place, _ in ways})
            elif not ways:
                break
            following: list[_Way] = []
            seen: set[int] = set()
            for place, captures in ways:
                kind, test, _ = self.program[place]
                if kind is _Op.MATCH:
                    best = captures
                    break  # the ways after this one are worse
                if at < len(text) and test(text[at]):
                    self._follow((place + 1, captures), text, at + 1, following, seen)
            ways = following
        return best

    def _follow(self, way: _Way, text: str, at: int, ways: list[_Way], seen: set[int]) -> None:
        """Add the ways that lead on from one without a character, the best first."""
        todo = [way]
        while todo:
            place, captures = todo.pop()
            if place in seen:
                continue
            seen.add(place)
            kind, first, second = self.program[place]
            if kind is _Op.JUMP:
                todo.append((first, captures))
            elif kind is _Op.SPLIT:
                todo += [(second, captures), (first, captures)]
            elif kind is _Op.SAVE:
                saved = (*captures[:first], at, *captures[first + 1 :])
                todo.append((place + 1, saved))
            elif kind is _Op.ASSERT:
                if _holds(first, text, at):
                    todo.append((place + 1, captures))
            else:
                ways.append((place, captures))


def _holds(kind: str, text: str, at: int) -> bool:
    if kind == "^":
        return at == 0
    if kind == "$":
        return at == len(text)
    before = at > 0 and is_word(text[at - 1])
    after = at < len(text) and is_word(text[at])
    return (before != after) == (kind == "b")


def compile_regex(source: str) -> Regex:
    """Return a regular expression.

    Raises:
        WrongRegex: it is none, or too large.
    """
    parser = Parser(source)
    node = parser.parse()
    writer = _Writer()
    writer.write(Group(node, 0))
    writer.add(_Op.MATCH)
    return Regex(tuple(writer.program), parser.names)


class _Writer:
    """Writes the program of a parsed expression."""

    def __init__(self) -> None:
        self.program: list[_Step] = []

    def add(self, kind: _Op, first: Any = None, second: Any = None) -> int:
        """Add a step, and return its place."""
        if len(self.program) >= MAX_SIZE:
            raise WrongRegex("it is too large; write it shorter, with smaller numbers in braces")
        self.program.append((kind, first, second))
        return len(self.program) - 1

    def write(self, node: Node) -> None:
        """Add the steps of a part."""
        match node:
            case Characters(test):
                self.add(_Op.CHARACTER, test)
            case Assertion(kind):
                self.add(_Op.ASSERT, kind)
            case Sequence(parts):
                for part in parts:
                    self.write(part)
            case Group(part, number):
                self.add(_Op.SAVE, 2 * number)
                self.write(part)
                self.add(_Op.SAVE, 2 * number + 1)
            case Alternatives(parts):
                self._alternatives(parts)
            case Repeat(part, least, most, greedy):
                for _ in range(least):
                    self.write(part)
                if most is None:
                    self._loop(part, greedy)
                else:
                    self._optional(part, most - least, greedy)

    def _alternatives(self, parts: tuple[Node, ...]) -> None:
        ends = []
        for part in parts[:-1]:
            split = self.add(_Op.SPLIT)
            self.write(part)
            ends.append(self.add(_Op.JUMP))
            self.program[split] = (_Op.SPLIT, split + 1, len(self.program))
        self.write(parts[-1])
        for end in ends:
            self.program[end] = (_Op.JUMP, len(self.program), None)

    def _loop(self, part: Node, greedy: bool) -> None:
        split = self.add(_Op.SPLIT)
        self.write(part)
        self.add(_Op.JUMP, split)
        self._split(split, greedy)

    def _optional(self, part: Node, times: int, greedy: bool) -> None:
        splits = []
        for _ in range(times):
            splits.append(self.add(_Op.SPLIT))
            self.write(part)
        for split in splits:
            self._split(split, greedy)

    def _split(self, split: int, greedy: bool) -> None:
        """Let a step try the part after it, or what follows that and ends here."""
        inside, after = split + 1, len(self.program)
        self.program[split] = (_Op.SPLIT, *((inside, after) if greedy else (after, inside)))
