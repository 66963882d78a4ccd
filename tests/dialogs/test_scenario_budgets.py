"""No event takes long, whatever a valid scenario has and a user writes."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scenarios import last, made, waiting

from dialogs.messages import parse, render
from dialogs.messages.sizes import size_of
from dialogs.scenarios.normalizing import MAX_TEXT, Words, normalize, words
from dialogs.scenarios.simulation import simulate

MANY = "\ufdfa" * 4096  # each becomes 18 characters
ACCENTS = "a" + "\u0301\u0316" * 2047  # they are sorted, in quadratic time
LONG = "x" * 4096


# -- the text of a user


def test_a_text_is_normalized_once_for_all_transitions_and_in_short_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[int] = []
    original = unicodedata.normalize

    def counting(form: Any, text: str) -> str:
        looked_at.append(len(text))
        return original(form, text)

    scenario = waiting(*({"contains": f"word{number}"} for number in range(200)))
    monkeypatch.setattr(unicodedata, "normalize", counting)
    for text in (MANY, ACCENTS):
        looked_at.clear()
        assert last(scenario, text) == ["?"]
        assert max(looked_at) <= 256
        assert sum(looked_at) <= 2 * len(text), "as a whole, and in words"


@pytest.mark.parametrize("text", [MANY, ACCENTS, "я" * 10_000, "a " * 5000])
def test_what_is_compared_has_a_limit(text: str) -> None:
    assert len(normalize(text)) <= MAX_TEXT
    assert len(words(text)) <= MAX_TEXT + 1


def test_the_pieces_of_a_long_text_are_compared_like_a_short_one() -> None:
    text = "и\u0306 Ё " * 600  # й and ё of two characters each
    assert normalize(text) == ("й е " * 600).strip()
    assert Words(text).have(words("Й Е Й"))


texts = st.text(alphabet="ab #.é", max_size=40)


@given(texts, texts)
def test_a_phrase_is_found_from_the_beginning_of_a_word(text: str, phrase: str) -> None:
    assert Words(text).have(words(phrase)) == (words(phrase) in words(text))


# -- values


def test_conditions_count_the_characters_that_they_look_at() -> None:
    def failures(number: int) -> list[str]:
        one = {"variable": "v", "contains": "y"}
        groups = [{"or": [one] * 20}] * (number // 20)
        states = {
            "a": {"say": "?", "on": [{"content": "text", "save": "v", "go": "b"}]},
            "b": {"go": [{"if": {"or": groups}, "to": "a"}, {"to": "c"}]},
            "c": {"say": "c", "end": True},
        }
        return [one.code for one in simulate(made(states), ["x", LONG]).failures]

    assert failures(200) == []
    assert failures(300) == ["too_many_values"]


@pytest.mark.parametrize(
    ("transition", "number"),
    [
        ({"set": {f"v{i}": {"add": [1] * 10} for i in range(90)}}, 30),
        ({"if": {"variable": "n", "one_of": [f"w{i}" for i in range(100)]}}, 200),
    ],
)
def test_values_of_the_document_count_too(transition: dict[str, Any], number: int) -> None:
    never = {"variable": "n", "equals": 1}
    if "set" in transition:
        ring = {
            f"s{i}": {**transition, "go": [{"if": never, "to": "a"}, {"to": f"s{i + 1}"}]}
            for i in range(number)
        }
        states = {"a": {"say": "?", "on": [{"any_of": "go", "go": "s0"}]}, **ring}
        states[f"s{number}"] = {"say": "x", "end": True}
    else:
        states = {"a": {"say": "?", "on": [{"any_of": "go", **transition}] * number}}
    played = simulate(made(states), ["x", "go"])
    assert [one.code for one in played.failures] == ["too_many_values"]


# -- messages


def said(*messages: Any, **others: Any) -> list[str]:
    """Return the failures of a scenario that says messages."""
    on = [{"any_of": "go", "say": [*messages], "end": True}]
    played = simulate(made({"a": {"say": "?", "on": on}}, **others), ["x", "go"])
    return [one.code for one in played.failures]


def test_the_largest_message_is_said() -> None:
    assert said("x" * 32_000) == []
    assert said({"text": "*x* " * 1500, "format": "markdown"}) == []
    value = {"v": {"type": "text", "default": LONG}}
    assert said("x" * 28_000 + "{{v}}" * 6, variables=value) == []


def test_messages_are_counted_as_they_are_cut() -> None:
    assert said("x " * 10_000, "x " * 10_000) == []
    assert said(*["x " * 3000] * 10) == []
    assert said(*["x " * 3100] * 10) == ["too_many_messages"]
    files = [{"type": "photo", "file_id": "f"}] * 10
    assert said(*[{"media": files}] * 3) == []
    assert said(*[{"media": files}] * 3, "x") == ["too_many_messages"]


def test_characters_and_signs_are_counted_with_values() -> None:
    value = {"v": {"type": "text", "default": LONG}}
    assert said(*["{{v}}"] * 10, variables=value) == []
    buttons = [[{"text": f"{i}", "url": f"https://a.b/{i}{{{{v}}}}"} for i in range(8)]]
    assert said({"text": "x", "buttons": buttons}, variables=value) == []
    with_buttons = [{"text": "x", "buttons": buttons}] * 3
    assert said(*with_buttons, variables=value) == ["too_many_characters"]
    marked = {"text": "*x* " * 400, "format": "markdown"}
    assert said(*[marked] * 3) == []
    assert said(*[marked] * 4) == ["too_many_signs"]


@pytest.mark.parametrize(
    "message",
    [
        {"text": "x"}, {"text": "x" * 9000}, {"text": "a. " * 4000}, {"text": "{{v}}" * 5},
        {"text": "x" * 900, "media": {"type": "photo", "file_id": "f"}},
        {"text": "x" * 5000, "media": {"type": "photo", "file_id": "f"}},
        {"text": "x", "media": {"type": "sticker", "file_id": "f"}},
        {"text": "x", "location": {"latitude": 1, "longitude": 2}},
        {"text": "x", "media": [{"type": "photo", "file_id": "f"}] * 3,
         "buttons": [[{"text": "x", "go": "y"}]]},
        {"text": "* a\n" * 700, "format": "markdown"},
    ],
)  # fmt: skip
def test_a_message_is_no_larger_than_its_size(message: dict[str, Any]) -> None:
    values = {"v": LONG}
    size, calls = size_of(parse(message), values), render(parse(message), values)
    assert sum(call.size for call in calls) <= size.messages
    assert sum(len(call.text or "") for call in calls) <= size.characters
