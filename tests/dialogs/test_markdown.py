"""Markdown as text and entities, by CommonMark and by Telegram's rules for nesting."""

from __future__ import annotations

import pytest

from dialogs.messages.content import TextFormat
from dialogs.messages.formatting import format_text
from dialogs.messages.variables import Values

Marked = list[tuple[str, str]]


def shown(markdown: str, **variables: str) -> tuple[str, Marked]:
    """The text that users see, and the type and text of each entity in it."""
    content = format_text(markdown, TextFormat.MARKDOWN, Values(variables))
    units = content.text.encode("utf-16-le")
    marked = []
    for one in content.entities():
        start, end = one["offset"], one["offset"] + one["length"]
        marked.append((one["type"], units[2 * start : 2 * end].decode("utf-16-le")))
    return content.text, marked


@pytest.mark.parametrize(
    ("markdown", "text", "marked"),
    [
        ("just words, 1 of them!", "just words, 1 of them!", []),
        ("**b** *i* _i_ ~~s~~", "b i i s",
         [("bold", "b"), ("italic", "i"), ("italic", "i"), ("strikethrough", "s")]),
        ("||s|| a || b", "s a || b", [("spoiler", "s")]),
        ("||a **b** c||", "a b c", [("spoiler", "a b c"), ("bold", "b")]),
        ("a|b and |||c|||", "a|b and |c|", [("spoiler", "|c")]),
        ("**a ||b** c||", "a ||b c||", [("bold", "a ||b")]),
        ("snake_case_name 2*3*4", "snake_case_name 234", [("italic", "3")]),
        (r"\*not\* \||x||", "*not* ||x||", []),
        ("😀 **b**", "😀 b", [("bold", "b")]),
        ("# Title\nText", "Title\nText", [("bold", "Title")]),
        ("a\nb  \nc\\\nd", "a\nb\nc\nd", []),
        ("a\n\n\n\nb", "a\n\nb", []),
        ("a\r\nb", "a\nb", []),
        ("a\n---\nb", "a\n———\nb", []),
        ("    not code", "not code", []),
        ("```python\nx = 1\n\n**y**\n```", "x = 1\n\n**y**", [("pre", "x = 1\n\n**y**")]),
        ("> q\n> **b**\n\na", "q\nb\n\na", [("blockquote", "q\nb"), ("bold", "b")]),
        ("<b>x</b> &lt; &amp;", "<b>x</b> < &", []),
        ("&#x1F600; &#xD83D; &#0; &#1;", "😀 \ufffd \ufffd \ufffd", []),
        ("<b>\n\n<!-- x -->", "<b>\n\n<!-- x -->", []),
    ],
)  # fmt: skip
def test_markdown_becomes_text_and_entities(markdown: str, text: str, marked: Marked) -> None:
    assert shown(markdown) == (text, marked)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Buy:\n- milk\n- bread", "Buy:\n• milk\n• bread"),
        ("Buy:\n\n- milk\n\n- bread", "Buy:\n\n• milk\n\n• bread"),
        ("3. c\n4. d\n9. e", "3. c\n4. d\n5. e"),
        ("1) a\n   - b\n     - c\n2) d", "1) a\n  • b\n    • c\n2) d"),
        ("- a\n\n  more\n- b", "• a\n\nmore\n\n• b".replace("more\n\n", "more\n")),
        ("-\n- b", "•\n• b"),
        ("2)", "2)"),
        ("- - a", "• • a"),
    ],
)
def test_lists_keep_their_lines(markdown: str, text: str) -> None:
    assert shown(markdown) == (text, [])


def test_a_quote_holds_its_list_and_code() -> None:
    text, marked = shown("a\n> 1. x\n> 2. `y`\n> > z")
    assert text == "a\n1. x\n2. y\nz"
    assert marked == [("blockquote", "1. x\n2. y\nz"), ("code", "y")]


def test_code_is_in_no_style() -> None:
    text, marked = shown("**a `b` c** # `d`")
    assert text == "a b c # d"
    assert marked == [("bold", "a "), ("code", "b"), ("bold", " c"), ("code", "d")]


def test_code_in_a_link_is_the_links() -> None:
    assert shown("[a `b` **c**](https://x.y)")[1] == [("text_link", "a b c"), ("bold", "c")]


def test_a_style_in_itself_changes_nothing() -> None:
    assert shown("# a **b**")[1] == [("bold", "a b")]
    assert shown("**a __b__ c**")[1] == [("bold", "a b c")]


@pytest.mark.parametrize(
    ("markdown", "url", "text"),
    [
        ("[x](https://a.b/c?d=1&e=2#f)", "https://a.b/c?d=1&e=2#f", "x"),
        ("[x](HTTP://a.b)", "HTTP://a.b", "x"),
        ("[x](tg://user?id=1)", "tg://user?id=1", "x"),
        ("[x](mailto:a@b.c)", "mailto:a@b.c", "x"),
        ("[x](tel:+123)", "tel:+123", "x"),
        ("<https://a.b>", "https://a.b", "https://a.b"),
        ("<a@b.c>", "mailto:a@b.c", "a@b.c"),
        ("![alt](https://a.b/c.png)", "https://a.b/c.png", "alt"),
        ("![](https://a.b/c.png)", "https://a.b/c.png", "https://a.b/c.png"),
        ("[x](<https://a.b/c d>)", "https://a.b/c%20d", "x"),
        ("[x][1]\n\n[1]: https://a.b", "https://a.b", "x"),
        ("[x](https://пример.рф/%20)", "https://пример.рф/%20", "x"),
    ],
)
def test_links(markdown: str, url: str, text: str) -> None:
    content = format_text(markdown, TextFormat.MARKDOWN, Values(None))
    length = len(text)
    assert content.text == text
    assert content.entities() == [{"type": "text_link", "offset": 0, "length": length, "url": url}]


@pytest.mark.parametrize(
    "markdown",
    ["[x](javascript:x)", "[x](/page)", "[x](ftp://a.b)", "<javascript:x>", "![x](data:x)",
     "[x](https://)", "https://a.b"],
)  # fmt: skip
def test_other_links_stay_as_text(markdown: str) -> None:
    assert shown(markdown) == (markdown, [])


def test_a_link_in_a_link_is_text() -> None:
    assert shown("[![alt](https://a.b)](https://c.d)") == ("alt", [("text_link", "alt")])


def test_the_language_of_code_is_its_first_word() -> None:
    content = format_text("```c++ title\nx\n```", TextFormat.MARKDOWN, Values(None))
    assert content.entities()[0]["language"] == "c++"


@pytest.mark.parametrize("markdown", ["", "#", ">", "```", "[a]: https://b.c"])
def test_signs_alone_show_nothing(markdown: str) -> None:
    assert shown(markdown) == ("", [])
