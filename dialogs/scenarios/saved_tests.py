"""Tests of a scenario that are stored with it: what a user does, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dialogs.scenarios.effects import Log
from dialogs.scenarios.problems import Code, Problem, error
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import saved_test_checker
from dialogs.scenarios.simulation import EARLIEST, LATEST, START, InvalidEvents, simulate
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.wording import problems_of


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as a test expects it.

    Args:
        turn: the index of the turn; -1 for what is expected at the end.
        message: a sentence that tells the difference.
    """

    turn: int
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test: it has passed if there are no faults.

    Args:
        log: the steps, for the coverage.
    """

    name: str
    faults: tuple[Fault, ...]
    log: tuple[Log, ...] = ()


def validate_test(document: Any) -> list[Problem]:
    """Return what is wrong with a saved test; none if it can be run.

    Args:
        document: any value, as it was read from JSON.
    """
    problems = structure_problems(document)
    if problems:
        return problems
    problems = [
        one for found in saved_test_checker().mismatches(document) for one in problems_of(found)
    ]
    if not problems and "now" in document and _begins(document) is None:
        sentence = (
            f'"now" must be a time from {EARLIEST.year} to {LATEST.year - 1}, such as '
            "2026-01-31T18:30:00Z."
        )
        problems.append(error(("now",), Code.OUT_OF_RANGE, sentence))
    return problems


def _begins(document: Mapping[str, Any]) -> datetime | None:
    """Return when a test begins; None if it names no time that can be."""
    try:
        moment = datetime.fromisoformat(document["now"]) if "now" in document else START
    except ValueError:
        return None
    return moment if EARLIEST <= moment < LATEST else None


def run_test(scenario: Scenario, document: Mapping[str, Any]) -> Outcome:
    """Run a valid test."""
    turns = document["turns"]
    try:
        events = [turn["user"] for turn in turns]
        played = simulate(scenario, events, now=_begins(document) or START)
    except InvalidEvents as refused:
        [problem] = refused.problems
        turn = int(problem.pointer.split("/")[1])
        return Outcome(document["name"], (Fault(turn, problem.message),))
    faults: list[Fault] = []
    for index, turn in enumerate(turns):
        said, state = played.replies[index], played.states[index]
        if "bot" in turn and said != turn["bot"]:
            sentence = f"The bot should say {turn['bot']!r}, and says {said!r}."
            faults.append(Fault(index, sentence))
        if "state" in turn and state != turn["state"]:
            sentence = f'The talk should be in state "{turn["state"]}", and is in "{state}".'
            faults.append(Fault(index, sentence))
    for name, wanted in document.get("variables", {}).items():
        value = played.variables.get(name)
        if value != wanted:
            sentence = f'At the end, "{name}" should be {wanted!r}, and is {value!r}.'
            faults.append(Fault(-1, sentence))
    faults += [Fault(-1, failure.message) for failure in played.failures]
    return Outcome(document["name"], tuple(faults), tuple(played.log))
