"""Regular expressions: what they find, that no text breaks them, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.scenarios.regex import (
    MAX_GROUPS,
    MAX_SIZE,
    MAX_TEXT,
    WrongRegex,
    compile_regex,
    group_names,
    latin_only,
)

# Each character on its own, also halves of one (JSON can have them) and NUL.
TEXTS = st.text(st.characters(codec=None) | st.sampled_from("ab1 я\n\0\ud83d\ude00😀"))
SOURCES = st.lists(
    st.sampled_from([*r"ab.я😀1\dwWbBpPLCQExz{}[]^$()?*+|-,<>P:", r"\p{L}", "(?P<a>", "{2}"])
).map("".join)


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        (r"order (?P<number>\d+)", "my order 4711 please", {"number": "4711"}),
        (r"(?i)заказ\s+№?(?P<n>\d{2,})", "ЗАКАЗ №42", {"n": "42"}),
        (r"(?P<a>x)|(?P<b>y)", "y", {"a": "", "b": "y"}),
        (r"(?<имя>\p{Lu}\p{Ll}+)", "я Анна", {"имя": "Анна"}),
        (r"(a)(?P<x>b)(c)", "abc", {"x": "b"}),
        (r"^[\w.+-]+@\w+\.\w+$", "a.b@c.de", {}),
        (r"\x41\x{44f}[\]\-]", "Aя]", {}),
        (r"\Q(?P<a>\E", "(?P<a>", {}),
        (r"(?P<x>\x00.)", "a\0b", {"x": "\0b"}),
        (r"(?P<x>.)$", "a\ud83d", {"x": "\ud83d"}),
        (r"\Bb", "b", None),
        (r"end$", "the end\n", None),
        ("", "anything", {}),
    ],
)
def test_it_finds(source: str, text: str, found: dict[str, str] | None) -> None:
    assert compile_regex(source).search(text) == found


@given(TEXTS, TEXTS, TEXTS)
def test_groups_are_parts_of_any_text(before: str, inside: str, after: str) -> None:
    text = f"{before}<{inside}>{after}"
    found = compile_regex("(?s)^(?P<before>.*)(?P<inside>(?:<[^>]*>))(?P<after>.*?)$").search(text)
    assert found is not None
    assert found["before"] + found["inside"] + found["after"] == text


@settings(max_examples=500)
@given(SOURCES, TEXTS)
def test_any_expression_searches_any_text_or_is_refused(source: str, text: str) -> None:
    try:
        regex = compile_regex(source)
    except WrongRegex as error:
        assert str(error)  # noqa: PT017 - most are refused, some are not
        return
    found = regex.search(text)
    assert regex.names <= {*group_names(source)}
    assert found is None or found.keys() == regex.names
    assert all(value in text for value in (found or {}).values())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("(", 'a "(" without'), (")", 'a ")" without'), ("[a", 'a "[" without'),
        ("*a", 'nothing before "*"'), ("a**", '"**" repeats a repetition'),
        ("a{3,1}", '"{3,1}" is no valid'), ("a{1001}", '"{1001}" is no valid'),
        ("((a{50}){50}){50}", "no valid number"), (r"(a)\1", r'"\1" is not known'),
        (r"\u044f", r"\x{44f}"), (r"\Z", r"\z"), ("\\", 'ends with a "\\"'),
        ("(?=a)", "no lookarounds"), ("(?<!a)", "no lookarounds"), ("[z-a]", '"z-a" is no'),
        ("[[:foo:]]", '"[:foo:]" is no'), (r"\p{Xx}", r'"\p{Xx}" is no'), (r"\C", "write"),
        ("(?P<a>x)(?P<a>y)", "the same name"), ("(?P<a-b>x)", '"(?P<a-b>" does not begin'),
        ("(?P<日>x)", '"日" cannot be'), (f"(?P<{'a' * 33}>x)", "cannot be"),
        ("".join(f"(?P<a{index}>x)" for index in range(MAX_GROUPS + 1)), "more than 10 groups"),
        (f"a{{{MAX_SIZE}}}", "too large"), (r"\p{L}{4}", "too large"), (r"\PL" * 9, "too large"),
        (r"\PL" * 160, "more than 10 categories"), (r"[a-\pL]", r'"\p" is not known'),
    ],
)  # fmt: skip
def test_it_tells_what_is_wrong(source: str, why: str) -> None:
    with pytest.raises(WrongRegex, match=re.escape(why)):
        compile_regex(source)


def test_it_is_an_automaton_so_that_time_is_linear() -> None:
    # An engine that backtracks needs longer than the universe for these; the ones that only such
    # an engine can find are refused above.
    for source in ("(a+)+b", "(a|a)*b", "(a|aa)+$b", "(.*)*x", "(?:a?){90}a{90}b"):
        assert compile_regex(source).search("a" * MAX_TEXT) is None


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    regex = compile_regex("b")
    assert regex.search("я" * (MAX_TEXT - 1) + "b") == {}
    assert regex.search("я" * MAX_TEXT + "b") is None


def test_a_category_counts_as_a_small_one() -> None:
    assert compile_regex(r"^\p{Lu}\p{Ll}+( \p{Lu}\p{Ll}+)?$").size <= MAX_SIZE
    assert compile_regex(r"\p{L}").size < compile_regex(r"\p{L}{2}").size
    assert compile_regex(r"\p{L}*\p{Lu}*").size > compile_regex(r"\p{L}*\p{L}*").size
    assert compile_regex("я{9}").size > compile_regex("я").size


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (r"\w+\W", [r"\W", r"\w"]), (r"\bкот\b", [r"\b"]), (r"\B", [r"\B"]), (r"[^\w.]", [r"\w"]),
        (r"\\w", []), (r"\\\w", [r"\w"]), (r"\Q\w\E\d", []), (r"\Q\w", []), (r"\Qa\E\w", [r"\w"]),
        (r"\d\s\p{L}w", []), ("\\", []),
    ],
)  # fmt: skip
def test_it_tells_what_knows_only_latin_letters(source: str, found: list[str]) -> None:
    assert latin_only(source) == found
    assert compile_regex(r"\w").search("я") is None
    assert compile_regex(r"\p{L}").search("я") == {}
