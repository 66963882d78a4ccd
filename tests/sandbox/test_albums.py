"""sendMediaGroup."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot

PHOTO = {"type": "photo", "media": "https://example.org/a.jpg"}
DOCUMENT = {"type": "document", "media": "https://example.org/a.pdf"}
AUDIO = {"type": "audio", "media": "https://example.org/a.mp3"}

pytestmark = pytest.mark.usefixtures("chat_id")


async def test_an_album_is_messages_with_one_group_id(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    files = {"one": ("a.jpg", b"photo"), "two": ("b.mp4", b"video")}
    media = [
        {"type": "photo", "media": "attach://one", "caption": "*", "has_spoiler": True},
        {"type": "video", "media": "attach://two", "width": 5, "height": 6, "duration": 7},
    ]
    first, second = await api.upload(
        bot,
        "sendMediaGroup",
        files=files,
        chat_id=7,
        media=media,
        reply_parameters={"message_id": 1},
    )
    assert first["media_group_id"] == second["media_group_id"]
    assert first["message_id"] + 1 == second["message_id"]
    assert (first["caption"], first["has_media_spoiler"]) == ("*", True)
    assert [one["reply_to_message"]["message_id"] for one in (first, second)] == [1, 1]
    assert {"width": 5, "height": 6, "duration": 7}.items() <= second["video"].items()
    assert await api.download(bot, first["photo"][-1]["file_id"]) == b"photo"
    assert await api.download(bot, second["video"]["file_id"]) == b"video"
    assert [sent.message for sent in sandbox.sent(bot.id)] == [first, second]
    assert {sent.method for sent in sandbox.sent(bot.id)} == {"sendMediaGroup"}


async def test_two_albums_have_two_ids(api: Api, bot: SandboxBot) -> None:
    albums = [
        await api.result(bot, "sendMediaGroup", chat_id=7, media=[PHOTO, PHOTO]) for _ in range(2)
    ]
    assert len({album[0]["media_group_id"] for album in albums}) == 2


async def test_one_item_is_no_album(api: Api, bot: SandboxBot) -> None:
    (message,) = await api.result(bot, "sendMediaGroup", chat_id=7, media=[PHOTO])
    assert message["photo"]
    assert "media_group_id" not in message


async def test_ten_items_are_an_album(api: Api, bot: SandboxBot) -> None:
    album = await api.result(bot, "sendMediaGroup", chat_id=7, media=[DOCUMENT] * 10)
    assert len(album) == 10


@pytest.mark.parametrize(
    ("media", "words"),
    [
        (None, 'parameter "media" is required'),
        ("[", "can't parse media JSON object"),
        ({}, "expected an Array of InputMedia"),
        ([], "there are no messages to send"),
        ([PHOTO] * 11, "too many messages to send as an album"),
        ([PHOTO, DOCUMENT], "document can't be mixed with other media types"),
        ([AUDIO, PHOTO], "audio can't be mixed with other media types"),
        (["x"], "can't parse InputMedia: expected an Object"),
        ([{"type": "photo"}], "can't parse InputMedia: media not found"),
        (
            [PHOTO, {"type": "photo", "media": "attach://none"}],
            "can't parse InputMedia: media not found",
        ),
        ([{"media": "x"}], "can't parse InputMedia: Can't find field \"type\""),
        (
            [{"type": "sticker", "media": "x"}],
            'can\'t parse InputMedia: type "sticker" is unsupported',
        ),
        (
            [{"type": "animation", "media": "x"}],
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        ),
        ([PHOTO, {**PHOTO, "caption": "x" * 1025}], "message caption is too long"),
        (
            [PHOTO, {**PHOTO, "show_caption_above_media": True}],
            "parameter show_caption_above_media must be the same for all messages",
        ),
        ([PHOTO, {"type": "photo", "media": "x"}], "wrong file identifier/HTTP URL specified"),
    ],
)
async def test_an_album_that_cannot_be_sent_sends_nothing(
    api: Api, sandbox: Sandbox, bot: SandboxBot, media: Any, words: str
) -> None:
    got = await api.refusal(bot, "sendMediaGroup", chat_id=7, media=media)
    assert got == f"Bad Request: {words}"
    assert sandbox.sent(bot.id) == []
