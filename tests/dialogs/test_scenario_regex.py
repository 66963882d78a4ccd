"""Regular expressions: they find what Python's do, in linear time."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.scenarios.regex import MAX_TEXT, WrongRegex, compile_regex

ATOMS = ["a", "b", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", "[a-c1]", r"\b", "^", "$", r"\.", "я"]


def expression(random: Random, depth: int = 3) -> str:
    """Make a regular expression; groups that may be empty are not repeated."""
    made = ""
    for _ in range(random.randint(1, 3)):
        kind = random.random()
        atom = random.choice(ATOMS)
        if depth and kind < 0.25:
            made += f"({expression(random, depth - 1)}|{expression(random, depth - 1)})"
            continue
        if kind < 0.6 and atom not in {"^", "$", r"\b"}:
            atom += random.choice(["*", "+", "?", "{2}", "{1,3}", "{1,}", "*?", "+?", "??"])
        made += atom
    return made


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(0, 2**40), st.text("ab1. я\n", max_size=12))
def test_it_finds_what_python_finds(seed: int, text: str) -> None:
    source = expression(Random(seed))
    try:
        ours = compile_regex(source)
    except WrongRegex as error:
        assert "too large" in str(error)  # noqa: PT017 - only some are refused
        return
    theirs = re.search(re.sub(r"(?<!\\)\$", r"\\Z", source), text)
    found = ours.find(text)
    assert (found is None) == (theirs is None)
    if found and theirs:
        assert found[:2] == theirs.span()
        spans = [theirs.span(group) for group in range(1, theirs.re.groups + 1)]
        assert [found[i : i + 2] for i in range(2, len(found), 2)] == spans


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        (r"order (?P<number>\d+)", "my order 4711 please", {"number": "4711"}),
        (r"(?i)заказ\s+№?(?P<n>\d{2,})", "ЗАКАЗ №42", {"n": "42"}),
        (r"(?P<a>x)|(?P<b>y)", "y", {"a": "", "b": "y"}),
        (r"^\p{Lu}\p{Ll}+$", "Анна", {}),
        (r"^[\w.+-]+@\w+\.\w+$", "a.b@c.de", {}),
        (r"\x41\u0042[\]\-]", "AB]", {}),
        (r"^(a*)*$", "aaa", {}),
        (r"(?:ab)+c", "xababc", {}),
        (r"(?i)[^a]", "A", None),
        (r"\Aend\z", "the end", None),
        (r"\Bb", "b", None),
        ("", "anything", {}),
    ],
)
def test_it_knows_the_usual_syntax(source: str, text: str, found: dict[str, str] | None) -> None:
    assert compile_regex(source).search(text) == found


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("(", 'a "(" without'), (")", 'a ")" without'), ("[a", "without a"),
        ("*a", "nothing before"),
        ("a**", "after a repetition"), ("^*", "stands for no character"), ("a{3,1}", "order"),
        ("a{101}", "up to 100"), (r"(a)\1", "backreferences"), ("(?=a)", "lookarounds"),
        ("(?<!a)", "lookarounds"), (r"\q", "not known"), ("[z-a]", "range"), ("\\", "not known"),
        ("[[:alpha:]]", "class"), (r"\p{Xx}", "category"), ("(" * 30 + ")" * 30, "groups"),
        ("((a{50}){50}){50}", "too large"), ("(?P<a>x)(?P<a>y)", "the name"),
        ("a(?i)b", "lookarounds and no flags"),
    ],
)  # fmt: skip
def test_it_tells_what_is_wrong(source: str, why: str) -> None:
    with pytest.raises(WrongRegex, match=re.escape(why)):
        compile_regex(source)


@pytest.mark.parametrize("source", ["(a+)+b", "(a|a)*b", "(a|aa)+$b", "(.*)*x", "(?:a?){30}a{30}"])
def test_no_text_takes_long(source: str) -> None:
    # Python's own needs longer than the universe for some of these.
    regex = compile_regex(source)
    assert regex.find("a" * MAX_TEXT + "!") is None or source.startswith("(?:a?)")


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    regex = compile_regex("b")
    assert regex.search("a" * (MAX_TEXT - 1) + "b") == {}
    assert regex.search("a" * MAX_TEXT + "b") is None
