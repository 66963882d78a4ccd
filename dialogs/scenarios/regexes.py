"""The regular expressions of a document: what is wrong with each, and with all together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialogs.messages.wording import listed
from dialogs.scenarios.problems import Code, Path, Problem, begin, error, place, warning
from dialogs.scenarios.regex import MAX_SIZE, WrongRegex, compile_regex, latin_only
from dialogs.scenarios.variables import transition_lists

Document = Mapping[str, Any]

MAX_REGEXES = 100  # of a document; each may take the memory of one, `MAX_MEMORY`
MAX_PROGRAMS = 10 * MAX_SIZE  # of all in a document, so that it is read within milliseconds
_INSTEAD = {
    "\\w": "[\\p{L}\\d_]",
    "\\W": "[^\\p{L}\\d_]",
    "\\b": "(?:^|\\P{L}) before a word and (?:\\P{L}|$) after it",
    "\\B": "\\p{L} beside the word",
}


def regex_problems(document: Document) -> Iterator[Problem]:
    """Return what is wrong with the regular expressions of a document that fits the schema."""
    lists = [
        (path, [(index, one["regex"]) for index, one in enumerate(transitions) if "regex" in one])
        for path, transitions, _ in transition_lists(document)
    ]
    number = sum(len(regexes) for _, regexes in lists)
    if number > MAX_REGEXES:
        sentence = f"There are {number} regular expressions, and at most {MAX_REGEXES} are allowed."
        yield error(
            (), Code.TOO_MANY, f'{sentence} Use "any_of" or "contains" where that is enough.'
        )
        return
    yield from _problems(lists)


def _problems(lists: list[tuple[Path, list[tuple[int, str]]]]) -> Iterator[Problem]:
    common = total = 0
    for path, regexes in lists:
        size = 0
        for index, source in regexes:
            where = (*path, index, "regex")
            try:
                size += compile_regex(source).size
            except WrongRegex as why:
                about = begin(place(where))
                sentence = f"{about} is a regular expression that cannot be used: {why}."
                yield error(where, Code.WRONG_REGEX, sentence)
            if found := latin_only(source):
                yield warning(where, Code.LATIN_ONLY, _latin_only(found))
        if size and size + common > MAX_SIZE:
            sentence = (
                "The regular expressions that are tried on a message here, those of "
                '"anywhere" included, are too large together. Remove some, or shorten them; '
                "letters such as [a-zа-яё] are smaller than \\p{L}."
            )
            yield error(path, Code.TOO_LARGE, sentence)
        if path == ("anywhere",):
            common = size
        total += size
        if total > MAX_PROGRAMS:
            sentence = (
                "The regular expressions are too large together. Remove some, or shorten them."
            )
            yield error((), Code.TOO_LARGE, sentence)
            return


def _latin_only(escapes: list[str]) -> str:
    knows = "knows" if len(escapes) == 1 else "know"
    instead = "; ".join(f"for {one}, write {_INSTEAD[one]}" for one in escapes)
    sentence = f"In regular expressions, {listed(escapes, 'and')} {knows} no letters but a to z."
    return f"{sentence} If others may come, {instead}."
