"""Versions of a scenario: what differs, and how talks get from one to the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.scenarios import document, made

from dialogs.scenarios import Conversation, Event, EventKind, Log, Scenario, Send, read_text, step
from dialogs.scenarios.simulation import START
from dialogs.scenarios.versions import Migration, diff, migrate, moved_log

MENU = {"say": {"text": "?", "buttons": [[{"text": "B", "go": "b"}]]}, "on": []}
ASK = {"say": "Age?", "ask": {"type": "number", "save": "n", "go": "b"}}
END = {"say": "Bye", "end": True}


def version(number: int, a: dict[str, Any], **others: Any) -> Scenario:
    """Return a version whose first state is `a`."""
    return made({"a": a, "b": END}, **others).at(number)


def begun(scenario: Scenario) -> Conversation:
    """Return a talk that waits in the first state."""
    return step(scenario, None, read_text("x"), START)[0]


def test_a_difference() -> None:
    old = document({"a": ASK, "b": END}, language="en")
    new = document({"a": MENU, "b": END, "c": END}, variables={})
    found = diff(old, new)
    assert (found.added, found.removed, found.changed) == (("c",), (), ("a",))
    assert found.other == ("language", "variables")
    assert diff(new, old).removed == ("c",)


def test_variables_differ_wherever_they_are_set() -> None:
    old = document({
        "a": {"set": {"x": 1}, "ask": {"type": "text", "save": "name", "go": "b"}},
        "b": {"on": [{"regex": "(?P<code>[0-9]+)", "go": "c"}]},
        "c": {"ask": {"type": "text", "save": "age", "end": True}},
    })  # fmt: skip
    new = document({
        "a": {"set": {"x": 1}, "ask": {"type": "text", "save": "first_name", "go": "c"}},
        "c": {"ask": {"type": "number", "save": "age", "end": True}},
    }, variables={"x": {"type": "number"}})  # fmt: skip
    found = diff(old, new).variables
    assert (found.added, found.removed) == (("first_name",), ("code", "name"))
    types = [(one.name, one.before, one.after) for one in found.retyped]
    assert types == [("age", "text", "number"), ("x", None, "number")]


def test_one_is_not_true() -> None:
    old, new = (
        document({"a": {"set": {"n": {"add": [1, 2]}, "b": one}, "go": "b"}, "b": END})
        for one in (1, True)
    )
    assert diff(old, new).changed == ("a",)


def test_a_talk_goes_on_where_it_was() -> None:
    old = version(1, ASK)
    new = version(2, {**ASK, "say": "How old?"}, variables={"k": {"type": "text", "default": "v"}})
    moved = migrate(begun(old), old, new, Migration.KEEP)
    assert moved is not None
    assert (moved.version, moved.state, moved.variables) == (2, "a", {"k": "v"})
    assert step(new, moved, read_text("7"), START)[0].variables == {"k": "v", "n": 7}


@pytest.mark.parametrize(
    "a", [MENU, {**ASK, "ask": {"type": "text", "go": "b"}}, {"say": "-", "go": "b"}]
)
def test_a_talk_stays_in_its_version_while_its_question_is_another_one(a: dict[str, Any]) -> None:
    old, new = version(1, ASK), version(2, a)
    talk = begun(old)
    assert migrate(talk, old, new, Migration.KEEP) is None
    talk, _ = step(old, talk, read_text("7"), START)
    moved = migrate(talk, old, new, Migration.KEEP)
    assert moved is not None
    assert (moved.version, moved.state) == (2, "")


def test_a_talk_whose_state_is_gone_stays_in_its_version() -> None:
    old, new = version(1, ASK), made({"b": END}).at(2)
    assert migrate(begun(old), old, new, Migration.KEEP) is None


def test_a_talk_can_begin_anew() -> None:
    keep = {"n": {"type": "number", "keep": True}, "m": {"type": "number", "default": 1}}
    old, new = version(1, ASK), version(2, MENU, variables=keep)
    talk, _ = step(old, begun(old), read_text("7"), START)
    moved = migrate(talk, old, new, Migration.RESTART)
    assert moved is not None
    assert (moved.version, moved.state) == (2, "")
    assert moved.variables == {"n": 7, "m": 1}
    _, effects = step(new, moved, read_text("x"), START)
    assert any(isinstance(one, Send) for one in effects)


def test_values_that_do_not_fit_become_defaults() -> None:
    old, new = (
        version(number, MENU, variables={"n": {"type": kind, "default": first}})
        for number, kind, first in ((1, "text", "many"), (2, "number", 5))
    )
    moved = migrate(begun(old), old, new, Migration.KEEP)
    assert moved is not None
    assert moved.variables == {"n": 5}


def test_buttons_that_mean_the_same_still_work() -> None:
    old, new = version(1, MENU), version(2, {**MENU, "say": {**MENU["say"], "text": "!"}})
    other = version(2, {**MENU, "say": {"text": "!", "buttons": [
        [{"text": "Again", "go": "a"}, {"text": "B", "go": "b"}]]}})  # fmt: skip
    tap = Event(EventKind.TAP, data="~1.a.1.b0")
    moved = migrate(begun(old), old, new, Migration.KEEP)
    assert moved is not None
    after, effects = step(new, moved, tap, START)
    assert (after.state, after.version) == ("", 2)
    again, effects = step(new, moved, read_text("what?"), START)
    [sent] = [one for one in effects if isinstance(one, Send)]
    tap_again = Event(EventKind.TAP, data=sent.message.buttons[0][0].go)
    assert step(new, again, tap_again, START)[0].state == "", "and so do those shown since"
    moved = migrate(begun(old), old, other, Migration.KEEP)
    assert moved is not None
    after, effects = step(other, moved, tap, START)
    assert after.state == "a"
    [sent] = [one for one in effects if isinstance(one, Send)]
    assert sent.message.buttons[0][0].go == "~2.a.1.b0"


def test_the_way_back_leads_only_to_states_that_still_wait() -> None:
    states = {
        name: {"say": name, "on": [{"any_of": "n", "go": to}]}
        for name, to in (("a", "b"), ("b", "c"), ("c", "a"))
    }
    old, new = made(states).at(1), made({**states, "b": {"say": "b", "go": "c"}}).at(2)
    talk = begun(old)
    for _ in range(2):
        talk, _ = step(old, talk, read_text("n"), START)
    assert talk.stack == ("a", "b")
    moved = migrate(talk, old, new, Migration.KEEP)
    assert moved is not None
    assert moved.stack == ("a",)


def test_a_move_to_another_version_is_told_if_it_changes_something() -> None:
    before = Conversation(1, "a", 3, {"x": "y" * 300, "z": 1, "list": ["a", "b"], "same": True})
    after = replace(before, version=2, state="", variables={"z": True, "same": True})
    told = moved_log(before, after, "restart")
    assert told == Log(
        "a", "restart", "", {"x": ("y" * 200, None), "z": (1, True), "list": ("a, b", None)}
    )
    assert moved_log(before, replace(before, version=2), "restart") is None
    assert moved_log(before, replace(before, state=""), "restart") == Log("a", "restart", "", {})
