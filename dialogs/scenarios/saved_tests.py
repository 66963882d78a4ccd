"""Tests of a scenario that are stored with it: what a user does, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.scenarios.effects import Log
from dialogs.scenarios.problems import Problem
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import saved_test_checker
from dialogs.scenarios.simulation import InvalidEvents, simulate
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.wording import listed, problems_of


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as a test expects it.

    Args:
        turn: the index of the turn; -1 for what is expected at the end.
        message: a sentence that tells the difference.
    """

    turn: int
    message: str

    def told(self) -> str:
        """Return the sentence with its turn, for people: turn 1 is the first."""
        return self.message if self.turn < 0 else f"Turn {self.turn + 1}: {self.message}"


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
    return [
        one for found in saved_test_checker().mismatches(document) for one in problems_of(found)
    ]


def run_test(scenario: Scenario, document: Mapping[str, Any]) -> Outcome:
    """Run a valid test."""
    turns = document["turns"]
    try:
        played = simulate(scenario, [turn["user"] for turn in turns])
    except InvalidEvents as error:
        [problem] = error.problems
        turn = int(problem.pointer.split("/")[1])
        return Outcome(document["name"], (Fault(turn, problem.message),))
    faults: list[Fault] = []
    for index, turn in enumerate(turns):
        said, state = played.replies[index], played.states[index]
        if "bot" in turn and said != turn["bot"]:
            sentence = f"The bot should say {_texts(turn['bot'])}, and says {_texts(said)}."
            faults.append(Fault(index, sentence))
        if "state" in turn and state != turn["state"]:
            faults.append(Fault(index, _other_state(turn["state"], state)))
    for name, wanted in document.get("variables", {}).items():
        value = played.variables.get(name)
        if value != wanted:
            sentence = f'At the end, "{name}" should be {_value(wanted)}, and is {_value(value)}.'
            faults.append(Fault(-1, sentence))
    faults += [Fault(-1, failure.message) for failure in played.failures]
    return Outcome(document["name"], tuple(faults), tuple(played.log))


def _texts(texts: list[str]) -> str:
    return listed(texts, "and") if texts else "nothing"


def _other_state(wanted: str, state: str) -> str:
    if not wanted:
        return f'The talk should have ended, and is in state "{state}".'
    found = f'is in "{state}"' if state else "has ended"
    return f'The talk should be in state "{wanted}", and {found}.'


def _value(value: Any) -> str:
    """Return the value of a variable in words."""
    match value:
        case None:
            return "empty"
        case []:
            return "an empty list"
        case list():
            return f"the list {' and '.join(_value(one) for one in value)}"
        case str():
            return f'"{value}"'
    return json.dumps(value, ensure_ascii=False)
