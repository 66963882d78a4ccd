"""A JSON Schema as a function that finds what is wrong with a value.

It knows the keywords that our schemas use (draft 2020-12), and is 20 times as fast as a general
validator, so that 500 states are checked in a tenth of a second. A test compares both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.scenarios.problems import Path

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that breaks a rule of the schema.

    Args:
        keyword: the rule, such as "maxLength".
        wanted: what the rule says, such as 100.
        schema: the schema that has the rule.
        resource: the `$id` of the document that has the schema.
    """

    path: Path
    keyword: str
    wanted: Any
    value: Any
    schema: Schema
    resource: str


Check = Callable[[Any, Path, list[Mismatch]], None]
_Test = Callable[[Any, Any], bool]  # the value and what the rule says; True if it is broken

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
}
# By keyword: the type of the values that it is about, and when a value breaks it.
_SIMPLE: dict[str, tuple[str, _Test]] = {
    "minLength": ("string", lambda value, wanted: len(value) < wanted),
    "maxLength": ("string", lambda value, wanted: len(value) > wanted),
    "pattern": ("string", lambda value, wanted: not re.search(wanted, value)),
    "minimum": ("number", lambda value, wanted: value < wanted),
    "maximum": ("number", lambda value, wanted: value > wanted),
    "minItems": ("array", lambda value, wanted: len(value) < wanted),
    "maxItems": ("array", lambda value, wanted: len(value) > wanted),
    "minProperties": ("object", lambda value, wanted: len(value) < wanted),
    "maxProperties": ("object", lambda value, wanted: len(value) > wanted),
    "required": ("object", lambda value, wanted: not all(map(value.__contains__, wanted))),
}
_NOTES = {
    "$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples",
    "then", "else", "properties",
}  # fmt: skip


class Checker:
    """A compiled schema.

    Args:
        schema: its `$ref`s lead into its own `$defs`, or to the `$id` of another resource.
        others: the other resources.
    """

    def __init__(self, schema: Schema, *others: Schema) -> None:
        self._resources = {str(one["$id"]): one for one in (schema, *others)}
        self._compiled: dict[tuple[str, str], Check] = {}
        self._check = self._compile(schema, str(schema["$id"]))

    def mismatches(self, value: Any) -> list[Mismatch]:
        """Return everything that is wrong with a value.

        Args:
            value: as it was read from JSON, not nested too deep.
        """
        found: list[Mismatch] = []
        self._check(value, (), found)
        return found

    def _compile(self, schema: Schema, resource: str) -> Check:
        checks = []
        rules: list[tuple[str, Any, _Test]] = []  # those about values of the one type
        for keyword in schema:
            if keyword in _SIMPLE:
                about, is_broken = _SIMPLE[keyword]
                if schema.get("type") == about:
                    rules.append((keyword, schema[keyword], is_broken))
                else:
                    checks.append(_simple(keyword, schema, resource))
            elif keyword not in _NOTES and keyword != "type":
                checks.append(self._make(keyword, schema, resource))
        if "properties" in schema and "additionalProperties" not in schema:
            checks.append(self._members(schema, resource))
        if "type" not in schema:
            return checks[0] if len(checks) == 1 else self._all(checks)
        kinds, is_meant = _type(schema)

        def check(value: Any, path: Path, found: list[Mismatch]) -> None:
            if not is_meant(value):
                found.append(Mismatch(path, "type", kinds, value, schema, resource))
                return
            for keyword, wanted, is_broken in rules:
                if is_broken(value, wanted):
                    found.append(Mismatch(path, keyword, wanted, value, schema, resource))
            for one in checks:
                one(value, path, found)

        return check

    def _make(self, keyword: str, schema: Schema, resource: str) -> Check:
        match keyword:
            case "$ref":
                return self._reference(str(schema["$ref"]), resource)
            case "additionalProperties":
                return self._members(schema, resource)
            case "propertyNames":
                return self._names(schema, resource)
            case "items":
                return self._items(schema, resource)
            case "if":
                return self._choice(schema, resource)
            case "allOf":
                return self._all([self._compile(one, resource) for one in schema["allOf"]])
            case "enum" | "const":
                return _among(keyword, schema, resource)
            case "dependentRequired":
                return _dependent(schema, resource)
            case "oneOf" | "anyOf":
                return _present(keyword, schema, resource)
        raise ValueError(f"the checker does not know {keyword!r}")

    def _reference(self, target: str, resource: str) -> Check:
        home, _, fragment = target.partition("#")
        home = home or resource
        key = (home, fragment)

        def later(value: Any, path: Path, found: list[Mismatch]) -> None:
            self._compiled[key](value, path, found)

        if key not in self._compiled:
            part: Any = self._resources[home]
            for name in fragment.split("/")[1:]:
                part = part[name]
            self._compiled[key] = later  # where the part is in itself
            self._compiled[key] = self._compile(part, home)
        return self._compiled[key]

    def _members(self, schema: Schema, resource: str) -> Check:
        known = {
            name: self._compile(part, resource)
            for name, part in schema.get("properties", {}).items()
        }
        rule = schema.get("additionalProperties", True)
        other = self._compile(rule, resource) if isinstance(rule, dict) else None

        def check(value: Any, path: Path, found: list[Mismatch]) -> None:
            if not isinstance(value, dict):
                return
            for name, one in value.items():
                if part := known.get(name, other):
                    part(one, (*path, name), found)
                elif rule is False:
                    found.append(
                        Mismatch(
                            (*path, name), "additionalProperties", False, one, schema, resource
                        )
                    )

        return check

    def _names(self, schema: Schema, resource: str) -> Check:
        names = self._compile(schema["propertyNames"], resource)

        def check(value: Any, path: Path, found: list[Mismatch]) -> None:
            for name in value if isinstance(value, dict) else ():
                names(name, (*path, name), found)

        return check

    def _items(self, schema: Schema, resource: str) -> Check:
        each = self._compile(schema["items"], resource)

        def check(value: Any, path: Path, found: list[Mismatch]) -> None:
            for index, one in enumerate(value if isinstance(value, list) else ()):
                each(one, (*path, index), found)

        return check

    def _choice(self, schema: Schema, resource: str) -> Check:
        is_first = _TYPES[schema["if"]["type"]]
        first = self._compile(schema["then"], resource)
        second = self._compile(schema["else"], resource)

        def check(value: Any, path: Path, found: list[Mismatch]) -> None:
            (first if is_first(value) else second)(value, path, found)

        return check

    @staticmethod
    def _all(parts: list[Check]) -> Check:
        def check(value: Any, path: Path, found: list[Mismatch]) -> None:
            for part in parts:
                part(value, path, found)

        return check


def _type(schema: Schema) -> tuple[list[str], Callable[[Any], bool]]:
    """Return the types that a schema names, and the test for them."""
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    tests = [_TYPES[name] for name in names]
    return names, tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


def _simple(keyword: str, schema: Schema, resource: str) -> Check:
    kind, is_broken = _SIMPLE[keyword]
    is_meant, wanted = _TYPES[kind], schema[keyword]

    def check(value: Any, path: Path, found: list[Mismatch]) -> None:
        if is_meant(value) and is_broken(value, wanted):
            found.append(Mismatch(path, keyword, wanted, value, schema, resource))

    return check


def _among(keyword: str, schema: Schema, resource: str) -> Check:
    wanted = schema[keyword] if keyword == "enum" else [schema[keyword]]

    def check(value: Any, path: Path, found: list[Mismatch]) -> None:
        # 1 == True in Python, but not in JSON
        if not any(type(value) is type(one) and value == one for one in wanted):
            found.append(Mismatch(path, keyword, schema[keyword], value, schema, resource))

    return check


def _dependent(schema: Schema, resource: str) -> Check:
    rules = schema["dependentRequired"]

    def check(value: Any, path: Path, found: list[Mismatch]) -> None:
        for name, needed in rules.items() if isinstance(value, dict) else ():
            if name in value and any(one not in value for one in needed):
                found.append(Mismatch(path, "required", needed, value, schema, resource))

    return check


def _present(keyword: str, schema: Schema, resource: str) -> Check:
    """Return the check of alternatives that are nothing but the presence of a field, or of none."""
    names = {branch["required"][0] for branch in schema[keyword] if "required" in branch}
    may_be_none = len(names) < len(schema[keyword])
    most = len(names) if keyword == "anyOf" else 1

    def check(value: Any, path: Path, found: list[Mismatch]) -> None:
        if isinstance(value, dict):
            given = len(names & value.keys())
            if given > most or (not given and not may_be_none):
                found.append(Mismatch(path, keyword, schema[keyword], value, schema, resource))

    return check
