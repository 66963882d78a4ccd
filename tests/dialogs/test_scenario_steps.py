"""What a step does: transitions, and where a talk begins, goes and ends."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenarios import asking, last, made, waiting

from dialogs.scenarios import (
    Conversation,
    Failure,
    Send,
    load,
    read_text,
    step,
)
from dialogs.scenarios.conversation import MAX_STACK
from dialogs.scenarios.simulation import START, simulate

# -- transitions


@pytest.mark.parametrize(
    ("transition", "event", "matches"),
    [
        ({"any_of": "Да, конечно"}, "  да,   КОНЕЧНО!!", True),
        ({"any_of": ["ещё", "more"]}, "еще", True),
        ({"any_of": "👍"}, "👍", True),
        ({"any_of": "yes"}, "yes please", False),
        ({"any_of": "menu"}, "/menu", False),
        ({"contains": "достав"}, "Как быстро ДОСТАВКА?", True),
        ({"contains": "нет"}, "интернет", False),
        ({"contains": ["how much", "price"]}, "So... how  much is it", True),
        ({"regex": "^[0-9]+$"}, "42", True),
        ({"regex": "^[0-9]+$"}, "42x", False),
        ({"command": "menu"}, "/menu@a_bot", True),
        ({"command": ["a", "menu"]}, "/MENU x", True),
        ({"command": "menu", "payload": "x"}, "/menu x", True),
        ({"command": "menu", "payload": "x"}, "/menu", False),
        ({"command": "menu", "payload": False}, "/menu", True),
        ({"command": "menu", "payload": True}, "/menu", False),
        ({"command": "menu", "payload_starts_with": "ref_"}, "/menu ref_7", True),
        ({"command": "menu", "payload_starts_with": "ref_"}, "/menu 7", False),
        ({"content": "photo"}, {"photo": "f"}, True),
        ({"content": ["video", "voice"]}, {"photo": "f"}, False),
        ({"content": "any"}, {"sticker": "f"}, True),
        ({"content": "location"}, {"location": {"latitude": 1, "longitude": 2}}, True),
        ({"content": "other"}, {"other": True}, True),
        ({"else": True}, {"contact": "+1555"}, True),
        ({"else": True, "if": {"variable": "user.first_name", "equals": "Bob"}}, "z", False),
    ],
)
def test_a_transition_matches(transition: dict[str, Any], event: Any, matches: bool) -> None:
    assert last(waiting({**transition, "go": "yes"}), event) == (["YES"] if matches else ["?"])


def test_the_first_transition_that_matches_is_taken() -> None:
    scenario = waiting(
        {"else": True, "go": "no"}, {"any_of": "a", "go": "yes"}, {"contains": "a", "go": "no"}
    )
    assert last(scenario, "a") == ["YES"]
    assert last(scenario, "b") == ["NO"]


@pytest.mark.parametrize(
    ("transition", "event", "saved"),
    [
        ({"any_of": "a"}, "A!", "A!"),
        ({"command": "menu"}, "/menu ref 7", "ref 7"),
        ({"content": "command"}, "/menu ref", "/menu ref"),
        ({"content": "photo"}, {"photo": "f"}, "f"),
        ({"content": "contact"}, {"contact": "+1555"}, "+1555"),
        ({"content": "any"}, {"location": {"latitude": 1, "longitude": 2}}, "1, 2"),
        ({"regex": "(?P<y>[0-9]+)"}, "it is 42", "it is 42"),
    ],
)
def test_what_came_is_saved(transition: dict[str, Any], event: Any, saved: str) -> None:
    scenario = waiting({**transition, "save": "x", "say": "{{x}}"})
    assert last(scenario, event) == [saved]


def test_named_groups_are_saved() -> None:
    scenario = waiting({"regex": "(?P<day>[0-9]+)[.](?P<month>[0-9]+)", "say": "{{month}}/{{day}}"})
    assert last(scenario, "on 31.12") == ["12/31"]


def test_anywhere_is_tried_in_every_state_after_its_own_transitions() -> None:
    states = {
        "first": {"say": "?", "on": [{"any_of": "a", "say": "own"}]},
        "asked": {"say": "Name?", "ask": {"type": "text", "go": "first"}},
        "help": {"say": "HELP", "go": "@back"},
    }
    anywhere = [
        {"any_of": "a", "say": "anywhere"}, {"any_of": "ask", "go": "asked"},
        {"any_of": "help me", "go": "help"}, {"else": True, "say": "else"},
    ]  # fmt: skip
    scenario = made(states, anywhere=anywhere)
    assert last(scenario, "a") == ["own"]
    assert last(scenario, "b") == ["else"]
    assert last(scenario, "ask", "help me") == ["HELP", "Name?"], "and back"
    assert last(scenario, "ask", "b") == ["?"], "an answer"


# -- where a talk begins and ends


def test_a_first_state_that_says_nothing_takes_the_first_event() -> None:
    scenario = made({"echo": {"on": [{"content": "text", "save": "x", "say": "{{x}}"}]}})
    assert simulate(scenario, ["a", "b"]).replies == [["a"], ["b"]]


def test_start_begins_anew_and_forgets_all_but_what_is_kept() -> None:
    scenario = made(
        {"first": {"say": "{{n}} {{k}}", "on": [{"any_of": "a", "set": {"n": 5, "k": 6}}]}},
        variables={
            "n": {"type": "number", "default": 1},
            "k": {"type": "number", "keep": True, "default": 2},
        },
    )
    assert simulate(scenario, ["x", "a", "/start"]).replies == [["1 2"], [], ["1 6"]]


def test_after_its_end_a_talk_begins_anew() -> None:
    scenario = waiting({"any_of": "a", "say": "bye", "set": {"x": 1}, "end": True})
    played = simulate(scenario, ["x", "a"])
    assert (played.states, played.variables) == (["first", ""], {"x": 1})
    assert simulate(scenario, ["x", "a", "x"]).variables == {}


def test_a_state_that_no_longer_exists_begins_anew() -> None:
    talk, effects = step(waiting(), Conversation(0, "gone", 3), read_text("x"), START)
    assert (talk.state, talk.visit) == ("first", 4)
    assert any(isinstance(one, Send) for one in effects)


def test_back_goes_back_through_what_waited() -> None:
    ask = {"type": "text", "save": "x"}
    scenario = made({
        "a": {"say": "A?", "ask": {**ask, "go": "between"}},
        "between": {"say": "-", "go": "b"},
        "b": {"say": "B?", "ask": {**ask, "go": "c"}},
        "c": {"say": "C?", "ask": {**ask, "go": "a"}},
    })  # fmt: skip
    played = simulate(scenario, ["x", "1", "2", "back", "Назад!", "/back"])
    assert played.replies == [["A?"], ["-", "B?"], ["C?"], ["B?"], ["A?"], ["A?"]]
    round_trip = simulate(scenario, ["x", "1", "2", "3", "back"])
    assert round_trip.replies[-1] == ["A?"], "the talk had come back to where it began"


def test_the_way_back_has_a_limit() -> None:
    states = {
        f"s{i}": {"say": str(i), "on": [{"any_of": "n", "go": f"s{i + 1}"}]}
        for i in range(MAX_STACK + 5)
    }
    scenario = made({**states, f"s{MAX_STACK + 5}": {"say": "end", "on": []}})
    played = simulate(scenario, ["x"] + ["n"] * (MAX_STACK + 5))
    assert len(played.conversation.stack) == MAX_STACK


def test_too_many_steps_are_an_error_and_a_polite_word() -> None:
    scenario = load({
        "start": "a", "language": "en",
        "states": {
            "a": {"say": "?", "on": [{"any_of": "go", "go": "b"}]},
            "b": {"go": [{"if": {"variable": "x", "is_set": True}, "to": "a"}, {"to": "c"}]},
            "c": {"go": [{"if": {"variable": "x", "is_set": True}, "to": "a"}, {"to": "b"}]},
        },
    })  # fmt: skip
    talk, _ = step(scenario, None, read_text("x"), START)
    after, effects = step(scenario, talk, read_text("go"), START)
    assert after == talk
    polite, failure = effects
    assert isinstance(polite, Send)
    assert polite.message.text.startswith("Sorry")
    assert isinstance(failure, Failure)
    assert (failure.code, failure.state in {"b", "c"}) == ("too_many_steps", True)


# -- words


def test_cancel_and_help() -> None:
    scenario = asking(type="text")
    assert simulate(scenario, ["x", "Cancel!"]).states == ["first", ""]
    assert last(scenario, "помощь")[-1:] == ["?"]
    assert len(last(scenario, "help")) == 2


def test_words_are_only_for_questions_and_commands_for_all() -> None:
    scenario = waiting({"else": True, "go": "yes"})
    assert last(scenario, "cancel") == ["YES"]
    assert simulate(scenario, ["x", "/cancel"]).states[-1] == ""


def test_words_can_be_replaced_and_turned_off() -> None:
    states = {"a": {"say": "?", "ask": {"type": "text", "save": "x", "go": "b"}},
              "b": {"say": "[{{x}}]", "end": True}}  # fmt: skip
    scenario = made(states, words={"cancel": ["stop"], "help": []}, texts={"cancelled": "OK"})
    assert last(scenario, "cancel") == ["[cancel]"]
    assert last(scenario, "help") == ["[help]"]
    assert last(scenario, "STOP") == ["OK"]


def test_an_option_comes_before_a_word() -> None:
    assert last(asking(type="choice", options=["Back", "Cancel"]), "back") == ["[Back]"]


def test_too_many_messages_are_an_error() -> None:
    many = ["x"] * 10
    states = {
        "a": {"on": [{"any_of": "go", "go": "b"}]},
        **{one: {"say": many, "go": to} for one, to in (("b", "c"), ("c", "d"), ("d", "e"))},
        "e": {"say": "x", "end": True},
    }
    played = simulate(made(states), ["x", "go"])
    assert [one.code for one in played.failures] == ["too_many_messages"]
    assert len(played.replies[1]) == 1


def test_too_many_values_are_an_error() -> None:
    text = "{{x}}" * 800
    transitions = [{"any_of": "go", "set": {f"v{i}": text for i in range(30)}, "end": True}]
    played = simulate(made({"a": {"on": transitions}}), ["x", "go"])
    assert [one.code for one in played.failures] == ["too_many_values"]


def test_a_computed_text_has_a_limit() -> None:
    doubled = {"any_of": "go", "set": {"x": "{{x}}{{x}}!"}}
    scenario = waiting({"any_of": "a", "set": {"x": "ab"}}, doubled)
    played = simulate(scenario, ["x", "a"] + ["go"] * 15)
    assert len(str(played.variables["x"])) == 4096
    assert max(len(str(one.changed.get("x"))) for one in played.log) < 500
