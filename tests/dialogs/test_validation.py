"""What is wrong with a message, all at once and in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dialogs.messages import SCHEMA, InvalidMessage, parse, validate
from dialogs.messages.content import Button, KeyboardButton, Media, MediaType, Message, TextFormat
from dialogs.messages.wording import WORDINGS

PHOTO = {"type": "photo", "url": "https://a.b/c.png"}
GO = {"text": "x", "go": "y"}
VALID: list[dict[str, Any]] = [
    {"text": "x"},
    {"text": "x" * 32_000, "format": "markdown"},
    {"media": PHOTO},
    {"media": {"type": "sticker", "file_id": "x"}, "text": "x"},
    {"media": [PHOTO, {"type": "video", "file_id": "x"}], "text": "x", "buttons": [[GO]]},
    {"media": [{"type": "audio", "file_id": "x"}] * 10},
    {"media": {"type": "document", "upload": 1}},
    {"media": [PHOTO, {"type": "photo", "upload": 2**53 - 1}]},
    {"location": {"latitude": -90, "longitude": 180.0}},
    {"contact": {"phone_number": "+1", "first_name": "A", "last_name": ""}},
    {"text": "x", "buttons": [[GO] * 8] * 12},
    {"text": "x", "buttons": [[{"text": "x", "url": "tg://resolve?domain=x", "style": "danger"}]]},
    {"text": "x", "buttons": [[{"text": "x", "web_app": "{{x}}"}, {"text": "x", "copy": "x"}]]},
    {"text": "x", "keyboard": {"rows": [[{"text": "x", "request": "contact"}]], "resize": False}},
    {"text": "x", "remove_keyboard": True, "silent": True, "protect": False, "typing": 0.5},
    {"text": "x", "reply_to": 2**31 - 1, "link_preview": False},
]
# A document, and the code and pointer of each problem.
INVALID: list[tuple[Any, set[tuple[str, str]]]] = [
    (None, {("wrong_type", "")}),
    ([], {("wrong_type", "")}),
    ({}, {("no_content", "")}),
    ({"silent": True}, {("no_content", "")}),
    ({"text": ""}, {("too_short", "/text")}),
    ({"text": " \n\u200b"}, {("blank", "/text")}),
    ({"text": "#", "format": "markdown"}, {("blank", "/text")}),
    ({"text": "x\0"}, {("forbidden_character", "/text")}),
    ({"text": "x\ud800"}, {("forbidden_character", "/text")}),
    ({"text": "x" * 32_001}, {("too_long", "/text")}),
    ({"text": 1, "format": "html"}, {("wrong_type", "/text"), ("not_a_choice", "/format")}),
    ({"text": None}, {("wrong_type", "/text")}),
    ({"text": "x", "a/~b": 1}, {("unknown_field", "/a~1~0b")}),
    ({"media": "x"}, {("wrong_type", "/media")}),
    ({"media": {}}, {("missing_field", "/media")}),
    ({"media": {"type": "photo", "url": "http://a.b"}}, {("wrong_pattern", "/media/url")}),
    ({"media": {"type": "photo", "url": "https://a.b\n"}}, {("wrong_pattern", "/media/url")}),
    *(
        ({"media": {"type": "photo", "file_id": text}}, {("wrong_pattern", "/media/file_id")})
        for text in ("file:///etc/passwd", "/etc/passwd", "attach://f", "a b", "a\n", "{{f}}/x")
    ),
    ({"media": [PHOTO, {"type": "video", "file_id": "/x"}]},
     {("wrong_pattern", "/media/1/file_id")}),
    ({"media": {"type": "photo", "url": "https://a.b", "file_id": "x"}},
     {("conflicting_fields", "/media")}),
    ({"media": {"type": "photo", "upload": 1, "file_id": "x"}}, {("conflicting_fields", "/media")}),
    ({"media": {"type": "photo", "upload": "1"}}, {("wrong_type", "/media/upload")}),
    ({"media": {"type": "photo", "upload": True}}, {("wrong_type", "/media/upload")}),
    ({"media": [PHOTO, {"type": "photo", "upload": 0}]}, {("out_of_range", "/media/1/upload")}),
    ({"media": [PHOTO]}, {("too_few", "/media")}),
    ({"media": [PHOTO] * 11}, {("too_many", "/media")}),
    ({"media": [PHOTO, {"type": "voice", "file_id": "x"}]}, {("not_a_choice", "/media/1/type")}),
    ({"media": [PHOTO, {"type": "audio", "file_id": "x"}]}, {("mixed_album", "/media")}),
    ({"media": [PHOTO, PHOTO], "buttons": [[GO]]}, {("album_without_text", "/buttons")}),
    ({"location": {"latitude": 91, "longitude": float("nan")}},
     {("out_of_range", "/location/latitude"), ("out_of_range", "/location/longitude")}),
    ({"location": {"latitude": True}},
     {("wrong_type", "/location/latitude"), ("missing_field", "/location")}),
    ({"contact": {"phone_number": "", "first_name": "x" * 65}},
     {("too_short", "/contact/phone_number"), ("too_long", "/contact/first_name")}),
    ({"location": {"latitude": 1, "longitude": 1}, "media": PHOTO}, {("conflicting_fields", "")}),
    ({"text": "x", "buttons": [[GO]], "remove_keyboard": True}, {("conflicting_fields", "")}),
    ({"text": "x", "remove_keyboard": False}, {("not_a_choice", "/remove_keyboard")}),
    ({"text": "x", "buttons": []}, {("too_few", "/buttons")}),
    ({"text": "x", "buttons": [[]]}, {("too_few", "/buttons/0")}),
    ({"text": "x", "buttons": [[GO] * 9]}, {("too_many", "/buttons/0")}),
    ({"text": "x", "buttons": [[GO] * 8] * 13}, {("too_many", "/buttons")}),
    ({"text": "x", "keyboard": {"rows": [[{"text": "x"}] * 8] * 13}},
     {("too_many", "/keyboard/rows")}),
    ({"text": "x", "buttons": [[{"text": "x"}, {"text": "", "go": "y", "copy": "x" * 257}]]},
     {("missing_field", "/buttons/0/0"), ("too_short", "/buttons/0/1/text"),
      ("conflicting_fields", "/buttons/0/1"), ("too_long", "/buttons/0/1/copy")}),
    ({"text": "x", "buttons": [[{"text": "x", "go": "я" * 33}]]},
     {("too_long", "/buttons/0/0/go")}),
    ({"text": "x", "buttons": [[{"text": "x", "url": "javascript:x", "style": "red"}]]},
     {("wrong_pattern", "/buttons/0/0/url"), ("not_a_choice", "/buttons/0/0/style")}),
    ({"text": "x", "buttons": [[{"text": "x", "web_app": "http://a.b"}]]},
     {("wrong_pattern", "/buttons/0/0/web_app")}),
    ({"text": "x", "typing": 10.5, "reply_to": 0},
     {("out_of_range", "/typing"), ("out_of_range", "/reply_to")}),
    ({"text": "x", "reply_to": 1.5}, {("wrong_type", "/reply_to")}),
]  # fmt: skip


@pytest.mark.parametrize("document", VALID)
def test_a_valid_message_has_no_problems(document: dict[str, Any]) -> None:
    assert validate(document) == []
    assert Draft202012Validator(SCHEMA).is_valid(document)
    assert isinstance(parse(document), Message)


@pytest.mark.parametrize(("document", "expected"), INVALID)
def test_every_problem_is_found_at_its_place(document: Any, expected: set[tuple[str, str]]) -> None:
    found = validate(document)
    assert {(one.code.value, one.pointer) for one in found} == expected
    assert len({one.message for one in found}) == len(found)
    with pytest.raises(InvalidMessage) as refused:
        parse(document)
    assert refused.value.problems == found


@pytest.mark.parametrize(("document", "expected"), INVALID)
def test_a_problem_is_one_or_two_plain_sentences(document: Any, expected: object) -> None:
    for problem in validate(document):
        assert problem.message[0] in {'"', problem.message[0].upper()}
        assert problem.message.endswith((".", "?"))
        assert not {"schema", "pattern", "regex", "dict", "None"} & set(problem.message.split())


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"txt": "x", "text": "x"}, '"txt" is not known. Did you mean "text"?'),
        (
            {"text": "x", "buttons": [[GO], [GO, {"text": "x", "go": "y", "colour": 1}]]},
            '"colour" of button 2 in row 2 is not known. It can be "text", "go", "url", '
            '"web_app", "copy" or "style".',
        ),
        (
            {"media": [PHOTO, {"type": "foto", "file_id": "x"}]},
            '"type" of item 2 of the album must be "photo", "video", "document" or "audio". '
            'Did you mean "photo"?',
        ),
        (
            {"media": {"type": "photo", "file_id": "file:///etc/passwd"}},
            '"file_id" of the media must be Telegram\'s id of a file: only letters, digits, - '
            "and _, or a variable.",
        ),
        (
            {"text": "x", "buttons": [[{"text": "x"}]]},
            'Button 1 in row 1 needs exactly one of "go", "url", "web_app" or "copy". Add one.',
        ),
        (
            {"text": "x" * 32_001},
            '"text" has 32,001 characters, and at most 32,000 are allowed. Shorten it.',
        ),
        (
            {"location": {"latitude": 91, "longitude": 0}},
            '"latitude" of the location must be between -90 and 90.',
        ),
        (
            {"text": "x", "keyboard": {"rows": [[{"text": 1}]]}},
            '"text" of button 1 in row 1 of the keyboard must be a text, not a number.',
        ),
    ],
)
def test_a_problem_names_what_and_where(document: Any, message: str) -> None:
    assert [one.message for one in validate(document)] == [message]


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "document",
    [
        {"text": _nested(100_000)},
        {"text": "x", "buttons": _nested(900)},
        {"text": 10**5000, "reply_to": -(10**5000)},
        {"text": "x", "typing": float("inf"), "reply_to": float("nan")},
        {"text": b"x"},
        {"text": ("x",)},
        {1: 2, "text": "x"},
        {"text": "x", "\ud800": object()},
        {"text": "x", "x" * 100_000: 1},
        {"text": "x", "media": {"type": []}, "format": {}},
        {"text": "x", "buttons": [1, [2, {"go": 3}], None]},
        object(),
    ],
    ids=range(12),
)
def test_no_value_makes_validation_fail(document: Any) -> None:
    found = validate(document)
    assert found
    json.dumps([one.message for one in found])
    assert all(len(one.message) < 500 for one in found)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$id"]


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and every schema inside it that can report an error."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [schema[name] for name in ("items", "then", "else") if name in schema]
    for one in [*inner, *schema.get("allOf", ())]:
        yield from _schemas(one)


def test_every_keyword_has_a_sentence_and_every_field_a_description() -> None:
    said = {"$schema", "$id", "title", "description", "default", "examples", "$defs", "$ref"}
    walked = {"properties", "items", "allOf", "if", "then", "else"}
    used = {keyword for schema in _schemas(SCHEMA) for keyword in schema}
    assert used - said - walked == WORDINGS.keys()
    for schema in _schemas(SCHEMA):
        for field in schema.get("properties", {}).values():
            assert "description" in field or "$ref" in field


def test_a_document_is_read_into_a_message() -> None:
    assert parse({
        "text": "x", "format": "markdown", "media": PHOTO, "reply_to": 3.0, "silent": True,
        "typing": 2, "link_preview": False,
        "buttons": [[{"text": "a", "url": "https://b.c", "style": "primary"}], [GO]],
    }) == Message(
        text="x", format=TextFormat.MARKDOWN, reply_to=3, silent=True, typing=2.0,
        media=(Media(MediaType.PHOTO, url="https://a.b/c.png"),), link_preview=False,
        buttons=((Button("a", url="https://b.c", style="primary"),), (Button("x", go="y"),)),
    )  # fmt: skip
    keyboard = parse({"text": "x", "keyboard": {"rows": [[{"text": "a"}]], "one_time": True}})
    assert keyboard.keyboard
    assert keyboard.keyboard.rows == ((KeyboardButton("a"),),)
    assert keyboard.keyboard.one_time
    assert keyboard.keyboard.resize
