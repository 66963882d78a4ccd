"""The validation of a message: everything that is wrong with it at once, up to 100 problems."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from dialogs.messages.content import TextFormat
from dialogs.messages.formatted import is_blank
from dialogs.messages.formatting import format_text
from dialogs.messages.markdown import count_signs
from dialogs.messages.problems import Path, Problem, ProblemCode, place, pointer
from dialogs.messages.schema import (
    MAX_BUTTONS,
    MAX_CALLBACK_DATA,
    MAX_CHARACTERS,
    MAX_SIGNS,
    SCHEMA,
)
from dialogs.messages.structure import Structure
from dialogs.messages.variables import Values
from dialogs.messages.wording import listed, problems_of

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_MARKUPS = ("buttons", "keyboard", "remove_keyboard")
_MAY_BE_BLANK = {"last_name"}
MAX_PROBLEMS = 100  # nobody reads more, and each takes a tenth of a millisecond to find


def validate(document: Any) -> list[Problem]:
    """Return all problems of a message; none if it can be sent.

    If there are more than 100, the last of those returned says so.

    Args:
        document: any value, as it was read from JSON.
    """
    problems = list(islice(_problems(Structure(document)), MAX_PROBLEMS + 1))
    if len(problems) > MAX_PROBLEMS:
        sentence = "The message has more problems than these. Solve these first."
        problems[MAX_PROBLEMS - 1 :] = [_problem((), ProblemCode.MORE_PROBLEMS, sentence)]
    return problems


def _problems(structure: Structure) -> Iterator[Problem]:
    """Find the problems one by one, each once, so that the search can end early."""
    found: set[Problem] = set()
    wrong: set[str] = set()  # their places
    for problem in _with_the_schema(structure):
        if problem not in found:
            found.add(problem)
            wrong.add(problem.pointer)
            yield problem
    for problem in beyond_the_schema(structure.value):
        if problem.pointer not in wrong and problem not in found:
            found.add(problem)
            yield problem


def _with_the_schema(structure: Structure) -> Iterator[Problem]:
    yield from structure.problems
    if structure.is_too_large:
        return
    for error in _validator().iter_errors(structure.value):
        if not structure.is_removed(tuple(error.absolute_path)):
            yield from problems_of(error)


@cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow, and not needed to send

    return Draft202012Validator(SCHEMA)


def beyond_the_schema(document: Any) -> Iterator[Problem]:
    """Return the problems that a schema cannot tell; the values may be of any type.

    For a document that has been checked with the schema already, such as a part of a scenario.
    """
    if not isinstance(document, dict):
        return
    yield from _blank(document, ())
    yield from _markdown(document)
    yield from _callback_data(document.get("buttons"))
    keyboard = document.get("keyboard")
    rows = keyboard.get("rows") if isinstance(keyboard, dict) else None
    yield from _number_of_buttons(document.get("buttons"), ("buttons",))
    yield from _number_of_buttons(rows, ("keyboard", "rows"))
    if isinstance(document.get("media"), list):
        yield from _album(document, document["media"])


def _problem(path: Path, code: ProblemCode, sentence: str) -> Problem:
    return Problem(pointer(path), code, sentence)


def _blank(value: Any, path: Path) -> Iterator[Problem]:
    """Report texts of white space only."""
    match value:
        case str() if value and is_blank(value) and path[-1] not in _MAY_BE_BLANK:
            about = place(path)
            sentence = f"{about[0].upper()}{about[1:]} shows nothing. Write something in it."
            yield _problem(path, ProblemCode.BLANK, sentence)
        case list():
            for index, one in enumerate(value):
                yield from _blank(one, (*path, index))
        case dict():
            for name, one in value.items():
                yield from _blank(one, (*path, name))


def _markdown(document: dict[str, Any]) -> Iterator[Problem]:
    """Report a text with too much Markdown, or of which nothing is left to show, such as `#`."""
    text = document.get("text")
    if document.get("format") != TextFormat.MARKDOWN or not isinstance(text, str):
        return
    if len(text) > MAX_CHARACTERS:  # reported by the schema
        return
    if (signs := count_signs(text)) > MAX_SIGNS:
        sentence = (
            f'"text" has {signs:,} line breaks and signs of Markdown such as "*", and at most '
            f"{MAX_SIGNS:,} are allowed. Shorten it, or leave out its format."
        )
        yield _problem(("text",), ProblemCode.TOO_MANY, sentence)
    elif is_blank(format_text(text, TextFormat.MARKDOWN, Values(None)).text):
        sentence = '"text" shows nothing: it has only signs of Markdown. Write something in it.'
        yield _problem(("text",), ProblemCode.BLANK, sentence)


def _entries(rows: Any) -> Iterator[tuple[Path, Any]]:
    """Return what is in rows, with its place."""
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        for index, button in enumerate(row if isinstance(row, list) else ()):
            yield (number, index), button


def _callback_data(rows: Any) -> Iterator[Problem]:
    for where, button in _entries(rows):
        data = button.get("go") if isinstance(button, dict) else None
        size = len(data.encode("utf-8", "surrogatepass")) if isinstance(data, str) else 0
        if size > MAX_CALLBACK_DATA:
            path: Path = ("buttons", *where, "go")
            sentence = (
                f"{place(path)} takes {size:,} bytes, and at most {MAX_CALLBACK_DATA} are "
                "allowed. Shorten it, or use only Latin letters, which take one byte each."
            )
            yield _problem(path, ProblemCode.TOO_LONG, sentence)


def _number_of_buttons(rows: Any, path: Path) -> Iterator[Problem]:
    number = sum(1 for _ in _entries(rows))
    if number > MAX_BUTTONS:
        sentence = (
            f"The message has {number:,} buttons, and at most {MAX_BUTTONS} are allowed. "
            "Remove some."
        )
        yield _problem(path, ProblemCode.TOO_MANY, sentence)


def _album(document: dict[str, Any], files: list[Any]) -> Iterator[Problem]:
    """Report what Telegram does not take as an album.

    Source: https://core.telegram.org/bots/api#sendmediagroup
    """
    types = {str(file["type"]) for file in files if isinstance(file, dict) and "type" in file}
    for alone in ("document", "audio"):
        if alone in types and types - {alone}:
            sentence = (
                f"The album has {listed(sorted(types), 'and')}. An album holds photos and videos, "
                "or only documents, or only audio. Send the others as another message."
            )
            yield _problem(("media",), ProblemCode.MIXED_ALBUM, sentence)
            break
    given = [name for name in _MARKUPS if name in document]
    if given and "text" not in document:
        sentence = (
            f'An album cannot have {listed(given)}. Add a "text": it is sent after the album, '
            "and has them."
        )
        yield _problem((given[0],), ProblemCode.ALBUM_WITHOUT_TEXT, sentence)
