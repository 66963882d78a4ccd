"""Variables: how they are computed, compared and shown."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenarios import last, made, waiting

from dialogs.messages import render
from dialogs.scenarios import (
    Event,
    EventKind,
    Log,
    Send,
    Tag,
    Untag,
    built_in,
    read_text,
    step,
)
from dialogs.scenarios.simulation import START, simulate

# -- variables


def test_numbers_are_computed() -> None:
    sum_ = {"add": [{"variable": "n"}, {"multiply": [2, 3, "4"]}, 0.1, 0.2]}
    scenario = waiting({"any_of": "a", "set": {"n": 1, "m": sum_}, "say": "{{m}}"})
    assert last(scenario, "a") == ["25.3"]
    tenths = waiting({"any_of": "a", "set": {"n": {"add": [0.1, 0.2]}}})
    assert simulate(tenths, ["x", "a"]).variables == {"n": 0.3}
    for wrong in ({"divide": [1, 0]}, {"add": [1, "x"]}, {"multiply": [1e15, 1e15]}):
        scenario = waiting({"any_of": "a", "set": {"n": 1}}, {"any_of": "b", "set": {"n": wrong}})
        assert simulate(scenario, ["x", "a", "b"]).variables == {"n": 1}, "it stays as it was"


def test_a_small_number_stays_one_as_a_text() -> None:
    variables = {"t": {"type": "text"}, "n": {"type": "number"}}
    taken = {"set": {"t": {"divide": [1, 100000]}, "n": "{{t}}"}, "say": "{{t}}"}
    played = simulate(made({"a": {"on": [{"any_of": "a", **taken}]}}, variables=variables), ["a"])
    assert played.variables == {"t": "0.00001", "n": 0.00001}


def test_a_variable_keeps_its_type_and_its_size() -> None:
    types = {"n": {"type": "number", "default": 3}, "t": {"type": "text"}}
    states = {"a": {"on": [{"content": "text", "save": "t", "set": {"n": "{{t}}"}}]}}
    scenario = made(states, variables=types)
    assert simulate(scenario, ["12"]).variables == {"t": "12", "n": 12}
    assert simulate(scenario, ["abc"]).variables == {"t": "abc"}
    talk, _ = step(scenario, None, read_text("x" * 5000), START)
    assert talk.variables["t"] == "x" * 4096


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"variable": "n", "equals": 3}, True), ({"variable": "n", "equals": "3"}, True),
        ({"variable": "n", "not_equals": 3}, False), ({"variable": "n", "less": 4}, True),
        ({"variable": "n", "at_most": 3}, True), ({"variable": "n", "more": 3}, False),
        ({"variable": "n", "at_least": "3.0"}, True),
        ({"variable": "n", "less": "1e5"}, False), ({"variable": "n", "less": "1_000"}, False),
        ({"variable": "n", "less": " +1000,5 "}, True), ({"variable": "n", "more": ".5"}, True),
        ({"variable": "t", "less": "b"}, True),
        ({"variable": "t", "contains": "PL"}, True),
        ({"variable": "l", "contains": "x"}, True),
        ({"variable": "t", "starts_with": "ap"}, True),
        ({"variable": "t", "ends_with": "x"}, False),
        ({"variable": "t", "one_of": ["a", "apple"]}, True),
        ({"variable": "z", "equals": ""}, True),
        ({"variable": "z", "is_set": False}, True), ({"variable": "t"}, True),
        ({"variable": "b", "equals": True}, True), ({"variable": "b", "equals": 1}, False),
        ({"variable": "z", "less": 5}, False),
        ({"variable": "n", "equals": {"divide": [3, 0]}}, False),
        ({"variable": "n", "equals": {"variable": "n"}}, True),
        ({"not": {"variable": "n", "equals": 3}}, False),
        ({"and": [{"variable": "n"}, {"variable": "z"}]}, False),
        ({"or": [{"variable": "n"}, {"variable": "z"}]}, True),
        ({"variable": "now.weekday", "equals": 1}, True),
        ({"variable": "now.hour", "more": 11}, True),
        ({"variable": "user.first_name", "equals": "Ann"}, True),
    ],
)  # fmt: skip
def test_conditions(condition: dict[str, Any], holds: bool) -> None:
    variables = {
        "n": {"type": "number", "default": 3}, "t": {"type": "text", "default": "apple"},
        "l": {"type": "list", "default": ["x"]}, "b": {"type": "boolean", "default": True},
        "z": {"type": "text"},
    }  # fmt: skip
    states = {
        "first": {"go": [{"if": condition, "to": "yes"}, {"to": "no"}]},
        "yes": {"say": "YES", "end": True}, "no": {"say": "NO", "end": True},
    }  # fmt: skip
    scenario = made(states, variables=variables)
    assert simulate(scenario, ["x"]).replies == [["YES" if holds else "NO"]]


def test_the_time_is_that_of_the_time_zone() -> None:
    states = {"a": {"say": "{{now}} {{now.date}} {{now.time}}", "end": True}}
    scenario = made(states, time_zone="Asia/Tokyo")
    assert simulate(scenario, ["x"]).replies == [["2030-01-07 21:00 2030-01-07 21:00"]]


def test_no_value_becomes_markup() -> None:
    say = {"text": "Hi **{{user.first_name}}**", "format": "markdown"}
    scenario = made({"a": {"say": say, "end": True}})
    about = built_in(user={"first_name": "**[x](https://a.b)", "last_name": None})
    _, effects = step(scenario, None, Event(EventKind.TEXT, "x", about=about), START)
    [sent] = [one for one in effects if isinstance(one, Send)]
    [call] = render(sent.message, sent.values)
    assert call.parameters["text"] == "Hi **[x](https://a.b)"
    assert [one["type"] for one in call.parameters["entities"]] == ["bold"]


def test_a_value_is_not_filled_again() -> None:
    scenario = made({"a": {"on": [{"content": "text", "save": "x", "say": "{{x}}"}]}})
    assert simulate(scenario, ["{{user.first_name}}"]).replies == [["{{user.first_name}}"]]


def test_tags_are_taken_before_others_are_given() -> None:
    scenario = made(
        {"a": {"tag": ["t", "u", "v"], "on": [{"any_of": "a", "untag": ["t", "u"], "tag": "u"}]}}
    )
    assert simulate(scenario, ["/start"]).tags == ["t", "u", "v"]
    talk, _ = step(scenario, None, read_text("x"), START)
    _, effects = step(scenario, talk, read_text("a"), START)
    assert [one for one in effects if isinstance(one, Tag | Untag)] == [
        Untag(("t", "u")), Tag(("u",))
    ]  # fmt: skip
    assert simulate(scenario, ["/start", "a"]).tags == ["v", "u"]


def test_steps_are_logged_with_what_changed_and_tags_are_given() -> None:
    scenario = waiting({"any_of": "a", "set": {"n": 1}, "tag": ["t", "u"], "go": "yes"})
    talk, _ = step(scenario, None, read_text("x"), START)
    _, effects = step(scenario, talk, read_text("a"), START)
    assert [one for one in effects if isinstance(one, Tag)] == [Tag(("t", "u"))]
    assert [one for one in effects if isinstance(one, Log)] == [
        Log("first", "/states/first/on/0", "yes", {"n": (None, 1)}),
        Log("yes", "/states/yes/end", "", {}),
    ]
