"""How much a simulation, or all tests of a scenario together, may have and take."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from support.scenarios import made, waiting

from dialogs.scenarios import InvalidEvents, SimulationBudget, load, run_test, simulate, template
from dialogs.scenarios.simulation_budget import MAX_SIZE

SAY = ["{{v}}" * 7] * 2  # nearly as much as one message of a user may lead to
TALKATIVE = {
    "start": "a",
    "variables": {"v": {"type": "text", "default": "y" * 4096}},
    "states": {"a": {"say": SAY, "on": [{"content": "any", "go": "a"}]}},
}


def test_a_simulation_that_says_too_much_ends_with_what_to_do() -> None:
    with pytest.raises(InvalidEvents) as refused:
        simulate(load(TALKATIVE), ["a"] * 1000, budget=SimulationBudget())
    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == ("/34", "out_of_room")
    assert "2 MB" in problem.message
    assert "Play fewer events, or let the bot say less." in problem.message


def test_the_log_counts_like_what_is_said() -> None:
    quiet = made({"a": {"on": [{"content": "text", "save": "x"}]}})
    events = [f"{number}" * 200 for number in range(100, 200)]
    small = SimulationBudget(size=50_000)
    with pytest.raises(InvalidEvents):
        simulate(quiet, events, budget=small)


def test_the_time_of_a_simulation_is_limited_between_events() -> None:
    seconds = count()
    with pytest.raises(InvalidEvents) as refused:
        simulate(waiting(), ["a"] * 1000, budget=SimulationBudget(lambda: float(next(seconds))))
    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == ("/5", "out_of_time")
    assert "Play fewer events." in problem.message


def test_all_tests_of_a_scenario_share_a_budget_and_their_faults_are_short() -> None:
    turns = [{"user": "a", "bot": ["x" * 4096]}] * 200
    scenario, budget = load(TALKATIVE), SimulationBudget()
    outcomes = [
        run_test(scenario, {"name": f"{number}", "turns": turns}, budget=budget)
        for number in range(100)
    ]
    assert all("2 MB" in one.faults[-1].message for one in outcomes)
    assert sum(len(one.log) for one in outcomes) < 100


def test_what_was_said_is_short_in_a_fault() -> None:
    turns: list[dict[str, Any]] = [{"user": "a", "bot": ["x" * 4096]}, {"user": "a", "bot": []}]
    outcome = run_test(load(TALKATIVE), {"name": "a", "turns": turns}, budget=SimulationBudget())
    assert [fault.turn for fault in outcome.faults] == [0, 1]
    assert all("yyy…" in fault.message for fault in outcome.faults)
    assert max(len(fault.message) for fault in outcome.faults) < 1100
    many = [{"user": "a", "bot": ["no"], "state": "no"}] * 200
    outcome = run_test(waiting(), {"name": "a", "turns": many}, budget=SimulationBudget())
    assert len(outcome.faults) == 20
    assert outcome.faults[-1].message == "There are 381 more differences. Mend these first."


def test_few_of_many_unknown_states_are_compared_with_those_that_there_are() -> None:
    turns = [{"user": "a", "state": f"firs{number}"} for number in range(19)]
    outcome = run_test(waiting(), {"name": "a", "turns": turns})
    asked = [fault.message.endswith('Did you mean "first"?') for fault in outcome.faults]
    assert asked == [True] * 10 + [False] * 9


def test_a_simulation_of_normal_size_is_far_from_its_limits() -> None:
    played = simulate(
        load(template("order.en")), ["/start", "2", "x"] * 300, budget=SimulationBudget()
    )
    assert len(played.states) == 900
    assert (
        len(json.dumps([played.transcript, [one.to_json() for one in played.log]])) < MAX_SIZE / 2
    )
