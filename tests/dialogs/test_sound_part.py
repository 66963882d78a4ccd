"""All problems at once: what does not fit the schema hides nothing that is beside it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.scenarios import Severity, template, template_names, validate
from dialogs.scenarios.problems import Problem

END = {"say": "Bye", "end": True}
LOST = {"any_of": "a", "go": "nosuch"}
UNKNOWN = ("unknown_target", "/states/a/on/0/go")


def errors(document: Any) -> set[tuple[str, str]]:
    return {(one.code, one.pointer) for one in found(document)}


def found(document: Any) -> list[Problem]:
    return [one for one in validate(document)[1] if one.severity is Severity.ERROR]


def of(state: Any, **others: Any) -> Any:
    return {"start": "a", "states": {"a": state, "b": END}, **others}


def with_button(**button: Any) -> dict[str, Any]:
    return {"text": "x", "buttons": [[button, {"text": "B", "go": "b"}]]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        # a button, a message, a field
        (of({"say": with_button(text="", go="a"), "on": [LOST]}),
         {("too_short", "/states/a/say/buttons/0/0/text"), UNKNOWN}),
        (of({"say": with_button(text="", go="nowhere"), "on": []}),
         {("too_short", "/states/a/say/buttons/0/0/text"),
          ("unknown_button", "/states/a/say/buttons/0/0/go")}),
        (of({"say": with_button(text="A"), "on": [LOST]}),
         {("missing_field", "/states/a/say/buttons/0/0"), UNKNOWN}),
        (of({"say": 100, "on": [LOST]}), {("wrong_type", "/states/a/say"), UNKNOWN}),
        (of({"say": ["x", {"txt": "y"}, " "], "on": [LOST]}),
         {("unknown_field", "/states/a/say/1/txt"), ("no_content", "/states/a/say/1"),
          ("blank", "/states/a/say/2"), UNKNOWN}),
        (of({"say": "x", "tags": ["x"], "on": [LOST]}),
         {("unknown_field", "/states/a/tags"), UNKNOWN}),
        (of({"say": "x", "set": {"x y": 1, "z": {"add": [1] * 60}}, "on": [LOST]}),
         {("wrong_pattern", "/states/a/set/x y"), ("too_many", "/states/a/set/z/add"), UNKNOWN}),
        # a transition
        (of({"say": "x", "on": [LOST, {"any_of": ""}, {"regex": "(?<=a)b"}]}),
         {UNKNOWN, ("too_short", "/states/a/on/1/any_of"),
          ("wrong_regex", "/states/a/on/2/regex")}),
        (of({"say": "x", "on": [{"any_of": "", "go": "nosuch"}]}),
         {("too_short", "/states/a/on/0/any_of"), UNKNOWN}),
        (of({"say": "x", "on": [{"any_of": "x", "contains": "y", "go": "nosuch"}]}),
         {("conflicting_fields", "/states/a/on/0"), UNKNOWN}),
        (of({"say": "x", "on": [1, {"any_of": "x", "go": [
            {"if": {"variable": "now"}, "to": "b"}]}]}),
         {("wrong_type", "/states/a/on/0"), ("no_way_out", "/states/a/on/1/go")}),
        (of({"say": "x", "on": [{"any_of": "x", "go": [{"to": 1}, {"to": "nosuch"}]}]}),
         {("wrong_type", "/states/a/on/0/go/0/to"), ("unknown_target", "/states/a/on/0/go/1/to")}),
        (of({"say": "x", "on": []}, anywhere=[{"contains": []}, {"regex": "(", "go": "b"}]),
         {("too_few", "/anywhere/0/contains"), ("wrong_regex", "/anywhere/1/regex")}),
        # a question
        (of({"say": "x", "ask": {"type": "choice", "options": ["A", "a", ""], "go": "nosuch"}}),
         {("duplicate_option", "/states/a/ask/options/1"),
          ("too_short", "/states/a/ask/options/2"), ("unknown_target", "/states/a/ask/go")}),
        (of({"say": "x", "ask": {"type": "txt", "go": "nosuch", "on": [LOST]}}),
         {("not_a_choice", "/states/a/ask/type"), ("unknown_target", "/states/a/ask/go"),
          ("unknown_target", "/states/a/ask/on/0/go")}),
        (of({"say": " ", "ask": "Your name?"}), {("blank", "/states/a/say"),
                                                 ("wrong_type", "/states/a/ask")}),
        (of({"say": "x", "ask": {"type": "number", "min": 3, "max": 2, "columns": 9, "go": "b",
                                 "after_retries": {"count": 0, "go": "nosuch"}}}),
         {("empty_range", "/states/a/ask/min"), ("out_of_range", "/states/a/ask/columns"),
          ("out_of_range", "/states/a/ask/after_retries/count"),
          ("unknown_target", "/states/a/ask/after_retries/go")}),
        # the rest
        ({"start": "a", "states": {"a": {"say": "x", "on": [LOST]}, "имя": END}},
         {("wrong_pattern", "/states/имя"), UNKNOWN}),
        (of({"say": "x", "on": [LOST]}, commands=[{"command": "/x", "description": "y"},
            {"command": "b", "description": " "}]),
         {("wrong_pattern", "/commands/0/command"), ("blank", "/commands/1/description"), UNKNOWN}),
        (of({"say": "x", "on": [LOST]}, variables={"x": {"type": "int"}, "y": {
            "type": "number", "default": "x"}}),
         {("not_a_choice", "/variables/x/type"), ("wrong_default", "/variables/y/default"),
          UNKNOWN}),
    ],
)  # fmt: skip
def test_a_mistake_hides_no_other(document: Any, expected: set[tuple[str, str]]) -> None:
    assert errors(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        of({"say": with_button(text="A", go="like"), "on": [{"buton": "like"}]}),
        of({"say": with_button(text="A", go="like"), "on": [{"button": ["like", ""]}]}),
        of({"say": with_button(text="A", go="like"), "onn": [{"button": "like"}]}),
        of({"say": with_button(text="A", go="like"), "on": {"button": "like"}}),
        of({"say": with_button(text="A", go="like"), "on": []}, anywere=[{"button": "like"}]),
        of({"say": with_button(text="A", go="like"), "on": []}, anywhere={"button": "like"}),
        of({"say": with_button(text="A", go="like"), "on": []}, anywhere=[{"buttn": "like"}]),
        of({"say": "?", "ask": {"type": "choice", "optons": ["A"], "go": "b"}}),
        of({"say": "?", "ask": {"type": "choice", "options": [], "at_least": 1, "go": "b"}}),
        of({"say": "?", "ask": {"type": "choics", "options": ["A"], "go": "b"}}),
        of({"say": with_button(text="A", go="b"), "ask": {"type": "phon", "go": "b"}}),
        {"start": "a", "states": {"a": {"go": [{"to": 1}]}, "b": {"go": "a"}}},
        {"start": "a", "states": {"a": {"go": 1}, "b": {"go": "a"}}},
    ],
)
def test_nothing_is_a_mistake_only_because_of_another(document: Any) -> None:
    consequences = {
        "unknown_button", "button_not_allowed", "conflicting_buttons", "empty_range",
        "not_for_this_type", "loop_never_waits", "unknown_target",
    }  # fmt: skip
    codes = {code for code, _ in errors(document)}
    assert codes
    assert not codes & consequences
    assert not [one for one in found(document) if 'needs "options"' in one.message]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(template_names()))
def test_a_value_that_is_spoilt_leads_to_problems_in_its_state_only(
    data: st.DataObject, name: str
) -> None:
    document = template(name)
    owner, key = data.draw(st.sampled_from([*places(document["states"], ())]))
    inside: Any = document["states"]
    for step in owner:
        inside = inside[step]
    inside[key] = data.draw(st.sampled_from([7, "", [], {}, None, {"x": 1}]))
    for problem in found(document):
        assert problem.pointer.startswith(f"/states/{[*owner, key][0]}"), problem


def places(value: Any, path: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Any]]:
    """Return the places of all values inside states."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    own = []
    for key, one in inside:
        if path:
            own.append((path, key))
        if isinstance(one, dict | list):
            own += places(one, (*path, key))
    return own
