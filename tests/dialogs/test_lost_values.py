"""Values that no variable keeps, and sums that cannot be computed: warned of, and told."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from support.scenarios import made

from dialogs.scenarios import Severity, template, template_names, validate
from dialogs.scenarios.saved_tests import run_test
from dialogs.scenarios.simulation import simulate

END = {"say": "Bye", "end": True}
CODES = {"value_not_saved", "never_a_number"}
HERE = {"latitude": 1.0, "longitude": 2.0}


def warned(*states: Any, **types: Any) -> list[tuple[str, str]]:
    """Return the code and place of what is lost; a type may be a whole variable."""
    declared = {
        name: one if isinstance(one, dict) else {"type": one} for name, one in types.items()
    }
    named = {f"s{index}": state for index, state in enumerate(states)} | {"b": END}
    scenario, found = validate({"start": "s0", "states": named, "variables": declared})
    assert scenario is not None
    lost = [one for one in found if one.code in CODES]
    assert {one.severity for one in lost} <= {Severity.WARNING}
    return [(one.code, one.pointer) for one in lost]


def ask(kind: str, **question: Any) -> dict[str, Any]:
    return {"say": "?", "ask": {"type": kind, "save": "x", "go": "b", **question}}


def on(**transition: Any) -> dict[str, Any]:
    return {"say": "?", "on": [{"save": "x", "go": "b", **transition}]}


def put(value: Any) -> dict[str, Any]:
    return {"set": {"x": value}, "go": "b"}


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        ("text", "number"), ("text", "boolean"), ("text", "location"), ("email", "number"),
        ("date", "number"), ("choices", "text"), ("number", "boolean"), ("location", "number"),
        ("location", "text"), ("photo", "number"), ("number", "date"), ("phone", "location"),
    ],
)  # fmt: skip
def test_an_answer_that_its_variable_does_not_keep_is_warned_of(kind: str, variable: str) -> None:
    options = {"options": ["A"]} if kind == "choices" else {}
    lost = [("value_not_saved", "/states/s0/ask/save")]
    assert warned(ask(kind, **options), x=variable) == lost


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        ("text", "text"), ("text", "list"), ("text", "date"), ("number", "text"),
        ("phone", "number"), ("phone", "text"), ("choices", "list"), ("location", "location"),
        ("voice", "file"), ("photo", "text"), ("time", "time"), ("number", "number"),
    ],
)  # fmt: skip
def test_an_answer_that_is_kept_is_not_warned_of(kind: str, variable: str) -> None:
    options = {"options": ["A"]} if kind == "choices" else {}
    assert warned(ask(kind, **options), x=variable) == []


def test_the_options_of_a_choice_are_looked_at_one_by_one() -> None:
    numbers = ["1", {"text": "Two", "value": 2}]
    assert warned(ask("choice", options=numbers), x="number") == []
    document = {
        "start": "a",
        "states": {"a": ask("choice", options=[*numbers, "Three"]), "b": END},
        "variables": {"x": {"type": "number"}},
    }
    [problem] = validate(document)[1]
    assert '"save" of "ask" of state "a" gives "Three" to "x"' in problem.message


def test_two_questions_of_different_types_save_to_one_variable() -> None:
    number, text, place = ask("number", go="s1"), ask("text"), ask("location")
    assert warned(number, text) == [("value_not_saved", "/states/s1/ask/save")]
    assert warned({**text, "ask": {**text["ask"], "go": "s1"}}, ask("number")) == []
    assert warned(number, place) == [("value_not_saved", "/states/s1/ask/save")]
    assert warned(number, ask("choice", options=["A"])) == [
        ("value_not_saved", "/states/s1/ask/save")
    ]


@pytest.mark.parametrize(
    ("transition", "variable", "is_lost"),
    [
        ({"content": "text"}, "number", True),
        ({"content": "text"}, "text", False),
        ({"content": "location"}, "number", True),
        ({"content": "location"}, "location", False),
        ({"content": "photo"}, "number", True),
        ({"content": ["photo", "location"]}, "file", True),
        ({"content": "contact"}, "text", False),
        ({"content": "any"}, "number", True),
        ({"else": True}, "boolean", True),
        ({"else": True}, "text", False),
        ({"any_of": ["1", "2"]}, "number", False),
        ({"any_of": ["1", "two"]}, "number", True),
        ({"contains": "kg"}, "number", True),
        ({"regex": "^[0-9]+$"}, "number", False),
        ({"regex": "^[0-9]+$"}, "location", True),
        ({"regex": "(?P<x>[0-9]+)", "save": "y"}, "number", False),
        ({"regex": "(?P<x>[0-9]+)", "save": "y"}, "location", True),
        ({"command": "start"}, "number", False),
        ({"command": "start", "payload_starts_with": "ref_"}, "number", True),
        ({"command": "start", "payload": "7"}, "number", False),
        ({"command": "start", "payload": "ad"}, "number", True),
        ({"command": "start", "payload": False}, "number", False),
        ({"command": "start"}, "location", True),
        ({"button": ["5", "7"]}, "number", False),
        ({"button": "like"}, "number", True),
    ],
)  # fmt: skip
def test_what_a_transition_saves_is_looked_at(
    transition: Any, variable: str, is_lost: bool
) -> None:
    assert bool(warned(on(**transition), x=variable)) is is_lost


@pytest.mark.parametrize(
    ("value", "variable", "is_lost"),
    [
        ("Ann", "number", True), ("7", "number", False), (7, "number", False), (7, "date", True),
        (True, "text", True), (True, "boolean", False), (None, "number", False),
        ("", "number", False), ("{{y}}", "number", False), ("{{y}}", "location", True),
        ({"add": [1, 2]}, "number", False), ({"add": [1, 2]}, "boolean", True),
        ({"variable": "y"}, "number", False), ({"variable": "places"}, "number", True),
        ({"variable": "user.id"}, "number", False),
    ],
)  # fmt: skip
def test_a_value_that_is_set_is_looked_at(value: Any, variable: str, is_lost: bool) -> None:
    found = warned(put(value), x=variable, y="text", places="location")
    assert found == ([("value_not_saved", "/states/s0/set/x")] if is_lost else [])


def test_the_sentences_tell_what_to_do() -> None:
    variables = {"x": {"type": "number"}}
    states = {"a": {**ask("text"), "set": {"x": True}}, "b": END}
    _, found = validate({"start": "a", "states": states, "variables": variables})
    assert [one.message for one in found] == [
        '"x" of "set" of state "a" gives true or false to "x", which is a number: it is never '
        'saved. Declare "x" as boolean in "variables", or save to another variable.',
        '"save" of "ask" of state "a" gives any text to "x", which is a number: what is not a '
        'number is not saved, and "x" is empty then. Ask for the type number, or declare "x" as '
        'text in "variables", or save to another variable.',
    ]


@pytest.mark.parametrize("name", template_names())
def test_the_templates_lose_nothing(name: str) -> None:
    assert not [one for one in validate(template(name))[1] if one.code in CODES]


def add(name: str, to: str = "x") -> dict[str, Any]:
    return {"set": {to: {"add": [{"variable": name}, 1]}}, "go": "b"}


@pytest.mark.parametrize(
    ("states", "types"),
    [
        ([add("x")], {"x": "text"}),
        ([add("x")], {"x": "number"}),
        ([add("x")], {}),
        ([add("x", to="y")], {"x": {"type": "boolean", "default": True}}),
        ([add("y")], {"y": {"type": "date", "default": "2030-12-31"}}),
        ([add("now.date")], {}),
        ([{**ask("email", save="y", go="s1")}, add("y")], {}),
        ([{"go": [{"if": {"variable": "now.hour", "more": {"add": [{"variable": "x"}, 1]}},
                   "to": "b"}, {"to": "b"}]}], {"x": "list"}),
    ],
)  # fmt: skip
def test_a_sum_of_what_is_never_a_number_is_warned_of(states: Any, types: Any) -> None:
    assert [code for code, _ in warned(*states, **types)] == ["never_a_number"]


@pytest.mark.parametrize(
    ("states", "types"),
    [
        ([add("x")], {"x": {"type": "number", "default": 0}}),
        ([add("x")], {"x": {"type": "text", "default": "0"}}),
        ([{"set": {"x": 0}, "go": "s1"}, add("x")], {}),
        ([ask("text", go="s1"), add("x")], {}),
        ([ask("number", go="s1"), add("x")], {}),
        ([ask("choice", options=[{"text": "A", "value": 1}], go="s1"), add("x")], {}),
        ([{"set": {"y": {"variable": "x"}}, "go": "s1"}, add("y")],
         {"x": {"type": "number", "default": 1}}),
        ([add("now.hour")], {}),
        ([add("user.id")], {}),
        ([on(regex="(?P<y>[0-9]+)", go="s1"), add("y")], {}),
        ([add("nobody")], {}),  # that is an unset variable
        ([put("a variable")], {}),
    ],
)  # fmt: skip
def test_a_sum_of_what_may_be_a_number_is_not(states: Any, types: Any) -> None:
    assert warned(*states, **types) == []


def test_many_sums_take_no_time() -> None:
    names = [f"v{number}" for number in range(99)]
    chain = {one: {"add": [{"variable": before}, 1]} for before, one in pairwise(names)}
    backwards = dict(reversed(chain.items()))
    states = {f"s{number}": {"set": backwards, "go": "b"} for number in range(20)} | {"b": END}
    began = time.process_time()
    validate({"start": "s0", "states": states})
    assert time.process_time() - began < 1


# -- while it runs


def test_a_value_that_is_given_up_is_told_once_for_an_event() -> None:
    states = {
        "a": {**ask("text"), "ask": {"type": "text", "save": "x", "set": {"x": "Ann"}, "go": "b"}},
        "b": END,
    }
    scenario = made(states, variables={"x": {"type": "number", "default": 3}})
    played = simulate(scenario, ["hi", "Kim"])
    [failure] = played.failures
    assert (failure.code, failure.state) == ("value_not_saved", "a")
    assert 'A value for "x" was not a number, so it was not saved' in failure.message
    assert played.variables.get("x") is None
    assert simulate(made({"a": ask("text"), "b": END}), ["hi", "Kim"]).failures == []


@pytest.mark.parametrize("value", [None, "", "7", 0])
def test_what_fits_or_empties_a_variable_is_no_failure(value: Any) -> None:
    states = {"a": {"set": {"x": value}, "say": "?", "end": True}}
    scenario = made(states, variables={"x": {"type": "number", "default": 3}})
    assert simulate(scenario, ["hi"]).failures == []


def test_an_answer_that_is_skipped_or_has_no_choices_is_no_failure() -> None:
    choices = ask("choices", options=["A"], at_least=0, skip=True, save="x")
    scenario = made({"a": choices, "b": END}, variables={"x": {"type": "number"}})
    assert simulate(scenario, ["hi", {"tap": "Done"}]).failures == []
    assert simulate(scenario, ["hi", {"tap": "Skip"}]).failures == []


def test_a_talk_tells_few_of_many_values() -> None:
    variables = {f"v{number}": {"type": "number"} for number in range(90)}
    states = {"a": {"set": dict.fromkeys(variables, "Ann"), "say": "?", "end": True}}
    played = simulate(made(states, variables=variables), ["hi"])
    assert len(played.failures) == 10
    assert len({one.message for one in played.failures}) == 10


def test_a_saved_test_may_want_that_a_value_is_given_up() -> None:
    scenario = made({"a": ask("text"), "b": END}, variables={"x": {"type": "number"}})
    turns = [{"user": "hi"}, {"user": "Kim", "state": ""}]
    assert run_test(scenario, {"name": "t", "turns": turns, "variables": {"x": None}}).faults == ()
