"""From the text of a regular expression to its parts.

The language is that of RE2 (https://github.com/google/re2/wiki/Syntax) as far as people use it:
what could take more than linear time is refused, and so is what is rare.
"""

from __future__ import annotations

import re

from dialogs.scenarios.regex.nodes import (
    CLASSES,
    Alternatives,
    Assertion,
    Characters,
    Group,
    Node,
    Repeat,
    Sequence,
    Test,
    any_but_newline,
    between,
    ignoring_case,
    in_category,
    negated,
    one_of,
)

MAX_DEPTH = 20  # groups within groups
MAX_REPEAT = 100  # in braces
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_GROUP = re.compile(r"\(\?(?::|P?<([^\W\d]\w{0,31})>)")
_CATEGORY = re.compile(r"\\[pP](?:\{([A-Z][a-z]?)\}|([A-Z]))")
_CODE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")
_RANGE = re.compile(r"-[^\]]", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_CATEGORIES = "LMNPSZC"


class WrongRegex(ValueError):
    """A text is no regular expression that can be used; its sentence tells why."""


class Parser:
    """Reads a regular expression.

    Args:
        source: its text.

    Attributes:
        names: the numbers of the named groups.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0
        self._groups = 0
        self._ignores_case = False
        self.names: dict[str, int] = {}

    def parse(self) -> Node:
        """Return what the text says.

        Raises:
            WrongRegex: it is none.
        """
        self._ignores_case = self._take("(?i)")
        node = self._alternatives()
        if self._at < len(self._source):
            raise WrongRegex('it has a ")" without a "("')
        return node

    def _take(self, text: str) -> bool:
        found = self._source.startswith(text, self._at)
        if found:
            self._at += len(text)
        return found

    def _alternatives(self) -> Node:
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._at < len(self._source) and self._source[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        counts = self._counts()
        if counts is None:
            return part
        if isinstance(part, Assertion):
            raise WrongRegex("it repeats what stands for no character, such as ^*")
        node = Repeat(part, *counts, greedy=not self._take("?"))
        if self._source[self._at : self._at + 1] in {"*", "+", "?"} or self._counts() is not None:
            raise WrongRegex("it has a repetition directly after a repetition; use a group")
        return node

    def _counts(self) -> tuple[int, int | None] | None:
        """Read a repetition; None if there is none here."""
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return counts
        found = _COUNT.match(self._source, self._at)
        if not found:
            return None
        self._at = found.end()
        least = int(found[1])
        most = least if found[2] is None else int(found[3]) if found[3] else None
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise WrongRegex(f"{found[0]} must have numbers up to {MAX_REPEAT} in their order")
        return least, most

    def _atom(self) -> Node:
        character = self._source[self._at]
        if character == "(":
            return self._group()
        if character == "[":
            return self._characters(self._set())
        if character == "\\":
            return self._escape()
        if character in "*+?":
            raise WrongRegex(f'"{character}" has nothing before it to repeat')
        self._at += 1
        if character in "^$":
            return Assertion(character)
        return self._characters(any_but_newline if character == "." else character.__eq__)

    def _characters(self, test: Test) -> Characters:
        return Characters(ignoring_case(test) if self._ignores_case else test)

    def _group(self) -> Node:
        name, number = "", 0
        if found := _GROUP.match(self._source, self._at):
            self._at = found.end()
            name = found[1] or ""
        elif self._source.startswith("(?", self._at):
            sign = self._source[self._at : self._at + 4]
            raise WrongRegex(f'"{sign}" is not known: there are no lookarounds and no flags inside')
        else:
            self._at += 1
        if name or not found:
            self._groups += 1
            number = self._groups
        if name in self.names:
            raise WrongRegex(f'it has two groups with the name "{name}"')
        if name:
            self.names[name] = number
        part = self._inside()
        return Group(part, number) if number else part

    def _inside(self) -> Node:
        """Read what is in a group, to its end."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise WrongRegex(f"it has more than {MAX_DEPTH} groups within each other")
        part = self._alternatives()
        if not self._take(")"):
            raise WrongRegex('it has a "(" without a ")"')
        self._depth -= 1
        return part

    def _escape(self) -> Node:
        following = self._source[self._at + 1 : self._at + 2]
        if following in {"b", "B"}:
            self._at += 2
            return Assertion(following)
        if following in {"A", "z", "Z"}:
            self._at += 2
            return Assertion("^" if following == "A" else "$")
        found = self._escaped()
        return self._characters(found.__eq__ if isinstance(found, str) else found)

    def _escaped(self) -> str | Test:
        """Read what a backslash makes: a character, or the test of a class."""
        if found := _CODE.match(self._source, self._at):
            self._at = found.end()
            return chr(int(found[1] or found[2], 16))
        if found := _CATEGORY.match(self._source, self._at):
            self._at = found.end()
            name = found[1] or found[2]
            if name[0] not in _CATEGORIES:
                raise WrongRegex(f"{found[0]} is no category of characters, such as \\p{{L}}")
            test = in_category(name)
            return negated(test) if found[0][1] == "P" else test
        one = self._source[self._at + 1 : self._at + 2]
        self._at += 2
        if one.lower() in CLASSES:
            return CLASSES[one] if one in CLASSES else negated(CLASSES[one.lower()])
        if one in _CONTROLS:
            return _CONTROLS[one]
        if not one or one.isalnum():
            why = "; backreferences would take too long" if one.isdigit() else ""
            raise WrongRegex(f'"\\{one}" is not known{why}')
        return one

    def _set(self) -> Test:
        """Read a set in brackets."""
        self._at += 1
        is_negated = self._take("^")
        tests: list[Test] = []
        while not tests or not self._source.startswith("]", self._at):
            first = self._member()
            if isinstance(first, str) and _RANGE.match(self._source, self._at):
                self._at += 1
                last = self._member()
                if not isinstance(last, str) or last < first:
                    raise WrongRegex(f'a range from "{first}" needs a character after it')
                tests.append(between(first, last))
            else:
                tests.append(first.__eq__ if isinstance(first, str) else first)
        self._at += 1
        if self._ignores_case:  # before the set is turned around
            tests = [ignoring_case(one) for one in tests]
        return negated(one_of(tests)) if is_negated else one_of(tests)

    def _member(self) -> str | Test:
        """Read one character or class in brackets."""
        if self._at >= len(self._source):
            raise WrongRegex('it has a "[" without a "]"')
        one = self._source[self._at]
        if one == "\\":
            return self._escaped()
        if one == "[" and self._source[self._at + 1 : self._at + 2] in {":", "."}:
            raise WrongRegex("it has a class such as [:alpha:]; use \\w, \\d or \\p{L}")
        self._at += 1
        return one
