"""Which parts of a scenario talks have not come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dialogs.scenarios.effects import Log
from dialogs.scenarios.scenario import Scenario, State


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was left out.

    Args:
        states: the names of the states that were never reached.
        transitions: the transitions that were never taken, by JSON Pointer.
    """

    states: tuple[str, ...]
    transitions: tuple[str, ...]


def coverage(scenario: Scenario, log: Iterable[Log]) -> Coverage:
    """Return what the steps of one or several talks have left out."""
    reached: set[str] = set()
    taken: set[str] = set()
    for entry in log:
        reached.add(entry.to)
        taken.add(entry.transition)
    return Coverage(
        tuple(name for name in scenario.states if name not in reached),
        tuple(one for one in transitions(scenario) if one not in taken),
    )


def transitions(scenario: Scenario) -> Iterator[str]:
    """Return all transitions of a scenario as its log names them."""
    yield from (one.pointer for one in scenario.anywhere)
    for state in scenario.states.values():
        yield from _of_state(scenario, state)


def _of_state(scenario: Scenario, state: State) -> Iterator[str]:
    yield from (one.pointer for one in state.on)
    question = state.question
    if question:
        yield question.pointer
        if question.gives_up:
            yield f"{question.pointer}/after_retries"
        yield from (one.pointer for one in question.on)
    caught = {one for transition in state.on for one in transition.wanted}
    yield from (place for go, place in state.buttons if go not in caught)
    yield from (branch.pointer for branch in state.entry.way)
    if state.entry.end:
        yield f"/states/{state.name}/end"
