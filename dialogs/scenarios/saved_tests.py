"""Tests of a scenario that are stored with it: what a user does, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.scenarios.budget import NO_LIMIT, Budget
from dialogs.scenarios.effects import Log
from dialogs.scenarios.problems import Problem
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import saved_test_checker
from dialogs.scenarios.simulation import InvalidEvents, simulate
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.wording import problems_of

MAX_FAULTS = 20  # of a test; nobody reads more
_MAX_TOLD = 500  # characters of what was wanted, and of what came, in a fault


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
    return [
        one for found in saved_test_checker().mismatches(document) for one in problems_of(found)
    ]


def run_test(
    scenario: Scenario, document: Mapping[str, Any], *, budget: Budget = NO_LIMIT
) -> Outcome:
    """Run a valid test.

    Args:
        budget: what it may use; if that is not enough, it fails.
    """
    turns = document["turns"]
    try:
        played = simulate(scenario, [turn["user"] for turn in turns], budget=budget)
    except InvalidEvents as error:
        [problem] = error.problems
        turn = int(problem.pointer.split("/")[1])
        return Outcome(document["name"], (Fault(turn, problem.message),))
    faults: list[Fault] = []
    for index, turn in enumerate(turns):
        said, state = played.replies[index], played.states[index]
        if "bot" in turn and said != turn["bot"]:
            sentence = f"The bot should say {_told(turn['bot'])}, and says {_told(said)}."
            faults.append(Fault(index, sentence))
        if "state" in turn and state != turn["state"]:
            sentence = f'The talk should be in state "{turn["state"]}", and is in "{state}".'
            faults.append(Fault(index, sentence))
    for name, wanted in document.get("variables", {}).items():
        value = played.variables.get(name)
        if value != wanted:
            sentence = f'At the end, "{name}" should be {_told(wanted)}, and is {_told(value)}.'
            faults.append(Fault(-1, sentence))
    faults += [Fault(-1, failure.message) for failure in played.failures]
    return Outcome(document["name"], _first(faults), tuple(played.log))


def _first(faults: list[Fault]) -> tuple[Fault, ...]:
    """Return as many faults as somebody reads; the last one says that there are more."""
    if len(faults) <= MAX_FAULTS:
        return tuple(faults)
    rest = len(faults) - MAX_FAULTS + 1
    sentence = f"There are {rest} more differences. Mend these first."
    return (*faults[: MAX_FAULTS - 1], Fault(faults[MAX_FAULTS - 1].turn, sentence))


def _told(value: Any) -> str:
    """Return a value as a fault has it."""
    text = repr(value)
    return text if len(text) <= _MAX_TOLD else f"{text[:_MAX_TOLD]}…"
