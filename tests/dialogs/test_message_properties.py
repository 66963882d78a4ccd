"""What holds for any text, any variables and any JSON."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from dialogs.messages import SCHEMA, parse, render, validate
from dialogs.messages.content import TextFormat
from dialogs.messages.formatted import FormattedText, Span, units
from dialogs.messages.formatting import format_text
from dialogs.messages.splitting import split
from dialogs.messages.variables import Values, clean

SCHEMA_ALONE = Draft202012Validator(SCHEMA)
QUICK = settings(max_examples=60, deadline=None, derandomize=True)
STUB = "\ue001"  # a value that no template holds

HOSTILE = [
    "*", "**", "_", "~~", "||", "`", "```\n", "[", "](", ")", "<", ">", "> ", "# ", "- ", "1. ",
    "\n", "\n\n", "  \n", "\\", "&amp;", "<b>", "![", "[x](https://a.b)", "https://", "{", "}",
    "😀", "👨‍👩‍👧", "\u202e", "\u200b", "\u0301", "é", "я", "word", "a", " ", "\t", "\0", "\ud83d",
    "---\n", "[x]: https://a.b\n",
]  # fmt: skip
VARIABLES = ["{{x}}", "{{ y }}", "`{{x}}`", "[{{y}}](https://a.b/{{x}})", "**{{x}}**", "||{{y}}||"]
values = st.lists(st.sampled_from(HOSTILE), max_size=6).map("".join) | st.text(max_size=20)
markdown = st.lists(st.sampled_from([*HOSTILE, *VARIABLES]), max_size=25).map("".join)
templates = (markdown | st.text(max_size=40)).map(lambda text: clean(text).replace(STUB, ""))


def check(entities: list[dict[str, Any]], text: str) -> None:
    """Check that entities are within a text, divide no surrogate pair, and are nested."""
    encoded = text.encode("utf-16-le")  # fails on a lone surrogate
    assert len(entities) <= 100
    for one in entities:
        start, end = one["offset"], one["offset"] + one["length"]
        assert 0 <= start < end <= len(encoded) // 2
        encoded[2 * start : 2 * end].decode("utf-16-le")  # fails on half a pair
        for other in entities:
            first, last = other["offset"], other["offset"] + other["length"]
            assert not start < first < end < last
            shared = one is not other and first < end and start < last
            assert not (shared and one["type"] in {"code", "pre"} and other["type"] != "blockquote")
            assert not (shared and one["type"] == other["type"])


@QUICK
@given(templates, values, values)
def test_entities_fit_their_text(template: str, x: str, y: str) -> None:
    content = format_text(template, TextFormat.MARKDOWN, Values({"x": x, "y": y}))
    check(content.entities(), content.text)


@QUICK
@given(templates, values)
def test_a_value_is_inserted_and_changes_nothing_else(template: str, value: str) -> None:
    template = template.replace("{{ y }}", "{{x}}").replace("{{y}}", "{{x}}")
    value = clean(value)[:20] or "x"
    for text_format in TextFormat:
        harmless = format_text(template, text_format, Values({"x": STUB}))
        hostile = format_text(template, text_format, Values({"x": value}))
        assert hostile.text == harmless.text.replace(STUB, value)
        text = harmless.text
        at = [len(text[:index].replace(STUB, value)) for index in range(len(text) + 1)]
        assert [(span.type, span.start, span.end) for span in hostile.spans] == [
            (span.type, at[span.start], at[span.end]) for span in harmless.spans
        ]


LONG = [
    "word ",
    "Sentence. ",
    "line\n",
    "par\n\n",
    "x" * 30,
    "😀" * 9,
    "👨‍👩‍👧" * 3,
    "e\u0301" * 9,
    " " * 9,
]


@QUICK
@given(
    st.lists(st.sampled_from(LONG), max_size=40).map("".join),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=20),
    st.integers(8, 60),
    st.integers(8, 90),
)
def test_pieces_are_the_text(
    text: str, places: list[tuple[int, int]], first: int, rest: int
) -> None:
    ends = [(start, min(start + length, len(text))) for start, length in places]
    spans = tuple(Span("bold", start, end) for start, end in ends if start < end)
    pieces = split(FormattedText(text, spans), first=first, rest=rest)
    assert "".join(piece.text for piece in pieces) == text
    for index, piece in enumerate(pieces):
        assert 0 < units(piece.text) <= (rest if index else first)
        units_of = [(one["offset"], one["length"]) for one in piece.entities()]
        assert all(
            offset >= 0 < length and offset + length <= units(piece.text)
            for offset, length in units_of
        )
    assert sum(span.end - span.start for piece in pieces for span in piece.spans) == sum(
        span.end - span.start for span in spans
    )


text = templates | st.just("") | st.just("x" * 1200)
source = st.fixed_dictionaries({"url": st.sampled_from(["https://a.b", "{{x}}", "no"])}) | (
    st.fixed_dictionaries({"file_id": text})
    | st.fixed_dictionaries({"upload": st.integers(-1, 2**60)})
)
media = st.builds(
    lambda kind, where: {"type": kind, **where},
    st.sampled_from(["photo", "video", "audio", "voice", "document", "sticker"]),
    source,
)
button = st.fixed_dictionaries(
    {"text": text},
    optional={
        "go": text, "copy": text, "url": st.sampled_from(["https://a.b", "{{x}}", "x"]),
        "style": st.sampled_from(["danger", "red"]),
    },
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "text": text, "format": st.sampled_from(["plain", "markdown"]),
        "media": media | st.lists(media, min_size=1, max_size=4),
        "location": st.just({"latitude": 1, "longitude": 2.0}),
        "contact": st.fixed_dictionaries({"phone_number": text, "first_name": text}),
        "buttons": st.lists(st.lists(button, min_size=1, max_size=3), min_size=1, max_size=3),
        "keyboard": st.builds(lambda one: {"rows": [[{"text": one}]]}, text),
        "reply_to": st.integers(), "silent": st.booleans(), "link_preview": st.booleans(),
    },
)  # fmt: skip
# A document of which any part may be replaced by anything.
broken = st.builds(
    lambda document, name, value: {**document, name: value},
    documents,
    st.sampled_from([*SCHEMA["properties"]]) | st.text(),
    json_values,
)


@QUICK
@given(documents | broken | json_values, values)
def test_what_is_accepted_renders_within_the_limits(document: Any, value: str) -> None:
    problems = validate(document)
    if problems:
        assert all(problem.message and problem.code for problem in problems)
        return
    assert SCHEMA_ALONE.is_valid(document)
    for call in render(parse(document), {"x": value}):
        parameters = call.parameters
        json.dumps(parameters, ensure_ascii=False).encode()
        captioned = [parameters, *parameters.get("media", ())]
        for owner in captioned:
            for name, entities, limit in (
                ("text", "entities", 4096),
                ("caption", "caption_entities", 1024),
            ):
                assert units(owner.get(name, "x")) <= limit
                check(owner.get(entities, []), owner.get(name, ""))
        assert call.size == len(parameters.get("media", [1]))


@QUICK
@given(documents | broken | json_values)
def test_what_the_schema_rejects_is_rejected(document: Any) -> None:
    if not SCHEMA_ALONE.is_valid(document):
        assert validate(document)
