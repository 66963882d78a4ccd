"""Questions and buttons: how a talk goes on after an answer or a tap."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.scenarios import asking, buttons, last, made

from dialogs.scenarios import (
    Answer,
    Edit,
    Event,
    EventKind,
    Log,
    Send,
    read_text,
    step,
)
from dialogs.scenarios.simulation import START, simulate

# -- questions


def test_a_wrong_answer_is_asked_for_again_and_then_given_up() -> None:
    lost = {"count": 3, "go": "lost"}
    scenario = asking(type="number", retry="A number!", after_retries=lost)
    assert simulate(scenario, ["x", "a", {"photo": "f"}, "c"]).replies[1:] == [
        ["A number!"], ["A number!"], ["LOST"],
    ]  # fmt: skip
    assert last(scenario, "a", "7") == ["[7]"]


def test_a_question_has_built_in_words_for_a_retry_in_both_languages() -> None:
    assert last(asking(type="email"), "a")[0].startswith("Please")
    russian = {"text": "a", "user": {"language": "ru"}}
    states = {"a": {"say": "?", "ask": {"type": "email", "end": True}}}
    scenario = made(states)
    assert simulate(scenario, ["x", russian]).replies[-1][0].startswith("Напишите")


def test_a_question_can_be_skipped() -> None:
    scenario = asking(type="text", skip=True)
    for skipped in ({"tap": "Skip"}, "skip", "/skip", "пропустить"):
        assert last(scenario, skipped) == ["[]"]
    assert last(asking(type="text"), "skip") == ["[skip]"]


def test_the_key_that_skips_a_question_can_have_any_text() -> None:
    states = {
        "first": {"say": "?", "ask": {"type": "phone", "skip": True, "go": "shown"}},
        "shown": {"say": "next", "end": True},
    }
    scenario = made(states, texts={"skip": "Later!"})
    assert last(scenario, {"tap": "Later!"}) == ["next"]


def test_transitions_of_a_question_come_first() -> None:
    on = [{"any_of": "nobody", "go": "lost"}]
    assert last(asking(type="text", on=on), "Nobody!") == ["LOST"]


def test_a_choice_has_buttons() -> None:
    scenario = asking(type="choice", options=["a", {"text": "b", "value": 2}, "c"], columns=2)
    played = simulate(scenario, ["x"])
    assert [len(row) for row in played.transcript[-1]["buttons"]] == [2, 1]
    assert last(scenario, {"tap": "b"}) == ["[2]"]


def test_several_choices_are_marked_in_place() -> None:
    scenario = asking(type="choices", options=["a", "b", "c"], at_least=1, at_most=2)
    played = simulate(scenario, ["x", {"tap": "▫️ a"}, {"tap": "▫️ c"}])
    assert buttons(played) == ["✅ a", "▫️ b", "✅ c", "Done"]
    assert played.replies[1:] == [[], []], "nothing new is said"
    assert last(scenario, {"tap": "▫️ a"}, {"tap": "▫️ c"}, {"tap": "Done"}) == ["[a, c]"]
    assert last(scenario, {"tap": "▫️ a"}, {"tap": "✅ a"}, {"tap": "Done"}) != ["[]"]
    taps = [{"tap": "▫️ a"}, {"tap": "▫️ b"}, {"tap": "▫️ c"}, {"tap": "Done"}]
    assert last(scenario, *taps)[0].startswith("Please choose")


def test_picking_the_same_option_twice_changes_nothing_twice() -> None:
    scenario = asking(type="choices", options=["a"])
    talk, effects = step(scenario, None, read_text("x"), START)
    [sent] = [one for one in effects if isinstance(one, Send)]
    tap = Event(EventKind.TAP, data=sent.message.buttons[0][0].go)
    talk, effects = step(scenario, talk, tap, START)
    assert [type(one) for one in effects] == [Answer, Edit, Log]
    after, effects = step(scenario, talk, tap, START + timedelta(minutes=1))
    assert after.progress["picked"] == [0]
    # the button was still there because an edit was lost
    assert [type(one) for one in effects] == [Answer, Edit, Log]


def test_the_keyboard_of_a_phone_question_is_taken_away_after_it() -> None:
    scenario = asking(type="phone", skip=True)
    assert simulate(scenario, ["x"]).transcript[-1]["keyboard"] == [
        ["Send my phone number"], ["Skip"],
    ]  # fmt: skip
    talk, _ = step(scenario, None, read_text("x"), START)
    talk, effects = step(scenario, talk, read_text("what?"), START)
    assert not any(one.message.remove_keyboard for one in effects if isinstance(one, Send))
    talk, effects = step(scenario, talk, Event(EventKind.CONTACT, phone="+1555"), START)
    [sent] = [one for one in effects if isinstance(one, Send)]
    assert sent.message.remove_keyboard
    assert "keyboard" not in talk.progress, "once"
    assert sent.values == {"x": "+1555"}


# -- buttons

MENU = {
    "menu": {
        "say": {
            "text": "Menu", "buttons": [[{"text": "A", "go": "a"}, {"text": "Plus", "go": "plus"}]]
        },
        "on": [{"button": "plus", "set": {"n": {"add": [{"variable": "n"}, 1]}}, "save": "b",
                "say": "{{n}}"}],
    },
    "a": {"say": {"text": "A", "buttons": [[{"text": "Back", "go": "@back"}]]}, "on": []},
}  # fmt: skip
COUNTER = {"n": {"type": "number", "default": 0}}


def test_a_button_leads_to_a_state_or_is_caught() -> None:
    scenario = made(MENU, variables=COUNTER)
    played = simulate(scenario, ["x", {"tap": "Plus"}, {"tap": "A"}, {"tap": "Back"}])
    assert played.replies == [["Menu"], ["1"], ["A"], ["Menu"]]
    assert played.variables == {"n": 1, "b": "plus"}


def test_a_button_of_an_old_message_shows_the_present_one() -> None:
    scenario = made(MENU, language="en")
    played = simulate(scenario, ["x", {"tap": "A"}, {"tap": "A"}])
    assert played.replies[-1] == ["A"]
    assert {"from": "bot", "answer": "This menu is old. Here is the present one."} in (
        played.transcript
    )
    assert played.states == ["menu", "a", "a"]
    own = made(MENU, texts={"old_menu": "Old, {{user.first_name}}!"})
    shown = simulate(own, ["x", {"tap": "A"}, {"tap": "A"}]).transcript
    assert {"from": "bot", "answer": "Old, Ann!"} in shown
    again = simulate(scenario, ["x", {"tap": "A"}, {"tap": "Back"}, {"tap": "A", "older": 1}])
    assert again.states[-1] == "menu", "the same state, but an earlier visit"


def test_a_tap_is_no_content() -> None:
    menu = {**MENU["menu"], "on": [{"content": "any", "go": "a"}, *MENU["menu"]["on"]]}
    scenario = made({**MENU, "menu": menu}, variables=COUNTER)
    assert last(scenario, {"tap": "Plus"}) == ["1"]


def test_a_double_tap_does_nothing_twice() -> None:
    scenario = made(MENU, variables=COUNTER)
    played = simulate(scenario, ["x", {"tap": "Plus"}, {"tap": "Plus", "wait": 1}])
    assert played.replies[1:] == [["1"], []]
    moved = simulate(scenario, ["x", {"tap": "A"}, {"tap": "A", "wait": 0.3}])
    assert moved.replies[1:] == [["A"], []]
    assert simulate(scenario, ["x", {"tap": "Plus"}, {"tap": "Plus"}]).replies[-1] == ["2"]


def test_a_tap_after_the_end_begins_anew() -> None:
    states = {"first": {"say": {"text": "?", "buttons": [[{"text": "B", "go": "bye"}]]}, "on": []},
              "bye": {"say": "Bye", "end": True}}  # fmt: skip
    assert last(made(states), {"tap": "B"}, {"tap": "B"}) == ["?"]


def test_a_button_of_another_message_leads_where_a_transition_catches_it() -> None:
    scenario = made(MENU, anywhere=[{"button": "offer", "go": "a"}])
    begun = step(scenario, None, read_text("x"), START)[0]
    for talk in (None, begun):
        after, effects = step(scenario, talk, Event(EventKind.TAP, data="offer"), START)
        assert after.state == "a"
        assert effects[0] == Answer()
    for target in ("@start", "@back", "@again"):
        after, effects = step(scenario, begun, Event(EventKind.TAP, data=target), START)
        assert after.state == "menu"
        assert effects[0] == Answer()


@pytest.mark.parametrize(
    "data",
    [
        "staff", "menu", "a", "unknown", "",
        "~0.staff.1.b0", "~0.menu.1.b2", "~0.menu.1.b9999", "~0.menu.1.o0", "~0.menu.1.s",
        "~0.menu.1.d", "~0.menu.2.b0", "~0.menu.0.b0", "~1.menu.1.b0", "~0.a.2.b0",
    ],
)  # fmt: skip
def test_a_forged_tap_leads_to_no_state(data: str) -> None:
    staff = {"say": {"text": "?", "buttons": [[{"text": "A", "go": "a"}]]}, "on": []}
    scenario = made({**MENU, "staff": staff})
    tap = Event(EventKind.TAP, data=data)
    begun = step(scenario, None, read_text("x"), START)[0]
    after, effects = step(scenario, begun, tap, START)
    assert (after.state, after.visit) == ("menu", 1)
    assert isinstance(effects[0], Answer)
    assert effects[0].text, "the menu is old"
    for talk in (None, replace(begun, state="")):
        assert step(scenario, talk, tap, START)[0].state == "menu", "where talks begin"


@pytest.mark.parametrize(
    "say",
    [
        "{{user.last_name}}",
        ["Hi", {"text": "**{{name}}** {{user.last_name}}", "format": "markdown"}],
        {"contact": {"phone_number": "{{name}}", "first_name": "x"}},
    ],
)
def test_a_question_of_empty_variables_is_asked_in_words_of_its_own(say: Any) -> None:
    question = {"type": "choices", "options": ["A", "B"], "save": "x", "go": "shown"}
    states = {"q": {"say": say, "ask": question}, "shown": {"say": "[{{x}}]", "end": True}}
    variables = {"name": {"type": "text"}}
    scenario = made(states, variables=variables)
    played = simulate(scenario, ["x", {"tap": "▫️ B"}])
    assert played.replies[0][-1] == "Please choose as many answers as are asked for."
    assert buttons(played) == ["▫️ A", "✅ B", "Done"]
    assert last(scenario, {"tap": "▫️ B"}, {"tap": "Done"}) == ["[B]"]
    named = {"name": {"type": "text", "default": "Ann"}}
    if "name" in str(say).replace("last_name", ""):
        assert "Please" not in str(simulate(made(states, variables=named), ["x"]).replies)
