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
