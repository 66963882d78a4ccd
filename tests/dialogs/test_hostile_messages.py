"""Messages that are made to take long: the work for them has a limit, and so has the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.steps import steps

from dialogs.messages import SCHEMA, parse, render, validate
from dialogs.messages.content import TextFormat
from dialogs.messages.formatting import format_text
from dialogs.messages.markdown import count_signs
from dialogs.messages.problems import Path
from dialogs.messages.schema import MAX_SIGNS
from dialogs.messages.structure import MAX_VALUES, Structure
from dialogs.messages.validation import MAX_PROBLEMS
from dialogs.messages.variables import Values

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
TOO_LARGE = (
    "The message is too large: it has more than 2,000 fields and entries in all. Remove some."
)
MORE = "The message has more problems than these. Solve these first."
LARGEST_BUTTON = {"text": "x", "url": "https://a.b", "style": "danger"}


def found(document: Any) -> list[tuple[str, str, str]]:
    return [(one.code.value, one.pointer, one.message) for one in validate(document)]


def wrong_buttons(number: int) -> dict[str, Any]:
    return {"text": "x", "buttons": [[{}] * number]}


def unknown_fields(number: int) -> dict[str, Any]:
    return {"text": "x", **{f"field {index}": 1 for index in range(number)}}


def deep(number: int) -> dict[str, Any]:
    value: Any = [[[] for _ in range(number)]]
    for _ in range(5):
        value = [value]
    return {"a": value, "buttons": [[0] * number]}


class TestTooManyValues:
    """A document with more values than any message."""

    @pytest.mark.parametrize(
        "document",
        [
            wrong_buttons(80_000),
            unknown_fields(20_000),
            deep(6000),
            {"text": 1, "buttons": [[]] * 80_000},
            {"media": [0] * 120_000},
            {"text": "x", "buttons": [[0] * 100] * 25},
            {"text": "x", "buttons": [[{str(index): 1 for index in range(50)}] * 50]},
            [0] * 100_000,
        ],
        ids=range(8),
    )
    def test_it_has_one_problem_and_the_schema_does_not_see_it(self, document: Any) -> None:
        assert found(document) == [("too_large", "", TOO_LARGE)]
        assert steps(lambda: validate(document), inside="jsonschema") == 0
        assert steps(lambda: validate(document)) < 50 * MAX_VALUES

    def test_the_limit_counts_all_fields_and_entries(self) -> None:
        most = MAX_VALUES - 3  # besides "text", "buttons" and the row
        assert found(wrong_buttons(most))[0][0] != "too_large"
        assert found(wrong_buttons(most + 1)) == [("too_large", "", TOO_LARGE)]

    def test_the_largest_message_is_far_below_it(self) -> None:
        rows = [[LARGEST_BUTTON] * 8] * 12 + [[LARGEST_BUTTON] * 4]
        files = [{"type": "photo", "url": "https://a.b"}] * 10
        document = {"text": "x", "format": "plain", "media": files, "buttons": rows, "typing": 1}
        assert validate(document) == []
        assert validate({**document, "more": [0] * 1000})[0].code == "unknown_field"


class TestTooManyProblems:
    """A document with more problems than anybody reads."""

    @pytest.mark.parametrize("number", [1, MAX_PROBLEMS - 1, MAX_PROBLEMS])
    def test_up_to_100_are_all_listed(self, number: int) -> None:
        assert [one[1] for one in found(unknown_fields(number))] == [
            f"/field {index}" for index in range(number)
        ]

    @pytest.mark.parametrize("number", [MAX_PROBLEMS + 1, MAX_VALUES - 1])
    def test_the_last_of_100_says_that_there_are_more(self, number: int) -> None:
        listed = found(unknown_fields(number))
        assert listed[:-1] == found(unknown_fields(MAX_PROBLEMS - 1))
        assert listed[-1] == ("more_problems", "", MORE)

    def test_the_schema_is_not_asked_for_more(self) -> None:
        few, many = (
            steps(lambda number=number: validate(wrong_buttons(number)), inside="jsonschema")  # type: ignore[misc]
            for number in (60, 1900)
        )
        assert 0 < many <= few

    def test_problems_before_the_schema_count_too(self) -> None:
        assert len(validate(deep(900))) == MAX_PROBLEMS


@QUICK
@given(
    st.recursive(
        st.sampled_from([1, float("nan"), "x"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
        max_leaves=20,
    ),
    st.lists(st.integers(0, 2) | st.text(max_size=2), max_size=5).map(tuple),
)
def test_what_is_inside_a_removed_value_is_removed(document: Any, path: Path) -> None:
    structure = Structure(document)
    inside = [path[: len(one)] == one for one in structure._removed]
    assert structure.is_removed(path) == any(inside)


class TestMarkdown:
    """Texts that take the parser long."""

    @pytest.mark.parametrize("sign", [*"\n*_~`|[]!<>&\\", "\r\n", "\r"])
    def test_signs_and_line_breaks_have_a_limit(self, sign: str) -> None:
        text = sign * (MAX_SIGNS + 1)
        assert count_signs(text) == MAX_SIGNS + 1
        document = {"text": text + "x", "format": "markdown"}
        message = (
            '"text" has 3,001 line breaks and signs of Markdown such as "*", and at most 3,000 '
            "are allowed. Shorten it, or leave out its format."
        )
        assert found(document) == [("too_many", "/text", message)]
        assert steps(lambda: validate(document), inside="markdown_it") == 0
        assert validate({**document, "format": "plain"}) == []
        assert validate({"text": sign * MAX_SIGNS + "\nx", "format": "plain"}) == []

    def test_a_text_with_as_many_as_allowed_is_parsed(self) -> None:
        text = "**a** " * (MAX_SIGNS // 4)
        assert count_signs(text) == MAX_SIGNS
        assert validate({"text": text, "format": "markdown"}) == []
        assert validate({"text": text + "*", "format": "markdown"})[0].code == "too_many"

    def test_the_schema_names_the_limits(self) -> None:
        assert f"{MAX_SIGNS:,}" in SCHEMA["properties"]["format"]["description"]
        assert f"{MAX_VALUES:,}" in SCHEMA["description"]

    @pytest.mark.parametrize(
        ("opened", "closed"), [("*a ", " b*"), ("||a ", " b||"), ("*a `b` ", " `c`*")]
    )
    def test_twice_the_depth_is_twice_the_work(self, opened: str, closed: str) -> None:
        once, twice = (
            steps(
                lambda depth=depth: format_text(  # type: ignore[misc]
                    opened * depth + closed * depth, TextFormat.MARKDOWN, Values(None)
                ),
                inside="styled_writer",
            )
            for depth in (50, 100)
        )
        assert once > 50
        assert twice < 2.2 * once

    def test_a_long_text_is_parsed_once_to_be_validated_and_sent(self) -> None:
        document = {"text": "**once** " * 300, "format": "markdown"}
        assert steps(lambda: validate(document), inside="markdown_it") > 1000
        assert steps(lambda: render(parse(document)), inside="markdown_it") == 0

    def test_a_text_with_values_is_filled_each_time(self) -> None:
        message = parse({"text": "*{{x}}*" + " word" * 300, "format": "markdown"})
        texts = [render(message, {"x": value})[0].parameters["text"][:5] for value in "ab"]
        assert texts == ["a wor", "b wor"]
        assert render(message)[0].parameters["text"].startswith("{{x}} ")


@QUICK
@given(st.text(st.characters(exclude_characters="%", exclude_categories=["Cs"]), max_size=100))
def test_an_address_is_encoded_and_nothing_is_lost(text: str) -> None:
    url = Values(None).fill_url(f"https://a.b/{text}")
    assert unquote(url) == f"https://a.b/{text}"
    assert not any(one.isspace() or one in '"<>\\^`|' for one in url)


def test_a_long_address_is_encoded_in_a_few_steps() -> None:
    assert steps(lambda: Values(None).fill_url("https://a.b/" + "<" * 2000)) < 20
    assert Values(None).fill_url("https://a.b/" + "<" * 600) == "https://a.b/" + "%3C" * 600
