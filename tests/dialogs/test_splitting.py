"""Long texts in pieces: where they are cut, and what becomes of entities."""

from __future__ import annotations

import pytest

from dialogs.messages.formatted import FormattedText, Span, is_blank, units
from dialogs.messages.splitting import split


def pieces(text: str, *spans: Span, limit: int = 20) -> list[str]:
    return [piece.text for piece in split(FormattedText(text, spans), first=limit, rest=limit)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("short", ["short"]),
        ("one two. tri\n\nfour five", ["one two. tri\n\n", "four five"]),
        ("one. two tri\nfour five six", ["one. two tri\n", "four five six"]),
        ("one two tri. four five six", ["one two tri. ", "four five six"]),
        ("one two tri four five six", ["one two tri four ", "five six"]),
        ("a\n\nbcdefghijklmnopqrstuvwxyz", ["a\n\nbcdefghijklmnopqr", "stuvwxyz"]),
        ("一二三四五六七八九十二三。四五六七八九", ["一二三四五六七八九十二三。四五六七八九"]),
        ("一二三四五六七八九十二三。" * 2, ["一二三四五六七八九十二三。"] * 2),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
        ("😀" * 15, ["😀" * 10, "😀" * 5]),
        ("x" + "😀" * 15, ["x" + "😀" * 9, "😀" * 6]),
    ],
)  # fmt: skip
def test_a_text_is_cut_at_the_best_place(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@pytest.mark.parametrize(
    "character",
    ["👨‍👩‍👧", "👍🏽", "🇩🇪", "e\u0301\u0302", "☝️", "🏴\U000e0067\U000e0062\U000e007f"],
)
def test_what_people_see_as_one_character_is_not_cut(character: str) -> None:
    for before in range(12, 21):
        found = pieces("x" * before + character * 6)
        ends = [len(piece.lstrip("x")) % len(character) for piece in found]
        assert ends == [0] * len(found)
        assert "".join(found) == "x" * before + character * 6


def test_a_long_chain_of_accents_is_cut_anywhere() -> None:
    found = pieces("e" + "\u0301" * 500, limit=200)
    assert [len(piece) for piece in found] == [200, 200, 101]


def test_an_entity_stays_whole_if_it_can() -> None:
    bold = Span("bold", 11, 19)
    assert pieces("word word. bold bold word", bold) == ["word word. ", "bold bold word"]
    assert pieces("wordwordword" + "b" * 12, Span("bold", 12, 24)) == ["wordwordword", "b" * 12]


def test_an_entity_that_is_cut_goes_on_in_the_next_piece() -> None:
    content = FormattedText("a" * 5 + " " + "b " * 20, (Span("pre", 6, 46, language="c"),))
    found = split(content, first=20, rest=20)
    assert [piece.spans for piece in found] == [
        (Span("pre", 6, 20, language="c"),),
        (Span("pre", 0, 20, language="c"),),
        (Span("pre", 0, 6, language="c"),),
    ]


def test_the_first_piece_can_have_another_limit() -> None:
    found = split(FormattedText("word " * 2000), first=1024, rest=4096)
    assert [len(piece.text) for piece in found] == [1020, 4095, 4095, 790]


def test_a_piece_has_at_most_100_entities() -> None:
    content = FormattedText("ab" * 200, tuple(Span("bold", 2 * n, 2 * n + 1) for n in range(200)))
    entities = content.entities()
    assert [one["offset"] for one in entities] == list(range(0, 200, 2))


def test_entities_count_in_utf_16() -> None:
    content = FormattedText("😀я😀x", (Span("bold", 1, 3), Span("italic", 3, 4)))
    assert content.entities() == [
        {"type": "bold", "offset": 2, "length": 3},
        {"type": "italic", "offset": 5, "length": 1},
    ]
    assert units("😀я\ud800x") == 5


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u202e\ufeff", "\u00a0\u2800\ufffc\u3000"])
def test_blank_texts(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(text + "x")
