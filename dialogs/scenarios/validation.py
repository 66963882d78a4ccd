"""The validation of a scenario: everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dialogs.scenarios.checker import Mismatch
from dialogs.scenarios.details import detail_problems
from dialogs.scenarios.graph import graph_problems, target_problems
from dialogs.scenarios.lost_values import lost_values
from dialogs.scenarios.misread_texts import text_warnings
from dialogs.scenarios.problems import (
    MAX_PROBLEMS,
    Code,
    InvalidScenario,
    Path,
    Problem,
    Severity,
    error,
)
from dialogs.scenarios.reading import read_scenario
from dialogs.scenarios.regexes import regex_problems
from dialogs.scenarios.said_messages import message_problems, schema_problems
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import MESSAGE_ID, scenario_checker
from dialogs.scenarios.sound_part import SoundPart, cut_states, sound_part
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.wording import problems_of


def validate(document: Any) -> tuple[Scenario | None, list[Problem]]:
    """Return the scenario of a document, and everything that is wrong with it.

    Args:
        document: any value, as it was read from JSON.

    Returns:
        The scenario, None if there is an error; and the problems as from `find_problems`.
    """
    problems = find_problems(document)
    is_valid = not problems or problems[0].severity is not Severity.ERROR
    return read_scenario(document) if is_valid else None, problems


def find_problems(document: Any) -> list[Problem]:
    """Return everything that is wrong with a document, up to 200 errors and 200 warnings.

    Args:
        document: any value, as it was read from JSON.

    Returns:
        The problems, errors before warnings.
    """
    errors: dict[Problem, None] = {}  # each once, in order
    warnings: dict[Problem, None] = {}
    for problem in _problems(document):
        if problem.severity is Severity.ERROR:
            errors[problem] = None
            if len(errors) > MAX_PROBLEMS:
                return _cut([*errors])
        elif len(warnings) < MAX_PROBLEMS:
            warnings[problem] = None
    return [*errors, *warnings]


def load(document: Any, version: int = 0) -> Scenario:
    """Return the scenario of a document.

    Raises:
        InvalidScenario: it has errors.
    """
    scenario, problems = validate(document)
    if scenario is None:
        raise InvalidScenario(problems)
    return scenario.at(version)


def _cut(problems: list[Problem]) -> list[Problem]:
    """Return as many problems as somebody reads; the last one says that there are more."""
    sentence = "The document has more problems than these. Solve these first."
    return [*problems[: MAX_PROBLEMS - 1], error((), Code.MORE_PROBLEMS, sentence)]


def _problems(document: Any) -> Iterator[Problem]:
    if found := structure_problems(document):
        yield from found
        return
    mismatches = scenario_checker().mismatches(document)
    yield from _with_the_schema(document, mismatches)
    if not mismatches:
        yield from _beyond_the_schema(document)
        return
    rest = sound_part(document, [one.path for one in mismatches])
    if rest is None:
        return
    if left := _misfits(rest.document):
        cut_states(rest, left)
        if _misfits(rest.document):
            return
    # what warns of something that is missing may be about what was left out
    for problem in _beyond_the_schema(rest.document):
        if problem.severity is Severity.ERROR and not _is_consequence(problem, rest):
            yield problem


def _misfits(document: Any) -> list[Path]:
    """Return the places that do not fit the schema, except for the names of states."""
    return [
        one.path
        for one in scenario_checker().mismatches(document)
        if not (one.keyword == "pattern" and one.path[0] == "states" and len(one.path) == 2)
    ]


def _is_consequence(problem: Problem, rest: SoundPart) -> bool:
    """Tell whether a problem may be none: what has caught a button was cut out."""
    if problem.code != Code.UNKNOWN_BUTTON:
        return False
    return "" in rest.uncaught or problem.pointer.split("/")[2] in rest.uncaught


def _beyond_the_schema(document: Any) -> Iterator[Problem]:
    yield from message_problems(document)
    targets = [*target_problems(document)]
    yield from targets
    yield from regex_problems(document)
    yield from detail_problems(document)
    yield from lost_values(document)
    yield from text_warnings(document)
    if not any(one.severity is Severity.ERROR for one in targets):
        yield from graph_problems(document)


def _with_the_schema(document: Any, mismatches: list[Mismatch]) -> Iterator[Problem]:
    """Explain what does not fit the schema; messages have sentences of their own."""
    seen: set[Path] = set()
    for mismatch in mismatches:
        if mismatch.resource != MESSAGE_ID:
            yield from problems_of(mismatch)
            continue
        path = _message_path(document, mismatch.path)
        if path not in seen:
            seen.add(path)
            value = document
            for name in path:
                value = value[name]
            found = [*schema_problems(value, path)]
            yield from found or problems_of(mismatch)


def _message_path(document: Any, path: Path) -> Path:
    """Return the place of the message that a place is in."""
    for length, name in enumerate(path):
        if name in {"say", "retry"} and length and path[length - 1] != "states":
            inside = document
            for step in path[: length + 1]:
                inside = inside[step]
            return path[: length + 2] if isinstance(inside, list) else path[: length + 1]
    return path
