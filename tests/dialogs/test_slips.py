"""Common slips: the sentences tell what is meant, and where."""

from __future__ import annotations

from typing import Any

import pytest

from dialogs.scenarios import validate
from dialogs.scenarios.saved_tests import validate_test

END = {"say": "Bye", "end": True}
BUTTON = {"text": "A", "go": "b"}


def of(state: Any, **others: Any) -> Any:
    return {"start": "a", "states": {"a": state, "b": END}, **others}


def said(message: Any) -> Any:
    return of({"say": message, "on": []})


def asked(**question: Any) -> Any:
    return of({"say": "?", "ask": {"go": "b", **question}})


def told(document: Any) -> str:
    """Return what the first problem says."""
    return validate(document)[1][0].message


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (of({"text": "Hi", "end": True}), 'What a state says is its "say".'),
        (of({"say": "Hi", "buttons": [[BUTTON]], "on": []}), 'They belong to the message: "say"'),
        (said({"text": "x", "buttons": ["A", "B"]}), "A row is a list of buttons: "),
        (said({"text": "x", "buttons": [BUTTON]}), "A row is a list of buttons: "),
        (said({"text": "x", "buttons": [["A"]]}), 'A button is such as {"text": "A", "go": "a"}.'),
        (of({"ask": "What is your name?"}), 'Write the text in "say", and the type of the answer'),
        ({"start": "a", "states": [{"say": "x"}]}, "Write each state by its name: "),
        (asked(type="integer"), 'Did you mean "number"?'),
        (of(END, variables={"x": {"type": "int"}}), 'Did you mean "number"?'),
        (of({"go": [{"if": {"variable": "now", "greater": 1}, "to": "b"}, {"to": "b"}]}),
         'Did you mean "more"?'),
        (said({"text": "x", "photo": "https://x.org/a"}), 'Files are in "media": {"type": "photo"'),
        (said({"text": "x", "video": "https://x.org/a"}), 'Files are in "media": {"type": "video"'),
        (said(100), '"say" of state "a" must be a text or a message, not a number. Put it in qu'),
        ({"start": "a", "states": {"имя": END, "a": END}}, "What people read may be in any"),
        (of({"say": "?", "on": [{"command": "/start", "go": "b"}]}), "has a slash. Leave it out."),
        (of(END, commands=[{"command": "/x", "description": "y"}]), "has a slash. Leave it out."),
        (of({"say": "{{user}}", "go": "b"}), 'Did you mean "user.name"?'),
        (of({"say": "{{now}", "go": "b"}), '"{{now}" is shown as it is written'),
        (of({"say": "{{now|upper}}", "go": "b"}), 'write "{{now}}"'),
        (of({"say": "{now}}", "go": "b"}), 'write "{{now}}"'),
        # what is empty
        (asked(type="choice", options=[]), "is empty. Add an option."),
        (of(END, commands=[{"command": "x", "description": ""}]), "is empty. Write something in"),
        (of(END, title=""), "is empty. Write something in it, or remove it."),
        # where it is
        (said({"text": "x", "buttons": [[{"text": "", "go": "b"}]]}),
         'In "say" of state "a": "text" of'),
        (said(["x", {"text": "x", "buttons": [[{"text": "A"}]]}]),
         'In entry 2 of "say" of state "a": button 1 in row 1 needs exactly one of'),
        (said({"text": "x", "buttons": [[{"text": "A", "go": "c"}]]}),
         'The button in state "a" leads'),
        (of({"say": "{{nmae}}", "go": "b"}), 'In "say" of state "a": nothing sets "nmae"'),
        (asked(type="date", **{"from": "soon"}), '"from" of "ask" of state "a" must be written as'),
        (asked(type="number", min=2, max=1), 'No answer fits "ask" of state "a": "min" is greater'),
        (asked(type="text", max=1), '"max" of "ask" of state "a" has no meaning'),
        (of(END, anywhere=[{"regex": "(", "go": "b"}]), '"regex" of transition 1 in anywhere is a'),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_what_is_meant(document: Any, sentence: str) -> None:
    assert sentence in told(document)


def test_a_whole_response_is_told_to_be_unpacked() -> None:
    found = [one.message for one in validate({"scenario": of(END)})[1]]
    assert 'Send what is inside "scenario", without "scenario" around it.' in found[-1]


@pytest.mark.parametrize("text", ["{{now}}", "{{ now }}", "{{nobody}", "{{a b}}", "{{}}"])
def test_other_braces_are_no_slip(text: str) -> None:
    assert "single_braces" not in {one.code for one in validate(of({"say": text, "go": "b"}))[1]}


@pytest.mark.parametrize(
    ("say", "places"),
    [
        (["x", "{{x}}"], ["/states/a/say/1"]),
        ({"text": "{{x}}"}, ["/states/a/say/text"]),
        ({"text": "y", "buttons": [[{"text": "{{x}}", "go": "b"}]]},
         ["/states/a/say/buttons/0/0/text"]),
    ],
)  # fmt: skip
def test_a_variable_that_nothing_sets_is_told_with_its_text(say: Any, places: list[str]) -> None:
    found = validate(of({"say": say, "on": []}))[1]
    assert [one.pointer for one in found if one.code == "unset_variable"] == places


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"name": "t", "turns": [{"user": "x", "bot": "Hello"}]},
         'In the test "t": "bot" of turn 1 must be a list, not a text. Put it in'),
        ({"name": "t", "turns": []}, 'In the test "t": "turns" is empty. Add a turn.'),
        ({"name": "", "turns": [{"user": "x"}]}, '"name" is empty. Write something in it.'),
        ({"name": "t"}, 'In the test "t": the test needs "turns". Add it.'),
        ({"turns": [{"user": "x"}]}, 'The test needs "name". Add it.'),
        (7, "The test must be an object"),
    ],
)  # fmt: skip
def test_a_test_is_told_by_its_name(document: Any, sentence: str) -> None:
    assert validate_test(document)[0].message.startswith(sentence)
