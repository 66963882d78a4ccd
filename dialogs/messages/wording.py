"""The errors of the JSON Schema as sentences for people who do not know JSON Schema."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dialogs.messages.problems import Path, Problem, ProblemCode, place, pointer
from dialogs.messages.schema import FILE_ID, HTTPS, LINK

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPES = {
    "string": "a text", "object": "an object with named fields", "array": "a list",
    "boolean": "true or false", "integer": "a whole number", "number": "a number",
}  # fmt: skip

_PATTERNS = {
    HTTPS: "an address that begins with https:// and has no spaces",
    LINK: "an address that begins with https://, http:// or tg:// and has no spaces",
    FILE_ID: "Telegram's id of a file: only letters, digits, - and _, or a variable",
}

# Fields that people try for a file, with the types of files.
_FILES = {
    "photo": "photo", "image": "photo", "picture": "photo", "video": "video", "audio": "audio",
    "voice": "voice", "document": "document", "file": "document", "animation": "animation",
    "gif": "animation",
}  # fmt: skip

# A code, the path of the value that the problem is about, and a sentence.
_Found = tuple[ProblemCode, Path, str]


def problems_of(error: ValidationError) -> Iterator[Problem]:
    """Return the problems behind one error of the schema."""
    path: Path = tuple(error.absolute_path)
    explain = WORDINGS[str(error.validator)]
    for code, where, sentence in explain(path, error.validator_value, error.instance, error):
        yield Problem(pointer(where), code, sentence)


def listed(names: list[str], word: str = "or") -> str:
    """Return names as part of a sentence."""
    quoted = [f'"{name}"' for name in names]
    return f" {word} ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[:-1] else quoted)


def _about(path: Path) -> str:
    """Return a place as the beginning of a sentence."""
    words = place(path)
    return words[0].upper() + words[1:]


def _type(path: Path, wanted: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    sentence = f"{_about(path)} must be {_TYPES[wanted]}, not {_kind(value)}."
    if len(path) == 2 and path[0] == "buttons":
        sentence += ' A row is a list of buttons: [{"text": "A", "go": "a"}].'
    elif len(path) == 3 and path[0] == "buttons":
        sentence += ' A button is such as {"text": "A", "go": "a"}.'
    yield ProblemCode.WRONG_TYPE, path, sentence


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null; leave it out if it is not needed"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def _unknown(path: Path, _: Any, value: Any, error: ValidationError) -> Iterator[_Found]:
    known = list(error.schema["properties"])
    for name in value:
        if name in known:
            continue
        near = difflib.get_close_matches(name[:100].lower(), known, n=1)
        hint = f"Did you mean {listed(near)}?" if near else f"It can be {listed(known)}."
        if name.lower() in _FILES and "media" in known:
            kind = _FILES[name.lower()]
            hint = f'Files are in "media": {{"type": "{kind}", "url": "https://…"}}.'
        sentence = f"{_about((*path, name))} is not known. {hint}"
        yield ProblemCode.UNKNOWN_FIELD, (*path, name), sentence


def _required(path: Path, names: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    for name in names:
        if name not in value:
            yield ProblemCode.MISSING_FIELD, path, f'{_about(path)} needs "{name}". Add it.'


def _one_of(path: Path, branches: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    if not isinstance(value, dict):  # reported as a wrong type
        return
    names = [branch["required"][0] for branch in branches if "required" in branch]
    given = [name for name in names if name in value]
    if given:
        sentence = f"{_about(path)} has {listed(given, 'and')}. Keep only one of them."
        yield ProblemCode.CONFLICTING_FIELDS, path, sentence
    else:
        sentence = f"{_about(path)} needs exactly one of {listed(names)}. Add one."
        yield ProblemCode.MISSING_FIELD, path, sentence


def _any_of(path: Path, branches: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    if isinstance(value, dict):
        names = [branch["required"][0] for branch in branches]
        sentence = f"{_about(path)} has no content. Add at least one of {listed(names)}."
        yield ProblemCode.NO_CONTENT, path, sentence


def _enum(path: Path, choices: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    near = difflib.get_close_matches(value[:100].lower(), choices, n=1) if _is_text(value) else []
    hint = f" Did you mean {listed(near)}?" if near else ""
    sentence = f"{_about(path)} must be {listed(choices)}.{hint}"
    yield ProblemCode.NOT_A_CHOICE, path, sentence


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _const(path: Path, wanted: Any, _: Any, __: ValidationError) -> Iterator[_Found]:
    sentence = f"{_about(path)} can only be {str(wanted).lower()}. Leave it out otherwise."
    yield ProblemCode.NOT_A_CHOICE, path, sentence


def _min_length(path: Path, _: Any, __: Any, ___: ValidationError) -> Iterator[_Found]:
    yield ProblemCode.TOO_SHORT, path, f"{_about(path)} is empty. Write something in it."


def _max_length(path: Path, longest: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    sentence = (
        f"{_about(path)} has {len(value):,} characters, and at most {longest:,} are allowed. "
        "Shorten it."
    )
    yield ProblemCode.TOO_LONG, path, sentence


def _min_items(path: Path, fewest: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    sentence = f"{_about(path)} is empty. Add a button, or remove it."
    if fewest > 1:
        sentence = (
            f"The album needs at least {fewest} files, and has {len(value)}. Add one; a single "
            "file is written without the list."
        )
    yield ProblemCode.TOO_FEW, path, sentence


def _max_items(path: Path, most: Any, value: Any, _: ValidationError) -> Iterator[_Found]:
    sentence = f"{_about(path)} has {len(value):,} entries, and at most {most} are allowed."
    yield ProblemCode.TOO_MANY, path, f"{sentence} Remove some."


def _range(path: Path, _: Any, __: Any, error: ValidationError) -> Iterator[_Found]:
    least, most = error.schema["minimum"], error.schema["maximum"]
    sentence = f"{_about(path)} must be between {least:,} and {most:,}."
    yield ProblemCode.OUT_OF_RANGE, path, sentence


def _pattern(path: Path, pattern: Any, _: Any, __: ValidationError) -> Iterator[_Found]:
    sentence = f"{_about(path)} must be {_PATTERNS[pattern]}."
    yield ProblemCode.WRONG_PATTERN, path, sentence


# By keyword of the schema; a test checks that every keyword that can fail is here.
WORDINGS: dict[str, Callable[[Path, Any, Any, ValidationError], Iterator[_Found]]] = {
    "type": _type,
    "additionalProperties": _unknown,
    "required": _required,
    "oneOf": _one_of,
    "anyOf": _any_of,
    "enum": _enum,
    "const": _const,
    "minLength": _min_length,
    "maxLength": _max_length,
    "minItems": _min_items,
    "maxItems": _max_items,
    "minimum": _range,
    "maximum": _range,
    "pattern": _pattern,
}
