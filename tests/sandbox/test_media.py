"""Methods that send one file: what comes back, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot

pytestmark = pytest.mark.usefixtures("chat_id")

SENT: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "sendVideo",
        "video",
        "clip.mp4",
        {"width": 320, "height": "200", "duration": 7},
        {"width": 320, "height": 200, "duration": 7, "mime_type": "video/mp4"},
    ),
    (
        "sendAnimation",
        "animation",
        "fun.gif",
        {"width": 32, "height": 20, "duration": 3},
        {"width": 32, "height": 20, "duration": 3, "mime_type": "image/gif"},
    ),
    (
        "sendAudio",
        "audio",
        "song.mp3",
        {"duration": 120, "performer": "Band", "title": "Song"},
        {"duration": 120, "performer": "Band", "title": "Song", "file_name": "song.mp3"},
    ),
    ("sendVoice", "voice", "v.ogg", {"duration": 4}, {"duration": 4, "mime_type": "audio/ogg"}),
    (
        "sendSticker",
        "sticker",
        "s.webp",
        {"emoji": "😀"},
        {"emoji": "😀", "type": "regular", "width": 512, "is_animated": False, "is_video": False},
    ),
    ("sendPhoto", "photo", "p.png", {}, {"width": 800, "height": 600}),
    ("sendDocument", "document", "d.pdf", {}, {"file_name": "d.pdf", "file_size": 4}),
]


@pytest.mark.parametrize(("method", "field", "name", "params", "wanted"), SENT)
async def test_a_file_is_described_and_can_be_downloaded(
    api: Api,
    bot: SandboxBot,
    method: str,
    field: str,
    name: str,
    params: dict[str, Any],
    wanted: dict[str, Any],
) -> None:
    files = {field: (name, b"data")}
    message = await api.upload(bot, method, files=files, chat_id=7, **params)
    described = message[field][-1] if field == "photo" else message[field]
    assert wanted.items() <= described.items()
    assert described["file_unique_id"]
    assert await api.download(bot, described["file_id"]) == b"data"


@pytest.mark.parametrize(("method", "field", "name", "params", "wanted"), SENT)
async def test_a_file_is_sent_again_by_its_id_with_what_was_said_of_it(
    api: Api,
    bot: SandboxBot,
    method: str,
    field: str,
    name: str,
    params: dict[str, Any],
    wanted: dict[str, Any],
) -> None:
    files = {field: (name, b"data")}
    first = (await api.upload(bot, method, files=files, chat_id=7, **params))[field]
    file_id = first[-1]["file_id"] if field == "photo" else first["file_id"]
    again = await api.result(bot, method, chat_id=7, **{field: file_id, "duration": 99})
    assert again[field] == first


async def test_an_animation_is_a_document_too(api: Api, bot: SandboxBot) -> None:
    files = {"animation": ("fun.mp4", b"data")}
    message = await api.upload(bot, "sendAnimation", files=files, chat_id=7)
    assert message["document"] == {
        name: message["animation"][name]
        for name in ("file_id", "file_unique_id", "file_size", "file_name", "mime_type")
    }


async def test_a_thumbnail_is_kept(api: Api, bot: SandboxBot) -> None:
    files = {"video": ("clip.mp4", b"data"), "small": ("t.jpg", b"tiny")}
    message = await api.upload(bot, "sendVideo", files=files, chat_id=7, thumbnail="attach://small")
    assert await api.download(bot, message["video"]["thumbnail"]["file_id"]) == b"tiny"


@pytest.mark.parametrize("method", ["sendPhoto", "sendVideo", "sendAnimation"])
async def test_a_spoiler_and_a_caption_above_are_told(
    api: Api, bot: SandboxBot, method: str
) -> None:
    field = method.removeprefix("send").lower()
    message = await api.result(
        bot,
        method,
        chat_id=7,
        caption="<b>c</b>",
        parse_mode="HTML",
        has_spoiler=True,
        show_caption_above_media=True,
        protect_content=True,
        **{field: "https://example.org/a.bin"},
    )
    assert message["caption_entities"] == [{"type": "bold", "offset": 0, "length": 1}]
    names = ("has_media_spoiler", "show_caption_above_media", "has_protected_content")
    assert [message[name] for name in names] == [True, True, True]


async def test_a_sticker_has_no_caption(api: Api, bot: SandboxBot) -> None:
    files = {"sticker": ("s.tgs", b"data")}
    message = await api.upload(bot, "sendSticker", files=files, chat_id=7, caption="no")
    assert "caption" not in message
    assert message["sticker"]["is_animated"]


async def test_a_photo_is_not_taken_for_another_kind(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    photo = sandbox.send_photo(bot.id, data=b"x", chat_id=7)["message"]["photo"][0]["file_id"]
    for method, kind in (("sendDocument", "Document"), ("sendVoice", "VoiceNote")):
        field = method.removeprefix("send").lower()
        words = await api.refusal(bot, method, chat_id=7, **{field: photo})
        assert words == f"Bad Request: can't use file of type Photo as {kind}"


async def test_a_file_keeps_its_kind_when_it_is_sent_as_another(api: Api, bot: SandboxBot) -> None:
    files = {"voice": ("v.ogg", b"data")}
    voice = (await api.upload(bot, "sendVoice", files=files, chat_id=7))["voice"]
    message = await api.result(bot, "sendDocument", chat_id=7, document=voice["file_id"])
    assert message["voice"] == voice
    assert "document" not in message


@pytest.mark.parametrize(("method", "field"), [(one[0], one[1]) for one in SENT])
async def test_a_file_that_is_not_there_is_refused(
    api: Api, bot: SandboxBot, method: str, field: str
) -> None:
    words = await api.refusal(bot, method, chat_id=7)
    assert words == f"Bad Request: there is no {field} in the request"
    for given in ("nonsense", "attach://nothing"):
        words = await api.refusal(bot, method, chat_id=7, **{field: given})
        assert words == "Bad Request: wrong file identifier/HTTP URL specified"


async def test_a_caption_may_have_1024_utf16_units(api: Api, bot: SandboxBot) -> None:
    video = {"chat_id": 7, "video": "https://example.org/a.mp4"}
    assert await api.result(bot, "sendVideo", caption="😀" * 512, **video)
    words = await api.refusal(bot, "sendVideo", caption="😀" * 512 + "x", **video)
    assert words == "Bad Request: message caption is too long"
