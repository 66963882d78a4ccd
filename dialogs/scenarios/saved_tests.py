"""Tests of a scenario that are stored with it: what a user does, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dialogs.messages.wording import listed
from dialogs.scenarios.effects import VALUE_NOT_SAVED, Log
from dialogs.scenarios.problems import Code, Problem, error, go_on, short
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import saved_test_checker
from dialogs.scenarios.simulation import (
    EARLIEST,
    LATEST,
    START,
    InvalidEvents,
    Simulation,
    simulate,
)
from dialogs.scenarios.simulation_budget import NO_LIMIT, SimulationBudget
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.wording import Hints, problems_of

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
    problems = structure_problems(document, divisible=True) or _problems(document)
    name = document.get("name") if isinstance(document, Mapping) else None
    named = f'In the test "{short(name)}": ' if isinstance(name, str) and name.strip() else ""
    return [replace(one, message=_about_test(named, one.message)) for one in problems]


def _about_test(named: str, sentence: str) -> str:
    if sentence.startswith("The document "):
        sentence = f"The test {sentence.removeprefix('The document ')}"
    return f"{named}{go_on(sentence)}" if named else sentence


def _problems(document: Any) -> list[Problem]:
    problems = [
        one
        for found in saved_test_checker().mismatches(document)
        for one in problems_of(found, "the test")
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


def run_test(
    scenario: Scenario,
    document: Mapping[str, Any],
    *,
    budget: SimulationBudget = NO_LIMIT,
    hints: Hints | None = None,
) -> Outcome:
    """Run a valid test.

    Args:
        budget: what it may use; if that is not enough, it fails.
        hints: ask what state was meant by an unknown one; None for hints of this test alone.
    """
    hints = hints or Hints(scenario.states)
    events = [turn["user"] for turn in document["turns"]]
    try:
        played = simulate(scenario, events, now=_begins(document) or START, budget=budget)
    except InvalidEvents as refused:
        return _ended_early(document, refused, scenario, hints)
    faults = [
        *_differences(document, played, scenario, hints),
        *_differences_at_the_end(document, played),
        *_failures(played),
    ]
    return Outcome(document["name"], _first(faults), tuple(played.log))


def _ended_early(
    document: Mapping[str, Any], refused: InvalidEvents, scenario: Scenario, hints: Hints
) -> Outcome:
    """Return what came of a test with a turn that cannot be played: the fault of that is the last.

    Often an earlier fault is its cause.
    """
    [problem] = refused.problems
    last = Fault(int(problem.pointer.split("/")[1]), problem.message)
    if refused.played is None:
        return Outcome(document["name"], (last,))
    faults = [*_differences(document, refused.played, scenario, hints), *_failures(refused.played)]
    return Outcome(
        document["name"],
        (*_first(faults, MAX_FAULTS - 1), last),
        tuple(refused.played.log),
    )


def _differences(
    document: Mapping[str, Any], played: Simulation, scenario: Scenario, hints: Hints
) -> Iterator[Fault]:
    """Return what differs from what a test expects of the turns that were played."""
    turns = zip(document["turns"], played.replies, played.states, strict=False)
    for index, (turn, said, state) in enumerate(turns):
        if "bot" in turn and said != turn["bot"]:
            shown, found = _cut(_texts(turn["bot"])), _cut(_texts(said))
            yield Fault(index, f"The bot should say {shown}, and says {found}.")
        if "state" in turn and state != turn["state"]:
            yield Fault(index, _other_state(turn["state"], state, scenario, hints))


def _differences_at_the_end(document: Mapping[str, Any], played: Simulation) -> Iterator[Fault]:
    for name, wanted in document.get("variables", {}).items():
        value = played.variables.get(name)
        if value != wanted:
            shown, found = _cut(_value(wanted)), _cut(_value(value))
            yield Fault(-1, f'At the end, "{name}" should be {shown}, and is {found}.')


def _failures(played: Simulation) -> Iterator[Fault]:
    return (
        Fault(-1, failure.message)
        for failure in played.failures
        if failure.code != VALUE_NOT_SAVED  # a test may want that, too: its variable is empty
    )


def _texts(texts: list[str]) -> str:
    return listed(texts, "and") if texts else "nothing"


def _other_state(wanted: str, state: str, scenario: Scenario, hints: Hints) -> str:
    if not wanted:
        return f'The talk should have ended, and is in state "{state}".'
    found = f'is in "{state}"' if state else "has ended"
    if wanted in scenario.states:
        return f'The talk should be in state "{wanted}", and {found}.'
    sentence = f'There is no state "{short(wanted)}", in which the talk should be; it {found}.'
    return sentence + hints.hint(wanted)


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


def _first(faults: list[Fault], most: int = MAX_FAULTS) -> tuple[Fault, ...]:
    """Return as many faults as somebody reads; the last one says that there are more."""
    if len(faults) <= most:
        return tuple(faults)
    rest = len(faults) - most + 1
    sentence = f"There are {rest} more differences. Mend these first."
    return (*faults[: most - 1], Fault(faults[most - 1].turn, sentence))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TOLD else f"{text[:_MAX_TOLD]}…"
