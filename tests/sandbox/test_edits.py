"""Captions and keyboards that the bot edits; texts are in test_methods.py."""

from __future__ import annotations

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot

pytestmark = pytest.mark.usefixtures("chat_id")

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
VIDEO = {"chat_id": 7, "video": "https://example.org/a.mp4", "caption": "old"}


@pytest.fixture
async def video(api: Api, bot: SandboxBot) -> int:
    """The id of a video with a caption and a keyboard."""
    message = await api.result(bot, "sendVideo", **VIDEO, reply_markup=KEYBOARD)
    return int(message["message_id"])


@pytest.fixture
async def text(api: Api, bot: SandboxBot) -> int:
    """The id of a message of text."""
    return int((await api.result(bot, "sendMessage", chat_id=7, text="x"))["message_id"])


async def test_an_edited_caption_is_in_the_record(
    api: Api, sandbox: Sandbox, bot: SandboxBot, video: int
) -> None:
    edited = await api.result(bot, "editMessageCaption", chat_id=7, message_id=video, caption="new")
    assert (edited["caption"], edited["video"]["width"]) == ("new", 640)
    assert edited["edit_date"] >= edited["date"]
    assert "reply_markup" not in edited
    sent = sandbox.sent(bot.id)[-1]
    assert (sent.method, sent.message) == ("editMessageCaption", edited)


async def test_a_caption_can_be_taken_away(api: Api, bot: SandboxBot, video: int) -> None:
    edited = await api.result(bot, "editMessageCaption", chat_id=7, message_id=video)
    assert "caption" not in edited


async def test_an_unchanged_caption_is_refused(api: Api, bot: SandboxBot, video: int) -> None:
    same = {"caption": "old", "reply_markup": KEYBOARD}
    words = await api.refusal(bot, "editMessageCaption", chat_id=7, message_id=video, **same)
    assert words.startswith("Bad Request: message is not modified: ")


async def test_a_message_of_text_has_no_caption(api: Api, bot: SandboxBot, text: int) -> None:
    words = await api.refusal(bot, "editMessageCaption", chat_id=7, message_id=text, caption="new")
    assert words == "Bad Request: there is no caption in the message to edit"


async def test_a_video_has_no_text(api: Api, bot: SandboxBot, video: int) -> None:
    words = await api.refusal(bot, "editMessageText", chat_id=7, message_id=video, text="new")
    assert words == "Bad Request: there is no text in the message to edit"


async def test_a_caption_that_is_too_long_is_refused(api: Api, bot: SandboxBot, video: int) -> None:
    words = await api.refusal(
        bot, "editMessageCaption", chat_id=7, message_id=video, caption="x" * 1025
    )
    assert words == "Bad Request: message caption is too long"


async def test_a_text_that_is_too_long_is_refused(api: Api, bot: SandboxBot, text: int) -> None:
    words = await api.refusal(bot, "editMessageText", chat_id=7, message_id=text, text="x" * 4097)
    assert words == "Bad Request: MESSAGE_TOO_LONG"


async def test_a_keyboard_is_edited_alone(
    api: Api, sandbox: Sandbox, bot: SandboxBot, video: int
) -> None:
    target = {"chat_id": 7, "message_id": video}
    words = await api.refusal(bot, "editMessageReplyMarkup", **target, reply_markup=KEYBOARD)
    assert words.startswith("Bad Request: message is not modified: ")
    edited = await api.result(bot, "editMessageReplyMarkup", **target)
    assert edited["caption"] == "old"
    assert "reply_markup" not in edited
    assert sandbox.sent(bot.id)[-1].method == "editMessageReplyMarkup"


@pytest.mark.parametrize("method", ["editMessageCaption", "editMessageReplyMarkup"])
async def test_a_message_that_cannot_be_edited_is_refused(
    api: Api, bot: SandboxBot, method: str
) -> None:
    for target, words in (
        ({"chat_id": 8, "message_id": 1}, "chat not found"),
        ({"chat_id": 7, "message_id": 99}, "message to edit not found"),
        ({"chat_id": 7}, "message to edit not found"),
        ({"chat_id": 7, "message_id": 1}, "message can't be edited"),
        ({}, "message identifier is not specified"),
        ({"inline_message_id": "x"}, "invalid inline message identifier specified"),
    ):
        assert await api.refusal(bot, method, **target) == f"Bad Request: {words}"


async def test_a_forward_cannot_be_edited(api: Api, bot: SandboxBot, text: int) -> None:
    forward = await api.result(bot, "forwardMessage", chat_id=7, from_chat_id=7, message_id=text)
    target = {"chat_id": 7, "message_id": forward["message_id"]}
    words = await api.refusal(bot, "editMessageText", **target, text="new")
    assert words == "Bad Request: message can't be edited"


PHOTO = {"type": "photo", "media": "https://example.org/new.jpg"}


async def test_media_and_caption_are_edited_together(
    api: Api, sandbox: Sandbox, bot: SandboxBot, video: int
) -> None:
    media = {**PHOTO, "caption": "<b>new</b>", "parse_mode": "HTML", "has_spoiler": True}
    edited = await api.result(bot, "editMessageMedia", chat_id=7, message_id=video, media=media)
    assert edited["photo"][0]["width"] == 800
    assert (edited["caption"], edited["has_media_spoiler"]) == ("new", True)
    assert edited["caption_entities"] == [{"type": "bold", "offset": 0, "length": 3}]
    assert {"video", "reply_markup"} & edited.keys() == set()
    assert sandbox.sent(bot.id)[0].present_text == "new"


async def test_media_can_be_uploaded_in_place_of_a_text(
    api: Api, bot: SandboxBot, text: int
) -> None:
    edited = await api.upload(
        bot,
        "editMessageMedia",
        files={"new": ("a.pdf", b"data")},
        chat_id=7,
        message_id=text,
        media={"type": "document", "media": "attach://new"},
    )
    assert "text" not in edited
    assert await api.download(bot, edited["document"]["file_id"]) == b"data"


async def test_unchanged_media_is_refused(api: Api, bot: SandboxBot, text: int) -> None:
    target = {"chat_id": 7, "message_id": text}
    edited = await api.result(bot, "editMessageMedia", **target, media=PHOTO)
    same = {"type": "photo", "media": edited["photo"][0]["file_id"]}
    words = await api.refusal(bot, "editMessageMedia", **target, media=same)
    assert words == (
        "Bad Request: message is not modified: specified new message content and reply markup are "
        "exactly the same as a current content and reply markup of the message"
    )


async def test_an_album_keeps_to_its_kind(api: Api, bot: SandboxBot) -> None:
    photos, documents = [
        await api.result(bot, "sendMediaGroup", chat_id=7, media=[{**PHOTO, "type": kind}] * 2)
        for kind in ("photo", "document")
    ]
    for album, kind in ((photos, "document"), (documents, "photo"), (photos, "animation")):
        words = await api.refusal(
            bot,
            "editMessageMedia",
            chat_id=7,
            message_id=album[0]["message_id"],
            media={**PHOTO, "type": kind},
        )
        assert words == "Bad Request: can't use the media of the specified type in the album"
    target = {"chat_id": 7, "message_id": photos[0]["message_id"]}
    assert await api.result(bot, "editMessageMedia", **target, media={**PHOTO, "type": "video"})


async def test_media_that_cannot_be_edited_is_refused(api: Api, bot: SandboxBot, text: int) -> None:
    dice = (await api.result(bot, "sendDice", chat_id=7))["message_id"]
    for message_id, media, words in (
        (dice, PHOTO, "there is no media in the message to edit"),
        (1, PHOTO, "message can't be edited"),
        (99, PHOTO, "message to edit not found"),
        (text, "", 'parameter "media" is required'),
        (text, [], "can't parse InputMedia: expected an Object"),
        (text, {**PHOTO, "type": "voice"}, 'can\'t parse InputMedia: type "voice" is unsupported'),
    ):
        target = {"chat_id": 7, "message_id": message_id, "media": media}
        assert await api.refusal(bot, "editMessageMedia", **target) == f"Bad Request: {words}"
