"""What breaks the schema of scenarios, as sentences for people who do not know JSON Schema."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from dialogs.scenarios.checker import Mismatch
from dialogs.scenarios.problems import Code, Path, Problem, begin, error, place

_TYPES = {
    "string": "a text", "object": "an object with named fields", "array": "a list",
    "boolean": "true or false", "integer": "a whole number", "number": "a number", "null": "null",
}  # fmt: skip
_CODES = {
    "type": Code.WRONG_TYPE, "additionalProperties": Code.UNKNOWN_FIELD,
    "minLength": Code.TOO_SHORT, "maxLength": Code.TOO_LONG,
    "pattern": Code.WRONG_PATTERN, "enum": Code.NOT_A_CHOICE, "const": Code.NOT_A_CHOICE,
    "minItems": Code.TOO_FEW, "maxItems": Code.TOO_MANY,
    "minProperties": Code.TOO_FEW, "maxProperties": Code.TOO_MANY,
    "minimum": Code.OUT_OF_RANGE, "maximum": Code.OUT_OF_RANGE,
}  # fmt: skip


def problems_of(mismatch: Mismatch) -> Iterator[Problem]:
    """Return the problems behind one mismatch with the schema."""
    path, value = mismatch.path, mismatch.value
    match mismatch.keyword:
        case "required":
            for name in mismatch.wanted:
                if name not in value:
                    sentence = f'{begin(place(path))} needs "{name}". Add it.'
                    yield error(path, Code.MISSING_FIELD, sentence)
        case "oneOf" | "anyOf":
            yield _alternatives(path, mismatch.wanted, value)
        case keyword:
            sentence = f"{begin(place(path))} {_rule(mismatch)}"
            yield error(path, _CODES[keyword], sentence)


def _alternatives(path: Path, branches: Any, value: dict[str, Any]) -> Problem:
    names = [branch["required"][0] for branch in branches if "required" in branch]
    given = [name for name in names if name in value]
    about = begin(place(path))
    if given:
        sentence = f"{about} has {listed(given, 'and')}. Keep only one of them."
        return error(path, Code.CONFLICTING_FIELDS, sentence)
    return error(path, Code.MISSING_FIELD, f"{about} needs one of {listed(names)}. Add one.")


def _rule(mismatch: Mismatch) -> str:
    """Return what a value must be, as the end of a sentence."""
    wanted, value = mismatch.wanted, mismatch.value
    match mismatch.keyword:
        case "type":
            kinds = " or ".join(_TYPES[name] for name in wanted)
            return f"must be {kinds}, not {kind_of(value)}."
        case "additionalProperties":
            return _unknown(str(mismatch.path[-1]), list(mismatch.schema.get("properties", {})))
        case "minLength" | "minItems" | "minProperties" if wanted == 1:
            return "is empty. Write something in it, or remove it."
        case "minItems" | "minProperties":
            return f"has {len(value)} entries, and needs at least {wanted}. Add some."
        case "maxLength":
            return f"has {len(value):,} characters, and at most {wanted:,} are allowed. Shorten it."
        case "maxItems" | "maxProperties":
            return f"has {len(value):,} entries, and at most {wanted:,} are allowed. Remove some."
        case "minimum":
            return f"must be {wanted:,} or more."
        case "maximum":
            return f"must be {wanted:,} or less."
        case "enum":
            return _choices(value, wanted)
        case "const":
            return f"can only be {str(wanted).lower()}. Leave it out otherwise."
    return f"is not what it must be. {mismatch.schema.get('description', '')}".rstrip()


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name[:100].lower(), known, n=1)
    hint = f"Did you mean {listed(near)}?" if near else f"It can be {listed(known)}."
    return f"is not known. {hint}"


def _choices(value: Any, choices: list[str]) -> str:
    text = value[:100].lower() if isinstance(value, str) else ""
    near = difflib.get_close_matches(text, choices, n=1)
    return f"must be {listed(choices)}.{f' Did you mean {listed(near)}?' if near else ''}"


def kind_of(value: Any) -> str:
    """Return what kind of value something is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
    return "an object"


def listed(names: list[str], word: str = "or") -> str:
    """Return names as part of a sentence."""
    quoted = [f'"{name}"' for name in names]
    return f" {word} ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[:-1] else quoted)
