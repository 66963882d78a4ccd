"""What people send: every kind of content, as a bot sees it."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api
from telegram import Bot

from sandbox import InvalidValue, Sandbox, SandboxBot
from sandbox.contents import CAPTIONED, KINDS

MIB = 1024 * 1024
CHATS = [7, -7, -(10**12) - 7]  # private, group, supergroup
KNOWN = [kind for kind in KINDS if kind not in {"text", "other"}]
FILES = ["photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker"]
HOSTILE = [
    "../../etc/passwd",
    "a\x00b\r\nc.exe",
    "\u202egpj.exe",
    "<b>\"';|&.html",
    "x" * 5000,
    "\\\\",
]


def file_of(message: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = message["photo"][-1] if kind == "photo" else message[kind]
    return found


@pytest.mark.parametrize("chat_id", CHATS)
@pytest.mark.parametrize("kind", KNOWN)
async def test_the_bot_gets_a_content_of_any_kind_in_any_chat(
    api: Api, bot: SandboxBot, ptb: Bot, kind: str, chat_id: int
) -> None:
    caption = {"caption": "see /this"} if kind in CAPTIONED else {}
    path = "/bots/first_bot/contents"
    status, update = await api.control("POST", path, kind=kind, chat_id=chat_id, **caption)
    assert status == 201
    assert await api.result(bot, "getUpdates") == [update]
    (seen,) = await ptb.get_updates()
    assert seen.message is not None
    assert seen.message.chat.id == chat_id
    assert getattr(seen.message, kind)
    assert seen.message.caption == caption.get("caption")
    found = seen.message.parse_caption_entities()
    assert list(found.values()) == (["/this"] if caption else [])


@pytest.mark.parametrize("kind", FILES)
async def test_a_file_has_the_bytes_that_were_sent(
    api: Api, sandbox: Sandbox, bot: SandboxBot, kind: str
) -> None:
    message = sandbox.send_content(bot.id, kind=kind, data=b"these")["message"]
    described = file_of(message, kind)
    assert described["file_size"] == 5
    assert await api.download(bot, described["file_id"]) == b"these"


async def test_a_photo_has_a_small_size_that_is_a_file_of_its_own(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    small, large = sandbox.send_content(bot.id, kind="photo", data=b"these")["message"]["photo"]
    assert small["width"] < large["width"]
    assert len({small["file_unique_id"], large["file_unique_id"]}) == 2
    assert len(await api.download(bot, small["file_id"])) == small["file_size"]


@pytest.mark.parametrize("size", [0, 1, 64 * 1024 + 1, 20 * MIB])
async def test_a_file_of_any_size_is_made_up(
    api: Api, sandbox: Sandbox, bot: SandboxBot, size: int
) -> None:
    message = sandbox.send_content(bot.id, kind="document", size=size)["message"]
    data = await api.download(bot, message["document"]["file_id"])
    assert len(data) == message["document"]["file_size"] == size
    assert data == (bytes(range(256)) * (size // 256 + 1))[:size]


async def test_a_file_over_20_mb_is_not_given_out(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    for size in (20 * MIB + 1, 4_000_000_000):
        video = sandbox.send_content(bot.id, kind="video", size=size)["message"]["video"]
        assert video["file_size"] == size
        words = await api.refusal(bot, "getFile", file_id=video["file_id"])
        assert words == "Bad Request: file is too big"


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_and_types_are_taken_as_they_are(
    api: Api, sandbox: Sandbox, bot: SandboxBot, name: str
) -> None:
    sent = sandbox.send_content(bot.id, kind="document", file_name=name, mime_type=name)
    (update,) = await api.result(bot, "getUpdates")
    assert update == sent
    document = update["message"]["document"]
    assert (document["file_name"], document["mime_type"]) == (name, name)
    path = (await api.result(bot, "getFile", file_id=document["file_id"]))["file_path"]
    assert path.removeprefix("documents/file_") in {"0", "0.exe", "0.html"}
    assert len(await api.download(bot, document["file_id"])) == document["file_size"]


def test_a_file_without_a_name_has_none(sandbox: Sandbox, bot: SandboxBot) -> None:
    message = sandbox.send_content(bot.id, kind="animation")["message"]
    assert "file_name" not in message["animation"].keys() | message["document"].keys()
    assert message["document"]["mime_type"] == "video/mp4"


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("video", {"duration": 90, "width": 12}),
        ("sticker", {"emoji": "😀", "is_video": True, "set_name": "cats"}),
        ("contact", {"phone_number": "+49 1", "user_id": 5}),
        ("location", {"latitude": -1.5, "live_period": 600}),
        ("venue", {"title": "Bar"}),
        ("dice", {"emoji": "🎯", "value": 6}),
        ("poll", {"question": "Why?", "type": "quiz"}),
    ],
)
def test_details_are_fields_of_the_content(
    sandbox: Sandbox, bot: SandboxBot, kind: str, details: dict[str, Any]
) -> None:
    message = sandbox.send_content(bot.id, kind=kind, details=details)["message"]
    assert details.items() <= message[kind].items()


async def test_details_may_have_any_name(api: Api, bot: SandboxBot) -> None:
    details = {"self": 1, "kind": 2, "upload": 3, "emoji": []}
    for kind in ("video", "dice", "contact"):
        fields = {"kind": kind, "details": details}
        _, update = await api.control("POST", "/bots/first_bot/contents", **fields)
        assert details.items() <= update["message"][kind].items()


def test_the_options_of_a_poll_can_be_named(sandbox: Sandbox, bot: SandboxBot) -> None:
    poll = sandbox.send_content(bot.id, kind="poll", details={"options": ["a", "b", "c"]})
    assert [one["text"] for one in poll["message"]["poll"]["options"]] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", KNOWN)
async def test_a_content_of_any_kind_is_copied(
    api: Api, sandbox: Sandbox, bot: SandboxBot, kind: str
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=8)
    caption = {"caption": "x"} if kind in CAPTIONED else {}
    source = sandbox.send_content(bot.id, kind=kind, chat_id=-7, **caption)["message"]
    where = {"chat_id": 8, "from_chat_id": -7, "message_id": source["message_id"]}
    await api.result(bot, "copyMessage", **where)
    copied = sandbox.sent(bot.id)[-1].message
    own = {"message_id", "chat", "from", "date"}
    assert {name: copied[name] for name in copied.keys() - own} == {
        name: source[name] for name in source.keys() - own
    }


async def test_what_nobody_knows_is_not_copied(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_content(bot.id, kind="other", chat_id=7, gift_basket={})
    where = {"chat_id": 7, "from_chat_id": 7, "message_id": 1}
    words = await api.refusal(bot, "copyMessage", **where)
    assert words == "Bad Request: message can't be copied"


async def test_a_text_has_the_entities_that_are_given(api: Api, bot: SandboxBot) -> None:
    bold = [{"type": "bold", "offset": 0, "length": 2}]
    path = "/bots/first_bot/contents"
    _, update = await api.control("POST", path, kind="text", text="hi /you", entities=bold)
    assert update["message"]["entities"] == bold


async def test_a_message_may_have_content_that_nobody_knows(
    api: Api, bot: SandboxBot, ptb: Bot
) -> None:
    basket = {"fruits": ["apple"], "weight": 1.5}
    path = "/bots/first_bot/contents"
    await api.control("POST", path, kind="other", gift_basket=basket)
    (update,) = await ptb.get_updates()
    assert update.message is not None
    assert update.message.api_kwargs == {"gift_basket": basket}


@pytest.mark.parametrize("content", [{"id": 1}, [1], "x", None, True])
async def test_an_update_may_be_of_a_type_that_nobody_knows(
    api: Api, sandbox: Sandbox, bot: SandboxBot, content: object
) -> None:
    await api.result(bot, "getUpdates", allowed_updates=["message"])
    path = "/bots/first_bot/updates"
    status, update = await api.control("POST", path, kind="basket_opened", content=content)
    assert status == 201
    assert await api.result(bot, "getUpdates") == [update]
    assert update["basket_opened"] == content
    assert [one.kind for one in sandbox.received(bot.id)] == ["basket_opened"]


async def test_an_update_of_a_known_type_comes_only_to_bots_that_take_it(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_update(bot.id, kind="message_reaction_count", content={"chat": {"id": -7}})
    assert await api.result(bot, "getUpdates") == []


async def test_a_person_is_known_once_something_was_told_of_them(
    sandbox: Sandbox, bot: SandboxBot
) -> None:
    told = {"first_name": "Bo", "last_name": "Li", "username": "boli", "language_code": "de"}
    sandbox.send_message(bot.id, text="hi", chat_id=7, **told, is_premium=True)
    sender = sandbox.send_content(bot.id, kind="photo", chat_id=-7, user_id=7)["message"]["from"]
    assert sender == {"id": 7, "is_bot": False, "is_premium": True, **told}
    chat = sandbox.send_message(bot.id, text="hi", chat_id=7, username="bo2")["message"]["chat"]
    assert (chat["username"], chat["last_name"]) == ("bo2", "Li")


@pytest.mark.parametrize("chat_id", CHATS)
def test_a_message_may_reply_to_another(sandbox: Sandbox, bot: SandboxBot, chat_id: int) -> None:
    first = sandbox.send_message(bot.id, text="one", chat_id=chat_id)["message"]
    reply = sandbox.send_content(
        bot.id, kind="voice", chat_id=chat_id, reply_to_message_id=first["message_id"]
    )
    assert reply["message"]["reply_to_message"] == first
    assert "reply_to_message_id" not in reply["message"]


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({}, 400, "kind"),
        ({"kind": "fire"}, 400, "kind"),
        ({"kind": "photo", "base64": "?"}, 400, "base64"),
        ({"kind": "photo", "base64": "aGk=", "size": 5}, 400, "size"),
        ({"kind": "photo", "size": -1}, 400, "size"),
        ({"kind": "photo", "file_name": "x"}, 400, "file_name"),
        ({"kind": "voice", "file_name": "x"}, 400, "file_name"),
        ({"kind": "sticker", "mime_type": "x"}, 400, "mime_type"),
        ({"kind": "contact", "size": 5}, 400, "size"),
        ({"kind": "text", "text": "x", "details": {"a": 1}}, 400, "details"),
        ({"kind": "video", "details": []}, 400, "details"),
        ({"kind": "poll", "details": {"options": 5}}, 400, "details"),
        ({"kind": "photo", "chat_id": 0}, 400, "chat_id"),
        ({"kind": "photo", "from": 5}, 400, "from"),
        ({"kind": "photo", "bot_id": 5}, 400, "bot_id"),
        ({"kind": "photo", "data": "x"}, 400, "data"),
        ({"kind": "photo", "message_thread_id": 5}, 400, "message_thread_id"),
        ({"kind": "photo", "reply_to_message_id": 5}, 404, "reply_to_message_id"),
    ],
)
async def test_a_mistake_is_answered_with_the_field(
    api: Api, bot: SandboxBot, fields: dict[str, Any], status: int, field: str
) -> None:
    got, answer = await api.control("POST", "/bots/first_bot/contents", **fields)
    assert (got, answer["field"]) == (status, field), answer


@pytest.mark.parametrize("kind", sorted(set(KNOWN) - CAPTIONED))
def test_a_caption_is_refused_where_telegram_has_none(
    sandbox: Sandbox, bot: SandboxBot, kind: str
) -> None:
    with pytest.raises(InvalidValue, match=f"caption is not for {kind}"):
        sandbox.send_content(bot.id, kind=kind, caption="x")
