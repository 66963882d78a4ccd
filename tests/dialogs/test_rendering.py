"""Messages as calls of the Bot API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialogs.messages import Call, UsedUpload, parse, render, uploads_of
from dialogs.messages.content import MediaType

PHOTO = {"type": "photo", "url": "https://a.b/c.png"}
GO = {"text": "x", "go": "y"}
INLINE = {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]}


def calls(document: dict[str, Any]) -> list[Call]:
    return render(parse(document))


@pytest.mark.parametrize(
    ("document", "method", "parameters"),
    [
        ({"text": "x"}, "sendMessage", {"text": "x"}),
        ({"text": "**x**", "format": "markdown"}, "sendMessage",
         {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 1}]}),
        ({"media": PHOTO}, "sendPhoto", {"photo": "https://a.b/c.png"}),
        ({"media": {"type": "voice", "file_id": "f"}, "text": "*x*", "format": "markdown"},
         "sendVoice",
         {"voice": "f", "caption": "x",
          "caption_entities": [{"type": "italic", "offset": 0, "length": 1}]}),
        ({"location": {"latitude": 1, "longitude": 2.5}}, "sendLocation",
         {"latitude": 1, "longitude": 2.5}),
        ({"contact": {"phone_number": "+1", "first_name": "A", "last_name": "B"}}, "sendContact",
         {"phone_number": "+1", "first_name": "A", "last_name": "B"}),
        ({"text": "x", "silent": True, "protect": True, "reply_to": 3, "link_preview": False,
          "typing": 3}, "sendMessage",
         {"text": "x", "disable_notification": True, "protect_content": True,
          "link_preview_options": {"is_disabled": True},
          "reply_parameters": {"message_id": 3, "allow_sending_without_reply": True}}),
        ({"text": "x", "buttons": [[
            {"text": "a", "go": "b", "style": "success"}, {"text": "c", "url": "https://d.e"},
        ], [{"text": "f", "web_app": "https://g.h"}, {"text": "i", "copy": "j"}]]}, "sendMessage",
         {"text": "x", "reply_markup": {"inline_keyboard": [
             [{"text": "a", "callback_data": "b", "style": "success"},
              {"text": "c", "url": "https://d.e"}],
             [{"text": "f", "web_app": {"url": "https://g.h"}},
              {"text": "i", "copy_text": {"text": "j"}}],
         ]}}),
        ({"text": "x", "keyboard": {"rows": [[{"text": "a"}, {"text": "b", "request": "contact"}],
                                             [{"text": "c", "request": "location"}]],
                                    "one_time": True, "placeholder": "p"}}, "sendMessage",
         {"text": "x", "reply_markup": {
             "keyboard": [[{"text": "a"}, {"text": "b", "request_contact": True}],
                          [{"text": "c", "request_location": True}]],
             "resize_keyboard": True, "one_time_keyboard": True, "input_field_placeholder": "p"}}),
        ({"text": "x", "remove_keyboard": True}, "sendMessage",
         {"text": "x", "reply_markup": {"remove_keyboard": True}}),
    ],
)  # fmt: skip
def test_one_call(document: dict[str, Any], method: str, parameters: dict[str, Any]) -> None:
    assert calls(document) == [Call(method, parameters)]


@pytest.mark.parametrize(
    "kind", ["photo", "video", "animation", "audio", "voice", "document", "sticker"]
)
def test_every_kind_of_media_has_its_method(kind: str) -> None:
    (call,) = calls({"media": {"type": kind, "file_id": "f"}})
    assert call == Call(f"send{kind.capitalize()}", {kind: "f"})


@pytest.mark.parametrize(
    "content",
    [
        {"media": {"type": "sticker", "file_id": "f"}},
        {"location": {"latitude": 1, "longitude": 2}},
        {"contact": {"phone_number": "+1", "first_name": "A"}},
    ],
)
def test_what_takes_no_caption_is_followed_by_the_text(content: dict[str, Any]) -> None:
    first, second = calls({**content, "text": "x", "buttons": [[GO]], "reply_to": 3})
    assert "reply_parameters" in first.parameters
    assert "reply_markup" not in first.parameters
    assert second == Call("sendMessage", {"text": "x", "reply_markup": INLINE})


def test_an_album_is_one_call_of_several_messages() -> None:
    document = {"media": [PHOTO, {"type": "video", "file_id": "f"}], "text": "x", "reply_to": 3}
    (call,) = calls(document)
    assert call.size == 2
    assert call.method == "sendMediaGroup"
    assert call.parameters == {
        "media": [
            {"type": "photo", "media": "https://a.b/c.png", "caption": "x"},
            {"type": "video", "media": "f"},
        ],
        "reply_parameters": {"message_id": 3, "allow_sending_without_reply": True},
    }


def test_an_upload_is_an_object_that_no_text_can_pass_for() -> None:
    (call,) = calls({"media": {"type": "photo", "upload": 7.0}})
    assert call == Call("sendPhoto", {"photo": {"upload": 7}})
    (call,) = calls({"media": [PHOTO, {"type": "video", "upload": 8}]})
    assert call.parameters["media"][1] == {"type": "video", "media": {"upload": 8}}
    message = parse({"media": {"type": "photo", "file_id": "{{x}}"}})
    assert render(message, {"x": '{"upload": 7}'}) == []


def test_uploads_are_found_with_their_places() -> None:
    alone = parse({"media": {"type": "photo", "upload": 7}})
    assert uploads_of(alone) == [UsedUpload(7, MediaType.PHOTO, "/media/upload")]
    album = parse({"media": [PHOTO, {"type": "video", "upload": 8}]})
    assert uploads_of(album) == [UsedUpload(8, MediaType.VIDEO, "/media/1/upload")]
    assert uploads_of(parse({"text": "x"})) == []


def test_the_buttons_of_an_album_are_at_a_text_of_its_own() -> None:
    album, text = calls({"media": [PHOTO, PHOTO], "text": "x", "buttons": [[GO]]})
    assert "caption" not in album.parameters["media"][0]
    assert text == Call("sendMessage", {"text": "x", "reply_markup": INLINE})


def test_a_long_text_is_sent_as_several() -> None:
    found = calls({"text": "word " * 2000, "buttons": [[GO]], "reply_to": 3, "silent": True})
    assert [call.method for call in found] == ["sendMessage"] * 3
    assert ["reply_parameters" in call.parameters for call in found] == [True, False, False]
    assert ["reply_markup" in call.parameters for call in found] == [False, False, True]
    assert all(call.parameters["disable_notification"] for call in found)
    assert "".join(call.parameters["text"] for call in found) == "word " * 2000


def test_a_long_caption_goes_on_as_text() -> None:
    first, second = calls({"media": PHOTO, "text": "word " * 400, "buttons": [[GO]]})
    assert first == Call("sendPhoto", {"photo": PHOTO["url"], "caption": "word " * 204})
    assert second.method == "sendMessage"
    assert second.parameters == {"text": "word " * 196, "reply_markup": INLINE}


def test_pieces_that_show_nothing_are_not_sent() -> None:
    found = calls({"text": "x" + " " * 9000 + "y"})
    assert [call.parameters["text"].strip() for call in found] == ["x", "y"]
    (call,) = render(parse({"media": PHOTO, "text": "{{x}}"}), {})
    assert call == Call("sendPhoto", {"photo": PHOTO["url"]})


def test_a_text_of_emoji_is_cut_between_them() -> None:
    found = calls({"text": "😀" * 4096})
    assert [call.parameters["text"] for call in found] == ["😀" * 2048] * 2


def test_a_thousand_entities() -> None:
    found = calls({"text": ("*a* " + "a" * 16 + " ") * 1400, "format": "markdown"})
    text = ("a " + "a" * 16 + " ") * 1400
    assert len(found) > 5
    assert "".join(call.parameters["text"] for call in found) == text.strip()
    assert {len(call.parameters["entities"]) for call in found} == {100}


def test_calls_can_be_written_as_json_and_share_nothing() -> None:
    message = parse({"media": [PHOTO, PHOTO], "text": "x", "buttons": [[GO]]})
    first = render(message)
    json.dumps([call.parameters for call in first])
    first[-1].parameters["reply_markup"]["inline_keyboard"].clear()
    assert render(message)[-1].parameters["reply_markup"] == INLINE
