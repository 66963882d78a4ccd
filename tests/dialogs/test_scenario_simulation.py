"""The simulator, its coverage, and the tests that are saved with a scenario."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from support.scenarios import asking, made, waiting

from dialogs.scenarios import Problem, Scenario, Simulation, load
from dialogs.scenarios.coverage import coverage, transitions
from dialogs.scenarios.samples import template
from dialogs.scenarios.saved_tests import run_test, validate_test
from dialogs.scenarios.schema import EVENTS, TEST
from dialogs.scenarios.simulation import InvalidEvents, event_problems, simulate

CAT_DOCUMENT = template("cat_or_bread.en")
CAT = load(CAT_DOCUMENT)


def test_the_transcript_has_what_both_sides_see() -> None:
    say = {"text": "Hi **you**", "format": "markdown", "buttons": [[{"text": "A", "go": "yes"}]]}
    played = simulate(waiting(say=say), ["x", {"tap": "A"}])
    assert played.transcript == [
        {"from": "user", "text": "x"},
        {"from": "bot", "text": "Hi you", "entities": [{"type": "bold", "offset": 3, "length": 3}],
         "buttons": [[{"text": "A", "callback_data": "~0.first.1.b0"}]]},
        {"from": "user", "tap": "A"},
        {"from": "bot", "text": "YES"},
    ]  # fmt: skip
    assert played.states == ["first", ""]
    assert [(one.state, one.transition, one.to) for one in played.log] == [
        ("", "start", "first"),
        ("first", "/states/first/say/buttons/0/0/go", "yes"),
        ("yes", "/states/yes/end", ""),
    ]


def test_the_time_is_what_the_events_say() -> None:
    scenario = made({"a": {"on": [{"content": "text", "say": "{{now}}"}]}})
    events = ["x", {"text": "y", "wait": 3600}, {"text": "z", "wait": 1e9}] + [
        {"text": "z", "wait": 1e9}
    ] * 300
    replies = simulate(scenario, events).replies
    assert replies[:2] == [["2030-01-07 12:00"], ["2030-01-07 13:00"]]
    assert replies[-1] == replies[-2], "the calendar has an end"


def test_a_key_of_the_keyboard_sends_its_text() -> None:
    say = {"text": "?", "keyboard": {"rows": [[{"text": "Yes"}]]}}
    scenario = waiting({"any_of": "yes", "go": "yes"}, say=say)
    assert simulate(scenario, ["x", {"tap": "Yes"}]).replies[-1] == ["YES"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ({}, {("wrong_type", "")}),
        ([1], {("wrong_type", "/0")}),
        (["a", {}], {("missing_field", "/1")}),
        ([{"text": "a", "tap": "b"}], {("conflicting_fields", "/0")}),
        ([{"txt": "a"}], {("unknown_field", "/0/txt"), ("missing_field", "/0")}),
        ([{"text": "a", "wait": -1}], {("out_of_range", "/0/wait")}),
        ([{"location": {"latitude": 91}}],
         {("missing_field", "/0/location"), ("out_of_range", "/0/location/latitude")}),
        (["x"] * 1001, {("too_many", "")}),
        (["x\0"], {("forbidden_character", "/0")}),
    ],
)  # fmt: skip
def test_wrong_events_are_refused(events: Any, expected: set[tuple[str, str]]) -> None:
    assert {(one.code, one.pointer) for one in event_problems(events)} == expected
    with pytest.raises(InvalidEvents):
        simulate(CAT, events)


def refused(scenario: Scenario, *events: Any) -> tuple[Problem, Simulation]:
    """Play events, of which the last one cannot be played; return why, and what was played."""
    with pytest.raises(InvalidEvents) as error:
        simulate(scenario, [*events])
    [problem] = error.value.problems
    assert error.value.played is not None
    return problem, error.value.played


def test_a_tap_needs_a_button() -> None:
    problem, played = refused(CAT, "x", {"tap": "Yes"})
    assert (problem.pointer, problem.code) == ("/1/tap", "unknown_button")
    assert problem.message == 'The bot has shown no button "Yes", nor any other.'
    assert played.states == ["square"]
    assert [one["from"] for one in played.transcript] == ["user", "bot"]
    assert [one.to for one in played.log] == ["square"]


def menu(*labels: str) -> dict[str, Any]:
    return {"text": "?", "buttons": [[{"text": label, "go": "yes"}] for label in labels]}


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (menu("A", "B"), 'The last buttons are "A" and "B".'),
        (menu("A"), 'The last button is "A".'),
        ([menu("A", "B"), "x", {"text": "?", "keyboard": {"rows": [[{"text": "K"}]]}}],
         'The last buttons are "A", "B" and "K".'),
        (menu(*(f"{number}" for number in range(12))),
         'The last 12 buttons begin with "0", "1", "2", "3", "4", "5", "6", "7", "8" and "9".'),
        (menu("x" * 60), f'The last button is "{"x" * 40}…".'),
    ],
)  # fmt: skip
def test_a_wrong_tap_is_told_the_buttons_that_there_are(say: Any, told: str) -> None:
    scenario = waiting(say=say)
    problem, _ = refused(scenario, "/start", "y", {"tap": "No"})
    assert problem.message == f'The bot has shown no button "No". {told}'


def test_a_tap_on_an_older_message_needs_one() -> None:
    scenario = waiting(say=menu("A"))
    problem, _ = refused(scenario, "/start", {"tap": "A", "older": 1})
    assert (problem.pointer, problem.code) == ("/1/older", "unknown_button")
    told = 'Only one message has a button "A", and no older one. Leave out "older".'
    assert problem.message == told
    problem, _ = refused(scenario, "/start", "/start", {"tap": "A", "older": 2})
    assert problem.message == 'Only 2 messages have a button "A", so "older" can be 1 at most.'


# -- idle talks


def test_a_talk_that_waits_for_more_than_90_days_is_forgotten() -> None:
    scenario = made(
        {
            "a": {"on": [{"any_of": "set", "set": {"v": "1", "k": "1"}, "go": "b"}]},
            "b": {"on": [{"content": "any", "say": "{{v}}{{k}}", "go": "@stay"}]},
        },
        variables={"v": {"type": "text"}, "k": {"type": "text", "keep": True}},
    )
    days = 86_400
    played = simulate(scenario, ["set", {"text": "x", "wait": 90 * days}])
    assert (played.states, played.replies[-1]) == (["b", "b"], ["11"])
    played = simulate(scenario, ["set", {"text": "x", "wait": 90 * days + 1}])
    assert (played.states, played.variables) == (["b", "a"], {})
    step = played.log[-1]
    assert (step.state, step.to) == ("a", "a"), "the first event of a talk, in a silent state"
    turns = [
        {"user": "set", "state": "b"},
        {"user": {"text": "x", "wait": 100 * days}, "state": "a"},
    ]
    assert run_test(scenario, saved(*turns, variables={"k": None})).faults == ()


def test_coverage_tells_what_was_left_out() -> None:
    left = coverage(CAT, simulate(CAT, ["x", "no", "x", "yes"]).log)
    assert left.states == ("bread",)
    assert left.transitions == ("/states/ears/on/0", "/states/ears/on/1", "/states/bread/end")
    question = asking(type="text", after_retries={"count": 1, "go": "lost"})
    assert [*transitions(question)] == [
        "/states/first/ask", "/states/first/ask/after_retries", "/states/shown/end",
        "/states/lost/end",
    ]  # fmt: skip


# -- saved tests


def saved(*turns: Any, **others: Any) -> dict[str, Any]:
    return {"name": "A test", "turns": [*turns], **others}


def test_a_test_passes() -> None:
    hello = CAT_DOCUMENT["states"]["square"]["say"]
    document = saved(
        {"user": "/start", "bot": [hello], "state": "square"},
        {"user": "yes"},
        {"user": {"text": "no"}, "state": ""},
        variables={"x": None},
    )
    assert validate_test(document) == []
    outcome = run_test(CAT, document)
    assert outcome.faults == ()
    assert coverage(CAT, outcome.log).states == ("cat",)


def test_a_test_tells_every_difference() -> None:
    outcome = run_test(
        CAT,
        saved(
            {"user": "x", "bot": ["Hello"], "state": "ears"},
            {"user": "no", "bot": []},
            variables={"x": 1},
        ),
    )
    assert [one.turn for one in outcome.faults] == [0, 0, 1, -1]
    assert outcome.faults[1].message == 'The talk should be in state "ears", and is in "square".'
    assert run_test(CAT, saved({"user": "x"}, {"user": {"tap": "A"}})).faults[0].turn == 1


def test_a_turn_that_cannot_be_played_is_the_last_fault() -> None:
    say = {"text": "?", "buttons": [[{"text": "Prices", "go": "yes"}]]}
    document = saved(
        {"user": "/start", "bot": ["WRONG"], "state": "yess"},
        {"user": {"tap": "Prices"}, "bot": ["WRONG TOO"]},
        {"user": {"tap": "Nope"}, "bot": ["never"]},
        {"user": "x", "state": "never"},
        variables={"x": 1},
    )
    outcome = run_test(waiting(say=say), document)
    assert [one.told() for one in outcome.faults] == [
        'Turn 1: The bot should say "WRONG", and says "?".',
        'Turn 1: There is no state "yess", in which the talk should be; it is in "first". '
        'Did you mean "yes"?',
        'Turn 2: The bot should say "WRONG TOO", and says "YES".',
        'Turn 3: The bot has shown no button "Nope". The last button is "Prices".',
    ]
    assert [one.to for one in outcome.log] == ["first", "yes", ""]
    many = [{"user": "/start", "bot": ["no"]}] * 30
    outcome = run_test(waiting(say=say), saved(*many, {"user": {"tap": "Nope"}}))
    assert len(outcome.faults) == 20
    assert outcome.faults[-2].message == "There are 12 more differences. Mend these first."
    assert outcome.faults[-1].turn == 30


def test_a_difference_is_told_in_words() -> None:
    document = saved(
        {"user": "/start", "bot": ["a", "b", "c"], "state": ""},
        {"user": "yes"},
        {"user": "no", "bot": [], "state": "ears"},
        variables={"x": "5", "y": [], "z": ["a", "b"], "n": 1.5, "b": True},
    )
    said = CAT_DOCUMENT["states"]["square"]["say"]
    bread = CAT_DOCUMENT["states"]["bread"]["say"]
    assert [one.told() for one in run_test(CAT, document).faults] == [
        f'Turn 1: The bot should say "a", "b" and "c", and says "{said}".',
        'Turn 1: The talk should have ended, and is in state "square".',
        f'Turn 3: The bot should say nothing, and says "{bread}".',
        'Turn 3: The talk should be in state "ears", and has ended.',
        'At the end, "x" should be "5", and is empty.',
        'At the end, "y" should be an empty list, and is empty.',
        'At the end, "z" should be the list "a" and "b", and is empty.',
        'At the end, "n" should be 1.5, and is empty.',
        'At the end, "b" should be true, and is empty.',
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], {("wrong_type", "")}),
        ({}, {("missing_field", "")}),
        (saved(), {("too_few", "/turns")}),
        (saved({"user": 1, "bot": "x"}),
         {("wrong_type", "/turns/0/user"), ("wrong_type", "/turns/0/bot")}),
        (saved({"user": {"tap": 1}}), {("wrong_type", "/turns/0/user/tap")}),
    ],
)  # fmt: skip
def test_a_wrong_test_is_refused(document: Any, expected: set[tuple[str, str]]) -> None:
    assert {(one.code, one.pointer) for one in validate_test(document)} == expected
    registry: Any = Registry().with_resource(EVENTS["$id"], Resource.from_contents(EVENTS))
    assert not Draft202012Validator(TEST, registry=registry).is_valid(document)


# -- the clock


def test_the_first_event_happens_when_it_is_said() -> None:
    scenario = made({"a": {"on": [{"content": "text", "say": "{{now}}"}]}}, time_zone="Asia/Tokyo")
    begins = datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)
    assert simulate(scenario, ["x", "y"], now=begins).replies == [
        ["2026-02-01 08:59"], ["2026-02-01 09:00"],
    ]  # fmt: skip


def test_a_test_has_a_clock() -> None:
    scenario = made({"a": {"on": [{"content": "text", "say": "{{now}}"}]}})
    turns = [{"user": "x", "bot": ["2026-01-31 15:30"]}, {"user": {"text": "y", "wait": 60}}]
    test = saved(*turns, now="2026-01-31T18:30:00+03:00")
    assert validate_test(test) == []
    assert run_test(scenario, test).faults == ()
    default = saved({"user": "x", "bot": ["2030-01-07 12:00"]})
    assert run_test(scenario, default).faults == ()


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (5, "wrong_type"), ("tomorrow", "wrong_pattern"), ("2026-01-31T18:30:00", "wrong_pattern"),
        ("2026-02-31T18:30:00Z", "out_of_range"), ("1969-12-31T23:59:59Z", "out_of_range"),
        ("9999-12-31T00:00:00Z", "out_of_range"), ("2026-01-31T24:30:00Z", "out_of_range"),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_refused(moment: Any, code: str) -> None:
    [problem] = validate_test(saved({"user": "x"}, now=moment))
    assert (problem.pointer, problem.code) == ("/now", code)
    assert "2026-01-31T18:30:00" in problem.message or code == "wrong_type"


def test_the_transcript_has_what_a_phone_shows() -> None:
    photo = {"media": {"type": "photo", "url": "https://a.b/c.png"}, "text": "**x**"}
    album = {"media": [{"type": "photo", "file_id": "f1"}, {"type": "video", "file_id": "f2"}]}
    album = {**album, "text": "**Both**", "format": "markdown"}
    place = {"location": {"latitude": 1.5, "longitude": 2.5}}
    contact = {"contact": {"phone_number": "+1", "first_name": "Ann"}}
    say = [{**photo, "format": "markdown"}, album, place, contact, "?"]
    ask = {"type": "phone", "save": "x", "go": "b"}
    scenario = made({"a": {"say": say, "ask": ask}, "b": {"say": "Bye", "end": True}})
    shown = simulate(scenario, ["x", {"contact": "+2"}]).transcript
    assert shown[1:] == [
        {"from": "bot", "photo": "https://a.b/c.png", "text": "x",
         "entities": [{"type": "bold", "offset": 0, "length": 1}]},
        {"from": "bot", "text": "Both", "entities": [{"type": "bold", "offset": 0, "length": 4}],
         "media": [{"type": "photo", "media": "f1"}, {"type": "video", "media": "f2"}]},
        {"from": "bot", "latitude": 1.5, "longitude": 2.5},
        {"from": "bot", "phone_number": "+1", "first_name": "Ann"},
        {"from": "bot", "text": "?", "keyboard": [["Send my phone number"]]},
        {"from": "user", "contact": "+2"},
        {"from": "bot", "text": "Bye", "remove_keyboard": True},
    ]  # fmt: skip
