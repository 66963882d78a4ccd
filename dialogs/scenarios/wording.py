"""What breaks the schema of scenarios, as sentences for people who do not know JSON Schema."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dialogs.messages.wording import listed
from dialogs.scenarios.checker import Mismatch
from dialogs.scenarios.problems import Code, Path, Problem, begin, error, place
from dialogs.scenarios.slips import (
    meant_choice,
    meant_field,
    meant_form,
    meant_name,
    way_out_of_empty,
)

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
_TARGETS = ("@start", "@back", "@again", "@stay")
_MAX_HINTS = 10  # each compares a name with up to 1,000 others


def problems_of(mismatch: Mismatch, whole: str = "the document") -> Iterator[Problem]:
    """Return the problems behind one mismatch with the schema.

    Args:
        whole: what the document is called.
    """
    path, value = mismatch.path, mismatch.value
    about = begin(place(path, whole))
    match mismatch.keyword:
        case "required":
            for name in mismatch.wanted:
                if name not in value:
                    yield error(path, Code.MISSING_FIELD, f'{about} needs "{name}". Add it.')
        case "oneOf" | "anyOf":
            yield _alternatives(path, about, mismatch.wanted, value)
        case keyword:
            yield error(path, _CODES[keyword], f"{about} {_rule(mismatch)}".rstrip())


def _alternatives(path: Path, about: str, branches: Any, value: dict[str, Any]) -> Problem:
    names = [branch["required"][0] for branch in branches if "required" in branch]
    given = [name for name in names if name in value]
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
            return f"must be {kinds}, not {kind_of(value)}. {meant_form(mismatch.path, value)}"
        case "additionalProperties":
            return _unknown(mismatch.path, value, list(mismatch.schema.get("properties", {})))
        case "minLength" | "minItems" | "minProperties" if wanted == 1:
            return f"is empty. {way_out_of_empty(mismatch.path)}"
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
        case "pattern" if meant := meant_name(mismatch.path, value):
            return meant
        case "pattern" if value.startswith("@"):
            sentence = f"is not what it must be. {mismatch.schema.get('description', '')}"
            return f"{sentence.rstrip()}{did_you_mean(value, _TARGETS)}"
    return f"is not what it must be. {mismatch.schema.get('description', '')}".rstrip()


def _unknown(path: Path, value: Any, known: list[str]) -> str:
    if meant := meant_field(path, value, known):
        return f"is not known. {meant}"
    hint = did_you_mean(str(path[-1]), known) or f" It can be {listed(known)}."
    return f"is not known.{hint}"


def _choices(value: Any, choices: list[str]) -> str:
    if meant := meant_choice(value, choices):
        return f'must be {listed(choices)}. Did you mean "{meant}"?'
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"must be {listed(choices)}.{hint}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question for the end of a sentence, which names what is most like a misspelt name.

    Args:
        known: the names that there are; case does not matter.

    Returns:
        The question with a space before it; empty if nothing is like it.
    """
    near = nearest(name, {one.lower(): one for one in known if one != name})
    return f" Did you mean {listed([near])}?" if near else ""


def nearest(name: str, known: Mapping[str, str], *, likeness: float = 0.6) -> str:
    """Return what is known by the name that is most like a misspelt one; empty if none is.

    Args:
        known: what there is, by names in small letters.
        likeness: 1 for the same name, 0 for one that has nothing in common.
    """
    near = difflib.get_close_matches(name[:100].lower(), known, n=1, cutoff=likeness)
    return known[near[0]] if near else ""


class Hints:
    """Asks what was meant by the first few misspelt names of a document.

    Args:
        known: the names that there are.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = [*known]
        self._given: dict[tuple[str, ...], str] = {}

    def hint(self, name: str, others: Iterable[str] = ()) -> str:
        """Return a question as from `did_you_mean`; empty after 10 names.

        Args:
            others: names that are known, too, at the place in hand.
        """
        key = (name, *others)
        if key not in self._given and len(self._given) < _MAX_HINTS:
            self._given[key] = did_you_mean(name, (*others, *self._known))
        return self._given.get(key, "")


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
