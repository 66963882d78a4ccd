"""How large a talk, and the log of one event, can become."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from support.scenarios import made

from dialogs.scenarios import Conversation, Failure, Log, Scenario, load, read_text, step
from dialogs.scenarios.notes import MAX_HELD, MAX_LOGGED
from dialogs.scenarios.simulation import simulate

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NAMES = [f"v{number}" for number in range(98)]


def greedy(times: int = 48) -> Scenario:
    """A scenario that copies what a user writes to 98 variables, several times."""
    states: dict[str, Any] = {
        "a": {"say": "?", "on": [{"content": "text", "save": "z", "go": "s0"}]}
    }
    for number in range(times):
        states[f"s{number}"] = {
            "set": dict.fromkeys(NAMES, f"{number}{{{{z}}}}"),
            "go": f"s{number + 1}" if number < times - 1 else "a",
        }
    return load({"start": "a", "states": states})


@pytest.mark.parametrize("text", ["я" * 4096, "😀" * 2048])
def test_one_message_writes_little_whatever_the_scenario_does(text: str) -> None:
    scenario = greedy(2)
    talk, _ = step(scenario, None, read_text("/start"), NOW)
    talk, effects = step(scenario, talk, read_text(text), NOW)
    log = [one.to_json() for one in effects if isinstance(one, Log)]
    assert len(log) == 3
    assert len(json.dumps(log, ensure_ascii=False).encode()) < MAX_LOGGED + 3 * 100
    assert len(json.dumps(talk.to_json(), ensure_ascii=False).encode()) < MAX_HELD + 4000
    [failure] = [one for one in effects if isinstance(one, Failure)]
    assert failure.code == "variables_full"
    assert "64 KB" in failure.message
    assert talk.state == "a", "the talk goes on"


def test_the_log_leaves_out_the_changes_that_are_too_many_and_says_so() -> None:
    scenario = greedy()
    talk, _ = step(scenario, None, read_text("/start"), NOW)
    _, effects = step(scenario, talk, read_text("x" * 100), NOW)
    log = [one.to_json() for one in effects if isinstance(one, Log)]
    assert "cut" not in log[0]
    assert log[0]["changed"]["z"] == (None, "x" * 100)
    assert log[-2] == {
        "state": "s46", "transition": "/states/s46/go", "to": "s47", "changed": {}, "cut": True,
    }  # fmt: skip
    assert "cut" not in log[-1], "nothing has changed there"


def test_a_value_for_which_there_is_no_room_leaves_its_variable_as_it_was() -> None:
    on = [
        {"any_of": "empty", "set": {"big0": ""}},
        {"content": "text", "save": "small"},
    ]
    variables = {f"big{number}": {"type": "text", "default": "x" * 4000} for number in range(16)}
    scenario = made({"a": {"on": on}}, variables=variables)
    played = simulate(scenario, ["a", "b" * 2000, "c", "empty", "d" * 2000])
    assert [failure.code for failure in played.failures] == ["variables_full"]
    assert played.variables["small"] == "d" * 2000
    played = simulate(scenario, ["a", "b" * 2000])
    assert "small" in played.failures[0].message
    assert played.variables["small"] == "a"


def test_what_is_too_large_already_can_become_smaller() -> None:
    scenario = made({"a": {"on": [{"content": "text", "save": "v0"}]}})
    large = Conversation(state="a", variables=dict.fromkeys(NAMES, "x" * 4096))
    talk, effects = step(scenario, large, read_text("y" * 4000), NOW)
    assert talk.variables["v0"] == "y" * 4000
    assert not [one for one in effects if isinstance(one, Failure)]
