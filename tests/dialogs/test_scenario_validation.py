"""What is wrong with a scenario: all at once, each with its place and a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialogs.scenarios import Severity, validate
from dialogs.scenarios.problems import MAX_PROBLEMS
from dialogs.scenarios.regex import MAX_SIZE
from dialogs.scenarios.regexes import MAX_PROGRAMS, MAX_REGEXES
from dialogs.scenarios.structure import MAX_BYTES

END = {"say": "Bye", "end": True}
GO = {"text": "A", "go": "b"}


def of(state: Any, **others: Any) -> dict[str, Any]:
    """Return a document with a state `a`, and `b` that ends."""
    return {"start": "a", "states": {"a": state, "b": END}, **others}


def on(*transitions: Any, say: Any = "?") -> dict[str, Any]:
    """Return a state with transitions, the last one to `b`."""
    return {"say": say, "on": [*transitions, {"else": True, "go": "b"}]}


def ask(say: Any = "?", **question: Any) -> dict[str, Any]:
    """Return a state with a question."""
    return {"say": say, "ask": {"go": "b", **question}}


def buttons(*row: Any) -> dict[str, Any]:
    """Return a message with a row of buttons."""
    return {"text": "?", "buttons": [[*row]]}


CASES: list[tuple[Any, set[tuple[str, str]]]] = [
    # the schema
    (None, {("wrong_type", "")}),
    ({}, {("missing_field", "")}),
    ({"start": "a", "states": {}}, {("too_few", "/states")}),
    ({"start": 1, "states": [], "x/~": 1},
     {("wrong_type", "/start"), ("wrong_type", "/states"), ("unknown_field", "/x~1~0")}),
    (of({"say": {"media": {"type": "document", "file_id": "file:///etc/passwd"}}, "end": True}),
     {("wrong_pattern", "/states/a/say/media/file_id")}),
    ({"start": "a b", "states": {"a": END}}, {("wrong_pattern", "/start")}),
    ({"start": "a", "states": {"a": END, "а": END}}, {("wrong_pattern", "/states/а")}),
    (of({"say": "x"}), {("missing_field", "/states/a")}),
    (of({"go": "b", "end": True}), {("conflicting_fields", "/states/a")}),
    (of({"end": False}), {("not_a_choice", "/states/a/end")}),
    (of({"end": 1}), {("wrong_type", "/states/a/end")}),
    (of({"ask": {"type": "text", "go": "b"}}), {("missing_field", "/states/a")}),
    (of(ask(type="txt")), {("not_a_choice", "/states/a/ask/type")}),
    (of(on({"go": "b"})), {("missing_field", "/states/a/on/0")}),
    (of(on({"any_of": "a", "else": True})), {("conflicting_fields", "/states/a/on/0")}),
    (of(on({"any_of": [], "contains": 1})),
     {("conflicting_fields", "/states/a/on/0"), ("too_few", "/states/a/on/0/any_of"),
      ("wrong_type", "/states/a/on/0/contains")}),
    (of(on({"any_of": "a", "payload": "x"})), {("missing_field", "/states/a/on/0")}),
    (of(on({"command": "/start"})), {("wrong_pattern", "/states/a/on/0/command")}),
    (of({"set": {"x": {"add": [1]}}, "go": "b"}), {("too_few", "/states/a/set/x/add")}),
    (of({"set": {"x y": 1}, "go": "b"}), {("wrong_pattern", "/states/a/set/x y")}),
    (of(ask(type="text", min_length=0)), {("out_of_range", "/states/a/ask/min_length")}),
    # messages
    (of({"say": {"txt": "x"}, "go": "b"}),
     {("unknown_field", "/states/a/say/txt"), ("no_content", "/states/a/say")}),
    (of({"say": ["x", {"text": ""}], "go": "b"}), {("too_short", "/states/a/say/1/text")}),
    (of({"say": " ", "go": "b"}), {("blank", "/states/a/say")}),
    (of({"say": {"text": "#", "format": "markdown"}, "go": "b"}),
     {("blank", "/states/a/say/text")}),
    (of(ask(type="text", retry={"text": "\u200b"})), {("blank", "/states/a/ask/retry/text")}),
    # structure
    (of({"say": "\0", "go": "b"}), {("forbidden_character", "/states/a/say")}),
    (of({"say": float("inf"), "go": "b"}), {("out_of_range", "/states/a/say")}),
    # targets
    ({"start": "x", "states": {"a": END}}, {("unknown_target", "/start")}),
    (of({"go": "c"}), {("unknown_target", "/states/a/go")}),
    (of({"go": "@stay"}), {("unknown_target", "/states/a/go")}),
    (of(on({"any_of": "x", "go": [{"if": {"variable": "now"}, "to": "c"}, {"to": "d"}]})),
     {("unknown_target", "/states/a/on/0/go/0/to"), ("unknown_target", "/states/a/on/0/go/1/to")}),
    (of({"go": [{"if": {"variable": "now"}, "to": "b"}]}), {("no_way_out", "/states/a/go")}),
    (of(ask(type="text", after_retries={"count": 1, "go": "c"})),
     {("unknown_target", "/states/a/ask/after_retries/go")}),
    ({"start": "a", "states": {"a": {"go": "b"}, "b": {"go": "a"}}},
     {("loop_never_waits", "/states/a/go"), ("loop_never_waits", "/states/b/go")}),
    ({"start": "a", "states": {"a": {"go": "@back"}}}, {("loop_never_waits", "/states/a/go")}),
    # buttons
    (of(on(say=buttons({"text": "A", "go": "c"}))),
     {("unknown_button", "/states/a/say/buttons/0/0/go")}),
    (of(on(say=buttons(GO, GO))), {("duplicate_button", "/states/a/say/buttons/0/1")}),
    (of({"say": buttons(GO), "go": "b"}),
     {("button_not_allowed", "/states/a/say/buttons/0/0/go")}),
    (of(on({"any_of": "x", "say": [buttons(GO)]})),
     {("button_not_allowed", "/states/a/on/0/say/0/buttons/0/0/go")}),
    (of(ask(buttons(GO), type="phone")), {("conflicting_buttons", "/states/a/say")}),
    (of(ask({"text": "?", "remove_keyboard": True}, type="text", skip=True)),
     {("conflicting_buttons", "/states/a/say")}),
    (of(ask({"text": "?", "buttons": [[{"text": str(row), "go": "b"}] for row in range(60)]},
            type="choice", options=[f"o{number}" for number in range(50)])),
     {("too_many", "/states/a/ask")}),
    # questions
    (of(ask(type="choice")), {("missing_field", "/states/a/ask")}),
    (of(ask(type="text", options=["a"])), {("not_for_this_type", "/states/a/ask/options")}),
    (of(ask(type="number", min=2, max=1)), {("empty_range", "/states/a/ask/min")}),
    (of(ask(type="date", **{"from": "soon", "to": "2030-02-30"})),
     {("wrong_pattern", "/states/a/ask/from"), ("wrong_pattern", "/states/a/ask/to")}),
    (of(ask(type="date", **{"from": "today+9", "to": "today"})),
     {("empty_range", "/states/a/ask/from")}),
    (of(ask(type="time", **{"from": "9"})), {("wrong_pattern", "/states/a/ask/from")}),
    (of(ask(type="choices", options=["a"], at_least=2)),
     {("empty_range", "/states/a/ask/at_least")}),
    (of(ask(type="choice", options=["A", "a!"])),
     {("duplicate_option", "/states/a/ask/options/1")}),
    # transitions
    (of(on({"regex": "(a"})), {("wrong_regex", "/states/a/on/0/regex")}),
    (of(on(*[{"regex": "a{100}"}] * (MAX_SIZE // 100))), {("too_large", "/states/a/on")}),
    (of(on({"regex": "a{200}"}), anywhere=[{"regex": "b{200}", "go": "b"}]),
     {("too_large", "/states/a/on")}),
    (of(on(*[{"regex": "a"}] * (MAX_REGEXES + 1))), {("too_many", "")}),
    ({"start": "b", "states": {"b": END} | {
        f"s{index}": on({"regex": "a{200}"}) for index in range(MAX_PROGRAMS // 200 + 1)}},
     {("too_large", "")}),
    (of(on({"contains": "?!"})), {("blank", "/states/a/on/0/contains")}),
    (of(on({"any_of": "a", "if": {"and": [{"variable": "now"}], "equals": 1}})),
     {("missing_field", "/states/a/on/0/if")}),
    # the rest
    (of(END, time_zone="Moscow"), {("unknown_time_zone", "/time_zone")}),
    (of(END, time_zone="../etc"), {("unknown_time_zone", "/time_zone")}),
    (of({"go": "b"}, variables={"n": {"type": "number", "default": "x"}}),
     {("wrong_default", "/variables/n/default")}),
    (of({"go": "b"}, commands=[{"command": "start", "description": "x"}] * 2),
     {("duplicate_command", "/commands/1/command")}),
    (of({"go": "b"}, commands=[
        {"command": "start", "description": " ", "descriptions": {"ru": "\n", "de": "x"}}]),
     {("blank", "/commands/0/description"), ("blank", "/commands/0/descriptions/ru")}),
    (of({"go": "b"}, commands=[
        {"command": name, "description": "x", "descriptions": {first + second: "x"}}
        for name in ("start", "help") for first in name[:2] for second in "abcdefghijklmnopqrst"]),
     {("too_many", "/commands"), *(
        ("duplicate_command", f"/commands/{n}/command") for n in range(1, 80) if n != 40)}),
    (of({"go": "b"}, commands=[
        {"command": "Start", "description": "x"}, {"command": "a" * 33, "description": "x"}]),
     {("wrong_pattern", "/commands/0/command"), ("wrong_pattern", "/commands/1/command")}),
    (of({"go": "b"}, commands=[
        {"command": "start", "description": ""}, {"command": "start", "description": "x" * 257}]),
     {("too_short", "/commands/0/description"), ("too_long", "/commands/1/description")}),
    (of({"go": "b"}, commands=[{"command": "start", "description": "x"}] * 101),
     {("too_many", "/commands")}),
]  # fmt: skip
WARNINGS: list[tuple[Any, set[tuple[str, str]]]] = [
    (of(END), {("unreached_state", "/states/b")}),
    (of(on({"else": True, "go": "@stay"})), {("never_taken", "/states/a/on/1")}),
    (of(ask(type="text", on=[{"else": True, "go": "b"}])),
     {("never_taken", "/states/a/ask/on/0")}),
    (of({"go": [{"to": "b"}, {"to": "b"}]}), {("never_taken", "/states/a/go/0")}),
    (of({"say": "{{nobody}} {{user.first_name}} {{now}}", "go": "b"}),
     {("unset_variable", "/states/a/say")}),
    (of({"set": {"now": 1}, "say": "{{now}}", "go": "b"}), {("hidden_built_in", "")}),
    (of({"go": "b"}, commands=[{"command": "menu", "description": "x"}]),
     {("unhandled_command", "/commands/0/command")}),
    (of(on({"regex": r"(?P<x>\w+)\b"}, {"regex": r"\\w"})),
     {("latin_only", "/states/a/on/0/regex")}),
    (of(on(*({"any_of": f"x{n}", "tag": [f"{n}.{m}" for m in range(17)], "go": "b"}
             for n in range(3)))), {("too_many", "")}),
    ({"start": "a", "states": {
        "a": {"go": [{"if": {"variable": "now.hour"}, "to": "c"}, {"to": "b"}]},
        "b": {"go": [{"if": {"variable": "now.hour"}, "to": "a"}, {"to": "c"}]}, "c": END}},
     {("loop_may_not_wait", "/states/a/go"), ("loop_may_not_wait", "/states/b/go")}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), CASES)
def test_errors(document: Any, expected: set[tuple[str, str]]) -> None:
    scenario, problems = validate(document)
    assert scenario is None
    errors = {(one.code, one.pointer) for one in problems if one.severity is Severity.ERROR}
    assert errors == expected
    assert all(one.message[0].isupper() or one.message[0] == '"' for one in problems)


@pytest.mark.parametrize(("document", "expected"), WARNINGS)
def test_warnings(document: Any, expected: set[tuple[str, str]]) -> None:
    scenario, problems = validate(document)
    assert scenario is not None
    assert {one.severity for one in problems} == {Severity.WARNING}
    assert {(one.code, one.pointer) for one in problems} == expected


def test_what_fits_the_schema_is_checked_beside_what_does_not() -> None:
    states = {
        "a": on({"any_of": "x", "go": "nowhere"}),
        "b": {"say": "?", "on": [{"go": "c"}]},  # fits nothing; others may lead to it
        "c": on({"regex": "(", "go": "b"}, say=buttons(GO, GO)),
        "d": {"say": "", "go": "d"},
    }
    document = {"states": states, "commands": [{"command": "/x"}], "time_zone": "Mars"}
    _, problems = validate(document)
    assert {(one.code, one.pointer) for one in problems} == {
        ("missing_field", ""),
        ("missing_field", "/commands/0"),
        ("wrong_pattern", "/commands/0/command"),
        ("unknown_target", "/states/a/on/0/go"),
        ("missing_field", "/states/b/on/0"),
        ("wrong_regex", "/states/c/on/0/regex"),
        ("duplicate_button", "/states/c/say/buttons/0/1"),
        ("too_short", "/states/d/say"),
        ("unknown_time_zone", "/time_zone"),
    }


def test_nothing_is_missed_in_what_was_left_out() -> None:
    # a name that does not fit is no unknown one, and a button of "anywhere" is caught there
    said = buttons({"text": "A", "go": "like"}, {"text": "B", "go": "имя"})
    states = {"a": {"say": said, "on": []}, "имя": END}
    caught = [{"button": "like"}, {"any_of": []}]
    _, problems = validate({"start": "a", "states": states, "anywhere": caught})
    assert {(one.code, one.pointer) for one in problems} == {
        ("wrong_pattern", "/states/имя"),
        ("too_few", "/anywhere/1/any_of"),
    }


def test_sentences_help() -> None:
    document = of({"says": "Hi", "on": [{"any_off": "x", "go": "b"}]}, strt=1)
    sentences = {one.message for one in validate(document)[1]}
    assert sentences == {
        '"strt" is not known. Did you mean "start"?',
        '"says" of state "a" is not known. Did you mean "say"?',
        '"any_off" of transition 1 of state "a" is not known. Did you mean "any_of"?',
        'Transition 1 of state "a" needs one of "any_of", "contains", "regex", "command", '
        '"button", "content" or "else". Add one.',
    }


def test_what_knows_only_latin_letters_is_told_with_what_to_write_instead() -> None:
    _, problems = validate(of(on({"regex": r"\bкот\b|\w"})))
    assert [one.message for one in problems] == [
        r'In regular expressions, "\b" and "\w" know no letters but a to z. If others may come, '
        r"for \b, write (?:^|\P{L}) before a word and (?:\P{L}|$) after it; "
        r"for \w, write [\p{L}\d_]."
    ]


def test_errors_come_before_warnings() -> None:
    _, problems = validate({"start": "a", "states": {"a": END, "b": END, "c": {"go": "d"}}})
    assert [one.severity for one in problems] == ["error"]
    _, problems = validate(of({"say": "{{x}} {{y}}", "go": "b"}, time_zone="?"))
    assert [one.severity for one in problems] == ["error", "warning", "warning"]


def test_there_are_limits() -> None:
    many = {f"s{index}": END for index in range(1001)}
    assert [one.code for one in validate({"start": "s0", "states": many})[1]] == ["too_many"]
    large = of({"say": ["я" * 16_000] * 9, "go": "b"})
    assert len(json.dumps(large, ensure_ascii=False).encode()) > MAX_BYTES
    assert [one.code for one in validate(large)[1]] == ["too_large"]
    deep: Any = {"variable": "now"}
    for _ in range(30):
        deep = {"not": deep}
    assert [one.code for one in validate(of(on({"else": True, "if": deep})))[1]] == ["too_deep"]
    variables = {f"v{index}": index for index in range(60)}
    more = {f"w{index}": index for index in range(60)}
    states = {"a": {"set": variables, "go": "b"}, "b": {"set": more, "end": True}}
    _, problems = validate({"start": "a", "states": states})
    assert [(one.code, one.pointer) for one in problems] == [("too_many", "")]
    wrong = {f"s{index}": {"go": "x"} for index in range(300)}
    _, problems = validate({"start": "s0", "states": wrong})
    assert len(problems) == MAX_PROBLEMS
    assert problems[-1].code == "more_problems"


def test_warnings_never_hide_an_error_or_become_one() -> None:
    unset = [f"{{{{v{index}}}}}" for index in range(9)]
    states = {f"s{index}": {"say": unset, "end": True} for index in range(60)}
    document: dict[str, Any] = {"start": "s0", "states": states}
    scenario, problems = validate(document)
    assert scenario is not None
    assert len(problems) == MAX_PROBLEMS
    scenario, problems = validate({**document, "time_zone": "?"})
    assert scenario is None
    assert problems[0].code == "unknown_time_zone"


def test_a_value_has_few_parts() -> None:
    value: Any = {"add": [{"add": [1] * 9}] * 9}
    _, problems = validate(of({"set": {"x": value}, "go": "b"}))
    assert [(one.code, one.pointer) for one in problems] == [("too_large", "/states/a/set/x")]
