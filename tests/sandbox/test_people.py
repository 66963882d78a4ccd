"""What people do beside sending: albums, edits, reactions, deep links."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api
from telegram import Bot

from sandbox import InvalidValue, Sandbox, SandboxBot, UnknownChat, UnknownMessage

THUMB = {"type": "emoji", "emoji": "👍"}
FIRE = {"type": "emoji", "emoji": "🔥"}
TAKES_REACTIONS = ["message", "message_reaction"]

# -- albums


@pytest.mark.parametrize("chat_id", [7, -7])
async def test_an_album_is_several_messages_of_one_group_in_order(
    api: Api, sandbox: Sandbox, bot: SandboxBot, ptb: Bot, chat_id: int
) -> None:
    items = [
        {"kind": "photo", "caption": "first"},
        {"kind": "video", "size": 30_000_000, "file_name": "v.mp4"},
        {"kind": "photo", "base64": "aGk="},
    ]
    path = "/bots/first_bot/albums"
    status, updates = await api.control("POST", path, items=items, chat_id=chat_id, user_id=5)
    assert status == 201
    seen = [update.message for update in await ptb.get_updates()]
    assert [update["message"]["message_id"] for update in updates] == [1, 2, 3]
    assert [message and message.message_id for message in seen] == [1, 2, 3]
    assert len({message and message.media_group_id for message in seen}) == 1
    assert updates[0]["message"]["caption"] == "first"
    assert updates[1]["message"]["video"]["file_size"] == 30_000_000
    last = updates[2]["message"]
    assert last["from"]["id"] == 5
    assert await api.download(bot, last["photo"][-1]["file_id"]) == b"hi"
    again = sandbox.send_album(bot.id, items=[{"kind": "audio"}] * 2, chat_id=chat_id)
    assert again[0]["message"]["media_group_id"] != last["media_group_id"]


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([{"kind": "photo"}], "items"),
        ([{"kind": "photo"}] * 11, "items"),
        ([{"kind": "photo"}, {"kind": "sticker"}], "items"),
        ([{"kind": "photo"}, {"kind": "document"}], "items"),
        ([{"kind": "photo"}, 5], "items"),
        ([{"kind": "photo"}, {}], "kind"),
        ([{"kind": "photo"}, {"kind": "photo", "size": -1}], "size"),
        ({}, "items"),
    ],
)
async def test_what_is_no_album_is_not_sent_at_all(
    api: Api, sandbox: Sandbox, bot: SandboxBot, items: Any, field: str
) -> None:
    status, answer = await api.control("POST", "/bots/first_bot/albums", items=items)
    assert (status, answer["field"]) == (400, field)
    assert sandbox.received(bot.id) == []


# -- edits


async def test_a_text_is_edited_with_its_entities(api: Api, bot: SandboxBot, chat_id: int) -> None:
    path, where = "/bots/first_bot/edits", {"chat_id": chat_id, "message_id": 1}
    bold = [{"type": "bold", "offset": 0, "length": 2}]
    for fields, wanted in (
        ({"text": "do /it"}, [{"type": "bot_command", "offset": 3, "length": 3}]),
        ({"text": "do it", "entities": bold}, bold),
        ({"text": "plain"}, None),
    ):
        status, update = await api.control("POST", path, **where, **fields)
        edited = update["edited_message"]
        assert (status, edited["text"], edited.get("entities")) == (201, fields["text"], wanted)
        assert edited["edit_date"] >= edited["date"]


async def test_a_caption_is_edited_and_taken_away(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    photo = sandbox.send_content(bot.id, kind="photo", chat_id=7, caption="old /one")["message"]
    path, where = "/bots/first_bot/edits", {"chat_id": 7, "message_id": 1}
    _, update = await api.control("POST", path, **where, caption="new")
    edited = update["edited_message"]
    assert (edited["caption"], edited["photo"]) == ("new", photo["photo"])
    assert "caption_entities" not in edited
    _, update = await api.control("POST", path, **where, caption="")
    assert "caption" not in update["edited_message"]
    assert [one.kind for one in sandbox.received(bot.id)] == ["message", *["edited_message"] * 2]


def test_a_live_location_moves(sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_content(bot.id, kind="location", chat_id=7, details={"live_period": 600})
    place = {"latitude": 1.5, "longitude": 2.5, "live_period": 600}
    update = sandbox.edit_message(bot.id, chat_id=7, message_id=1, location=place)
    assert update["edited_message"]["location"] == place


@pytest.mark.parametrize(
    "fields", [{}, {"text": ""}, {"caption": "x"}, {"message_id": 2, "text": "x"}]
)
async def test_what_cannot_be_edited_is_refused(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int, fields: dict[str, Any]
) -> None:
    await api.result(bot, "sendMessage", chat_id=chat_id, text="of the bot")
    with pytest.raises(InvalidValue):
        sandbox.edit_message(bot.id, **{"chat_id": chat_id, "message_id": 1, **fields})


# -- reactions


async def test_reactions_are_told_to_bots_that_ask_for_them(
    api: Api, sandbox: Sandbox, bot: SandboxBot, ptb: Bot, chat_id: int
) -> None:
    path, where = "/bots/first_bot/reactions", {"chat_id": chat_id, "message_id": 1}
    _, unasked = await api.control("POST", path, **where, reaction=["👍"])
    assert unasked["update_id"] is None
    await api.result(bot, "getUpdates", allowed_updates=TAKES_REACTIONS, offset=-1, limit=1)
    # What was asked for once stays so.
    await api.control("POST", path, **where, reaction=["🔥", THUMB])
    await api.control("POST", path, **where, reaction=[])
    _, first, second = await api.result(bot, "getUpdates")
    assert (
        first["message_reaction"].items()
        >= {
            "message_id": 1,
            "old_reaction": [THUMB],
            "new_reaction": [FIRE, THUMB],
        }.items()
    )
    assert first["message_reaction"]["user"]["id"] == chat_id
    assert second["message_reaction"]["old_reaction"] == [FIRE, THUMB]
    assert second["message_reaction"]["new_reaction"] == []
    *_, seen = await ptb.get_updates()
    assert seen.message_reaction is not None
    assert len(sandbox.received(bot.id)) == 4


async def test_people_react_each_for_themselves(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    await api.result(bot, "getUpdates", allowed_updates=TAKES_REACTIONS)
    sandbox.send_message(bot.id, text="hi", chat_id=-7)
    for user_id in (5, 6):
        update = sandbox.react(bot.id, chat_id=-7, message_id=1, reaction=["👍"], user_id=user_id)
        reaction = update["message_reaction"]
        assert (reaction["user"]["id"], reaction["old_reaction"]) == (user_id, [])


def test_there_must_be_something_to_react_to(
    sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    with pytest.raises(UnknownMessage):
        sandbox.react(bot.id, chat_id=chat_id, message_id=9, reaction=[])
    with pytest.raises(UnknownChat):
        sandbox.react(bot.id, chat_id=9, message_id=1, reaction=[])


# -- Start


@pytest.mark.parametrize(
    ("fields", "text"), [({}, "/start"), ({"payload": "ref_42-x"}, "/start ref_42-x")]
)
async def test_start_is_pressed_after_a_deep_link(
    api: Api, bot: SandboxBot, fields: dict[str, str], text: str
) -> None:
    status, update = await api.control("POST", "/bots/first_bot/starts", chat_id=7, **fields)
    assert (status, update["message"]["text"]) == (201, text)
    assert update["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


async def test_start_unblocks_the_bot(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    sandbox.block(bot.id, chat_id)
    sandbox.press_start(bot.id, chat_id=chat_id)
    kinds = [one.kind for one in sandbox.received(bot.id)]
    assert kinds == ["message", "my_chat_member", "my_chat_member", "message"]
    assert await api.result(bot, "sendMessage", chat_id=chat_id, text="x")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"payload": "a b"}, "payload"),
        ({"payload": "x" * 65}, "payload"),
        ({"chat_id": -7}, "chat_id"),
    ],
)
async def test_a_payload_that_telegram_refuses_is_refused(
    api: Api, bot: SandboxBot, fields: dict[str, Any], field: str
) -> None:
    status, answer = await api.control("POST", "/bots/first_bot/starts", **fields)
    assert (status, answer["field"]) == (400, field)
