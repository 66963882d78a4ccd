"""What the validation guesses: misspelt names, and texts that are shown otherwise than meant."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.scenarios import document, states_with

from dialogs.scenarios import Problem, Severity, template, template_names, validate

END = {"say": "Bye", "end": True}


def problems(states: dict[str, Any], **others: Any) -> list[Problem]:
    """Return what is wrong with a scenario that begins in its first state."""
    return validate(document(states, **others))[1]


def told(text: Any, **others: Any) -> list[tuple[str, str]]:
    """Return what is wrong with something that is said, with the places in it."""
    variables = {"name": {"type": "text"}}
    found = problems({"a": {"say": text, "end": True}}, variables=variables, **others)
    assert {one.severity for one in found} <= {Severity.WARNING}
    return [(one.pointer.removeprefix("/states/a/say"), one.code) for one in found]


# -- misspelt names


@pytest.mark.parametrize(
    ("states", "meant"),
    [
        ({"start": {"go": "cakee"}, "cake": END}, "cake"),
        ({"start": {"go": "Cake"}, "cake": END}, "cake"),
        ({"start": {"go": [{"if": {"variable": "now"}, "to": "cak"}, {"to": "cake"}]},
          "cake": END}, "cake"),
        ({"start": {"say": "?", "on": [{"any_of": "x", "go": "@bakc"}]}}, "@back"),
    ],
)  # fmt: skip
def test_an_unknown_target_is_told_with_the_nearest(states: Any, meant: str) -> None:
    errors = [one for one in problems(states) if one.severity is Severity.ERROR]
    assert [one.message.partition("Did you mean ")[2] for one in errors] == [f'"{meant}"?']


def test_a_start_that_does_not_exist_is_told_with_the_nearest() -> None:
    document = {"start": "helo", "states": {"hello": END}}
    assert validate(document)[1][0].message.endswith('Add it. Did you mean "hello"?')


@pytest.mark.parametrize(
    ("go", "meant"),
    [("cakee", "cake"), ("@bakc", "@back"), ("lik", "like"), ("hlp", "help"), ("other", "")],
)
def test_an_unknown_button_is_told_with_the_nearest(go: str, meant: str) -> None:
    say = {"text": "?", "buttons": [[{"text": "A", "go": go}, {"text": "B", "go": "cake"}]]}
    on = [{"button": "like", "go": "cake"}]
    states = {"a": {"say": say, "on": on}, "cake": END}
    [problem] = problems(states, anywhere=[{"button": "help", "go": "cake"}])
    assert problem.code == "unknown_button"
    assert problem.message.partition("Did you mean ")[2] == (meant and f'"{meant}"?')


@pytest.mark.parametrize(
    ("name", "meant"),
    [("nmae", "name"), ("user.frist_name", "user.first_name"), ("first_name", "user.first_name"),
     ("nwo", "now"), ("quantity", "")],
)  # fmt: skip
def test_an_unknown_variable_is_told_with_the_nearest(name: str, meant: str) -> None:
    states = {"a": {"say": f"{{{{{name}}}}}", "end": True}}
    [problem] = problems(states, variables={"name": {"type": "text"}})
    assert problem.code == "unset_variable"
    assert problem.message.partition("Did you mean ")[2] == (meant and f'"{meant}"?')


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("London", "Europe/London"), ("moscow", "Europe/Moscow"), ("Moskow", "Europe/Moscow"),
        ("europe/Berlin", "Europe/Berlin"), ("New York", "America/New_York"), ("utc", "UTC"),
        # an offset, an abbreviation, a planet: nobody knows which zone is meant
        ("UTC+3", ""), ("GMT-3", ""), ("MSK", ""), ("Mars", ""),
    ],
)  # fmt: skip
def test_an_unknown_time_zone_is_told_with_the_nearest(name: str, meant: str) -> None:
    [problem] = problems({"a": END}, time_zone=name)
    assert problem.code == "unknown_time_zone"
    assert problem.message.partition("Did you mean ")[2] == (meant and f'"{meant}"?')


def test_many_misspelt_names_take_no_time() -> None:
    states: dict[str, Any] = {f"a_state_of_the_dialog_{n}": END for n in range(799)}
    states |= {f"s{n}": {"go": f"a_stat_of_thee_dialog_{n}"} for n in range(200)}
    begun = time.process_time()
    found = problems(states)
    assert time.process_time() - begun < 2
    assert 0 < sum("Did you mean" in one.message for one in found) <= 10


# -- texts that are shown otherwise than meant


@pytest.mark.parametrize(
    "text",
    ["It is **bold**.", "**{{name}}**", "Write `/start`", "[Shop](https://example.com/a)",
     "[Shop]({{name}})", "[Write](mailto:a@example.com)", "```\nx\n```"],
)  # fmt: skip
def test_markdown_without_its_format_is_warned_of(text: str) -> None:
    assert told(text) == [("", "plain_markdown")]
    assert told({"text": text}) == [("/text", "plain_markdown")]
    assert told(["x", text]) == [("/1", "plain_markdown")]
    assert told({"text": text, "format": "markdown"}) == []
    assert told({"text": text, "format": "plain"}) == []
    assert told("x", texts={"help": text}) == [("/texts/help", "plain_markdown")]


@pytest.mark.parametrize(
    "text", ["<b>Hi</b>", "a<br/>b", '<a href="https://a.b">x</a>', "<I>x</I>"]
)
def test_html_is_warned_of(text: str) -> None:
    assert told(text) == [("", "html_tag")]
    assert told({"text": text, "format": "markdown"}) == [("/text", "html_tag")]
    assert told({"text": f"`{text}`", "format": "markdown"}) == []
    assert told({"text": text, "format": "plain"}) == []


@pytest.mark.parametrize("text", ["Hi {name}", "{ user.first_name }", "{now}, {{name}}"])
def test_single_braces_around_a_variable_are_warned_of(text: str) -> None:
    assert told(text) == [("", "single_braces")]
    assert told({"text": text, "format": "markdown"}) == [("/text", "single_braces")]


def test_single_braces_are_warned_of_wherever_variables_are_filled_in() -> None:
    buttons = [[{"text": "For {name}", "go": "@start"}]]
    ask = {"type": "choice", "options": ["{name}", {"text": "B {name}"}], "save": "name"}
    states = {
        "a": {"say": {"text": "?", "buttons": buttons}, "ask": {**ask, "retry": "{x}", "go": "b"}},
        "b": END,
    }
    places = {(one.pointer, one.code) for one in problems(states)}
    assert places == {
        ("/states/a/say/buttons/0/0/text", "single_braces"),
        ("/states/a/ask/options/0", "single_braces"),
        ("/states/a/ask/options/1/text", "single_braces"),
    }


@pytest.mark.parametrize(
    "text",
    ["2**3**4", "a ** b ** c", "don`t, isn`t", "[1](see below)", "[x] (https://a.b)", "5 < 6 > 4",
     "<name>", "{nobody}", "{", "{{name}}", "{{{name}}}", "* one\n* two", "`", "**", "1 * 2 * 3"],
)  # fmt: skip
def test_what_only_looks_like_it_is_not_warned_of(text: str) -> None:
    assert [code for _, code in told(text)] == []


def test_sentences_tell_what_to_write() -> None:
    states = {"a": {"say": ["**x**", {"text": "`x`"}, "<b>x</b>", "{name}"], "end": True}}
    found = problems(states, variables={"name": {"type": "text"}})
    assert [one.message for one in found] == [
        '"**x**" is shown with the signs of Markdown. Write {"text": "…", "format": "markdown"} in '
        "place of the text.",
        '"`x`" is shown with the signs of Markdown. Add "format": "markdown" to the message, or '
        '"format": "plain" if it is meant so.',
        '"<b>" is shown as it is written: messages have no HTML. Use Markdown, such as **bold**, '
        'with "format": "markdown".',
        '"{name}" is shown as it is written. To show the value of the variable, write "{{name}}".',
    ]


@pytest.mark.parametrize("name", template_names())
def test_the_templates_have_nothing_to_warn_of(name: str) -> None:
    assert validate(template(name))[1] == []


# -- transitions that are never taken


def never_taken(*on: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the transitions of a state that are never taken, with the sentences."""
    taken = {"button": "x", "go": "yes"}, {"button": "y", "go": "no"}
    found = [
        one for one in validate(document(states_with(*on, *taken)))[1] if one.code == "never_taken"
    ]
    return [(one.pointer.removeprefix("/states/first/on/"), one.message) for one in found]


def any_of(*texts: str, **others: Any) -> dict[str, Any]:
    return {"any_of": [*texts], "go": "yes", **others}


@pytest.mark.parametrize(
    "before",
    [
        [any_of("Yes!", "no")],
        [any_of("yes"), any_of("no")],
        [{"contains": ["y", "no"], "go": "no"}],
        [{"content": "text", "go": "no"}],
        [{"content": ["photo", "any"], "go": "no"}],
    ],
)
def test_a_transition_whose_texts_are_caught_before_it_is_never_taken(before: list[Any]) -> None:
    sentence = (
        f"This transition is never taken: transition {len(before)} before it catches the same. "
        "Remove it, or put it before that one."
    )
    assert never_taken(*before, any_of("yes", "NO.")) == [(str(len(before)), sentence)]


@pytest.mark.parametrize(
    "before",
    [
        [],
        [any_of("yes")],
        [any_of("yes", "no", **{"if": {"variable": "now.hour", "at_least": 12}})],
        [{"contains": ["es", "no"], "go": "no"}],  # not from the beginning of a word
        [{"content": "photo", "go": "no"}],
        [{"command": ["yes", "no"], "go": "no"}],
    ],
)
def test_one_that_may_be_taken_is_not_warned_of(before: list[Any]) -> None:
    assert never_taken(*before, any_of("yes", "no")) == []


def test_many_phrases_take_no_time() -> None:
    phrases = [{"contains": [f"x{n}a{m}" for m in range(50)], "go": "no"} for n in range(98)]
    texts = [any_of(*(f"y{n}b{m}" for m in range(50))) for n in range(98)]
    begun = time.process_time()
    assert never_taken(*phrases, *texts) == []
    assert time.process_time() - begun < 2
