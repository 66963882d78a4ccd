"""Regular expressions in time that is linear in the text: those of RE2.

Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import re2

MAX_TEXT = 4096  # characters of a text that are looked at
# Steps of one expression, or of all that are tried on a message. The slowest ones that a search has
# found take 45 us a step for 4,096 characters of 3 bytes, and 73 us for those of 4: 22 ms at most.
MAX_SIZE = 300
# \p{L} is 1,200 steps, but a byte leads to few of them: so many of a category count as one.
CATEGORY_STEPS = 12
MAX_CATEGORIES = 10  # a large one takes long to compile, even if the whole is refused then
MAX_GROUPS = 10  # RE2 copies the places of all of them at each step
MAX_MEMORY = 256 * 1024  # bytes of an expression, most of them a cache; \p{L} is slow with half

_OPTIONS = re2.Options()
_OPTIONS.max_mem = MAX_MEMORY
_OPTIONS.log_errors = False
_OPTIONS.never_capture = True  # only groups with names
_NAME = re.compile("[A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё0-9_]{0,31}")  # of a variable
_ESCAPE = re.compile(r"\\Q.*?(?:\\E|\Z)|\\(.)", re.DOTALL)  # between \Q and \E there are none
_GROUP = re.compile(rf"\(\?P?<({_NAME.pattern})>")
_CATEGORY = re.compile(r"\\[pP](?:\{\^?[A-Z][a-z]?\}|[A-Z])")
_LATIN_ONLY = frozenset("wWbB")
# The reasons of RE2, and what they mean; the braces stand for the part that is wrong.
_REASONS = {
    "missing )": 'it has a "(" without a ")"',
    "unexpected )": 'it has a ")" without a "("',
    "missing ]": 'it has a "[" without a "]"',
    "trailing \\": 'it ends with a "\\"; write "\\\\" for the character itself',
    "no argument for repetition operator": 'there is nothing before "{}" that it could repeat',
    "bad repetition operator": '"{}" repeats a repetition; put the inner one in (?:...)',
    "invalid repetition size": (
        '"{}" is no valid number of times; the smaller number comes first, and with repetitions '
        "within repetitions they come to 1,000 at most"
    ),
    "invalid escape sequence": (
        '"{}" is not known; there are no backreferences, a character is written by its code as '
        "\\x{44f}, and the end of the text is \\z"
    ),
    "invalid perl operator": '"{}" is not known; there are no lookarounds',
    "invalid character class range": '"{}" is no range, category or class of characters',
    "invalid named capture group": '"{}" does not begin a group; write it as (?P<name>...)',
}
_TOO_LARGE = (
    "it is too large; write smaller numbers in braces, and letters such as [a-zа-яё] in place of "
    "\\p{L}"
)


class WrongRegex(ValueError):
    """A text is no regular expression that can be used; its sentence tells why."""


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled regular expression; it can be used in several threads.

    Args:
        names: the names of its groups.
        size: about how many steps of its program a byte of a text may lead to.
    """

    program: Any
    names: frozenset[str]
    size: int

    def search(self, text: str) -> dict[str, str] | None:
        """Find the first match in the first 4,096 characters of a text.

        Returns:
            The texts of the groups by name, empty for one that took no part; None without a match.
        """
        found = self.program.search(_encode(text[:MAX_TEXT]))
        if found is None:
            return None
        groups = found.groupdict(default=b"")
        return {_decode(name): _decode(value) for name, value in groups.items()}


def compile_regex(source: str) -> Regex:
    """Return a regular expression.

    Raises:
        WrongRegex: it is none, or too large.
    """
    if "C" in _escapes(source):
        raise WrongRegex('"\\C" is not known; write "." for any character')
    if len(_CATEGORY.findall(source)) > MAX_CATEGORIES:
        raise WrongRegex(f"it has more than {MAX_CATEGORIES} categories such as \\p{{L}}")
    program = _compile(source)
    # What it would be with a small category, and a part of what the real ones add.
    size = _compile(_CATEGORY.sub(r"\\d", source)).programsize
    size += (program.programsize - size) // CATEGORY_STEPS
    if size > MAX_SIZE:
        raise WrongRegex(_TOO_LARGE)
    names = [_decode(name) for name in program.groupindex]
    if program.groups > MAX_GROUPS:
        raise WrongRegex(f"it has more than {MAX_GROUPS} groups with names")
    if program.groups > len(names):
        raise WrongRegex("two of its groups have the same name")
    for name in names:
        if not _NAME.fullmatch(name):
            raise WrongRegex(f'"{name[:40]}" cannot be the name of a variable')
    return Regex(program, frozenset(names), size)


def group_names(source: str) -> list[str]:
    """Return the names of the groups of an expression, even of one that cannot be used."""
    return _GROUP.findall(source)


def latin_only(source: str) -> list[str]:
    """Return which of \\w, \\W, \\b and \\B an expression has: they know only Latin letters."""
    return [f"\\{one}" for one in sorted({*_escapes(source)} & _LATIN_ONLY)]


def _escapes(source: str) -> Iterator[str]:
    """Return the characters that a backslash gives a meaning, or takes it from."""
    yield from (found[1] for found in _ESCAPE.finditer(source) if found[1])


def _compile(source: str) -> Any:
    """Return a program of RE2, which keeps the last 128."""
    try:
        return re2.compile(_encode(source), _OPTIONS)
    except re2.error as error:
        raise WrongRegex(_sentence(error.args[0].decode("utf-8", "replace"))) from None


def _sentence(reason: str) -> str:
    """Return what RE2 says as the end of a sentence."""
    what, _, part = reason.partition(": ")
    if what.startswith("pattern too large"):
        return _TOO_LARGE
    return _REASONS[what].replace("{}", part) if what in _REASONS else f"RE2 says: {reason}"


def _encode(text: str) -> bytes:
    """Return a text in UTF-8, even one with halves of a character, which JSON can have."""
    return text.encode("utf-8", "surrogatepass")


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
