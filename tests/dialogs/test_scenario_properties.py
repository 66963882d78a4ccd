"""What holds for any scenario, any events and any JSON."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.random_scenarios import Dice, Play

from dialogs.messages import render
from dialogs.scenarios import (
    SCENARIO,
    Answer,
    Conversation,
    EventKind,
    Failure,
    Scenario,
    Send,
    Severity,
    load,
    read_text,
    step,
    validate,
)
from dialogs.scenarios.budget import LIMITS, Use
from dialogs.scenarios.conversation import MAX_STACK
from dialogs.scenarios.events import Event
from dialogs.scenarios.schema import scenario_checker
from dialogs.scenarios.simulation import START, simulate
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.versions import Migration, diff, migrate

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
dice = st.integers(0, 2**40).map(Dice)
SCHEMA = Draft202012Validator(SCENARIO)


def play(
    scenario: Scenario, events: Play, talk: Conversation | None = None
) -> tuple[Conversation, list[Any]]:
    """Play events, check the limits after each, and return all effects."""
    talk = talk or Conversation(scenario.version)
    buttons: list[str] = ["~0.a.1.b0"]
    transcript: list[Any] = []
    for one in events:
        event = one
        if isinstance(event, int):
            event = Event(EventKind.TAP, data=buttons[-1 - event % len(buttons)])
        before = json.dumps(talk.to_json())
        after, effects = step(scenario, talk, event, START)
        assert json.dumps(talk.to_json()) == before, "a step changes nothing in place"
        check(scenario, event, after, effects)
        for effect in effects:
            if isinstance(effect, Send):
                for call in render(effect.message, effect.values):
                    rows = call.parameters.get("reply_markup", {}).get("inline_keyboard", [])
                    buttons += [button["callback_data"] for row in rows for button in row]
        talk = Conversation.from_json(json.loads(json.dumps(after.to_json())))
        assert talk == after
        transcript.append(effects)
    return talk, transcript


def check(scenario: Scenario, event: Event, talk: Conversation, effects: list[Any]) -> None:
    """Check what holds after every step."""
    assert talk.state == "" or scenario.states[talk.state].waits
    assert len(talk.variables) <= 100
    assert all(len(json.dumps(value)) < 30_000 for value in talk.variables.values())
    assert len(talk.stack) <= MAX_STACK
    answers = [one for one in effects if isinstance(one, Answer)]
    assert len(answers) == (event.kind is EventKind.TAP)
    sent = [one for one in effects if isinstance(one, Send)]
    assert len(sent) <= LIMITS[Use.MESSAGES]
    codes = {one.code for one in effects if isinstance(one, Failure)}
    assert sent or codes <= {"variables_full", "value_not_saved"}, "a polite word"
    for one in sent:
        for row in one.message.buttons:
            assert all(len(button.go.encode()) <= 64 for button in row)


@QUICK
@given(dice)
def test_a_step_ends_and_stays_in_its_limits(dice: Dice) -> None:
    play(dice.scenario(), dice.events())


@QUICK
@given(dice)
def test_a_talk_replays_to_the_same_transcript(dice: Dice) -> None:
    document, events = dice.valid_document(), dice.events()
    again = load(json.loads(json.dumps(document)))
    assert play(load(document), events) == play(again, events)


@QUICK
@given(dice)
def test_no_talk_is_stuck(dice: Dice) -> None:
    scenario = dice.scenario()
    talk, _ = play(scenario, dice.events())
    after, effects = step(scenario, talk, read_text("/start"), START)
    assert effects
    assert after.state == "" or scenario.states[after.state].waits


@QUICK
@given(dice, st.sampled_from(Migration))
def test_no_talk_is_stuck_between_two_versions(dice: Dice, mode: Migration) -> None:
    old, new = dice.scenario().at(1), dice.scenario().at(2)
    talk, _ = play(old, dice.events())
    moved = migrate(talk, old, new, mode)
    if moved is None:
        assert mode is Migration.KEEP
        assert old.states[talk.state].waits, "it goes on in the old version"
        play(old, dice.events(), talk)
        return
    assert moved.version == 2
    assert moved.state == ("" if mode is Migration.RESTART else talk.state)
    assert all(new.states[name].waits for name in moved.stack)
    play(new, dice.events(), moved)


@QUICK
@given(dice)
def test_a_difference_names_each_state_once(dice: Dice) -> None:
    old, new = dice.valid_document(), dice.valid_document()
    found = diff(old, new)
    assert {*found.added} == new["states"].keys() - old["states"].keys()
    assert {*found.removed} == old["states"].keys() - new["states"].keys()
    assert {*found.changed} <= old["states"].keys() & new["states"].keys()
    assert diff(old, old) == diff(new, new)


@QUICK
@given(dice)
def test_the_simulator_takes_the_same_steps(dice: Dice) -> None:
    scenario = dice.scenario()
    said = [one.text for one in dice.events() if isinstance(one, Event) and one.text]
    played = simulate(scenario, said)
    assert played.conversation == simulate(scenario, said).conversation
    assert len(played.states) == len(said)


def resolve(document: Any, pointer: str) -> None:
    """Follow a JSON Pointer."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name) if isinstance(document, list) else name]


@settings(QUICK, max_examples=500)
@given(dice)
def test_any_json_is_valid_or_refused_with_pointers(dice: Dice) -> None:
    document = dice.broken() if dice.random.random() < 0.8 else dice.anything()
    scenario, problems = validate(document)
    is_wrong = any(one.severity is Severity.ERROR for one in problems)
    assert (scenario is None) == is_wrong
    for one in problems:
        assert one.message[-1] in ".?"
        resolve(document, one.pointer)
    if scenario:
        play(scenario, [read_text("yes"), 0, read_text("/start")])


@settings(QUICK, max_examples=300)
@given(dice)
def test_the_checker_agrees_with_the_schema(dice: Dice) -> None:
    document = dice.broken() if dice.random.random() < 0.8 else dice.anything()
    if not structure_problems(document):
        assert (not scenario_checker().mismatches(document)) == SCHEMA.is_valid(document)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCENARIO)


@QUICK
@given(dice)
def test_a_random_document_fits_the_schema(dice: Dice) -> None:
    assert SCHEMA.is_valid(dice.document())


@settings(QUICK, max_examples=30)
@given(st.just(float("nan")) | st.builds(object) | st.sets(st.integers()))
@example(10**5000)
@example("\ud800")
@example({1: 2})
def test_other_values_are_refused(value: Any) -> None:
    for document in (value, {"start": value}, {"states": {"a": [value]}}):
        assert validate(document)[0] is None


def test_a_document_that_contains_itself_is_refused() -> None:
    document: dict[str, Any] = {"start": "a"}
    document["states"] = document
    scenario, problems = validate(document)
    assert scenario is None
    assert [one.code for one in problems] == ["too_deep"]
