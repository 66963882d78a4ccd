"""Pins, reactions, getChat, getChatMember, and what every method says of a chat it cannot use."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api
from telegram.constants import ReactionEmoji

from sandbox import Sandbox, SandboxBot
from sandbox.reactions import EMOJI

THUMB = {"type": "emoji", "emoji": "👍"}

pytestmark = pytest.mark.usefixtures("chat_id")


async def test_a_pinned_message_is_told(api: Api, bot: SandboxBot) -> None:
    assert await api.result(bot, "pinChatMessage", chat_id=7, message_id=1) is True
    chat = await api.result(bot, "getChat", chat_id=7)
    assert chat["pinned_message"]["message_id"] == 1
    *_, update = await api.result(bot, "getUpdates")
    assert update["message"]["pinned_message"]["text"] == "hi"


async def test_the_last_pinned_message_is_unpinned_first(api: Api, bot: SandboxBot) -> None:
    second = (await api.result(bot, "sendMessage", chat_id=7, text="x"))["message_id"]
    for message_id in (1, second):
        await api.result(bot, "pinChatMessage", chat_id=7, message_id=message_id)
    assert await api.result(bot, "unpinChatMessage", chat_id=7) is True
    chat = await api.result(bot, "getChat", chat_id=7)
    assert chat["pinned_message"]["message_id"] == 1
    await api.result(bot, "unpinChatMessage", chat_id=7, message_id=1)
    assert "pinned_message" not in await api.result(bot, "getChat", chat_id=7)
    words = await api.refusal(bot, "unpinChatMessage", chat_id=7)
    assert words == "Bad Request: message to unpin not found"


async def test_a_deleted_message_is_not_pinned_any_more(api: Api, bot: SandboxBot) -> None:
    await api.result(bot, "pinChatMessage", chat_id=7, message_id=1)
    await api.result(bot, "deleteMessage", chat_id=7, message_id=1)
    assert "pinned_message" not in await api.result(bot, "getChat", chat_id=7)


async def test_what_cannot_be_pinned_is_refused(api: Api, bot: SandboxBot) -> None:
    await api.result(bot, "pinChatMessage", chat_id=7, message_id=1)
    for message_id, words in (
        (99, "message to pin not found"),
        (None, "message to pin not found"),
        (2, "message can't be pinned"),
    ):
        got = await api.refusal(bot, "pinChatMessage", chat_id=7, message_id=message_id)
        assert got == f"Bad Request: {words}"
    words = await api.refusal(bot, "unpinChatMessage", chat_id=7, message_id=99)
    assert words == "Bad Request: message to unpin not found"


@pytest.mark.parametrize("reaction", [[THUMB], [], None, '[{"type": "emoji", "emoji": "❤️"}]'])
async def test_a_reaction_is_set_or_taken_back(api: Api, bot: SandboxBot, reaction: Any) -> None:
    params = {"chat_id": 7, "message_id": 1, "reaction": reaction}
    assert await api.result(bot, "setMessageReaction", **params) is True


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"message_id": 99}, "message to react not found"),
        ({"message_id": 1, "reaction": "["}, "can't parse reaction types JSON object"),
        ({"message_id": 1, "reaction": {}}, "expected an Array of ReactionType"),
        ({"message_id": 1, "reaction": ["👍"]}, "can't parse ReactionType: expected an Object"),
        (
            {"message_id": 1, "reaction": [{"type": "paid"}]},
            "can't parse ReactionType: invalid reaction type specified",
        ),
        (
            {"message_id": 1, "reaction": [{"type": "emoji"}]},
            "can't parse ReactionType: Can't find field \"emoji\"",
        ),
        ({"message_id": 1, "reaction": [THUMB, THUMB]}, "REACTIONS_TOO_MANY"),
        ({"message_id": 1, "reaction": [{"type": "emoji", "emoji": "🚗"}]}, "REACTION_INVALID"),
    ],
)
async def test_a_wrong_reaction_is_refused(
    api: Api, bot: SandboxBot, params: dict[str, Any], words: str
) -> None:
    got = await api.refusal(bot, "setMessageReaction", chat_id=7, **params)
    assert got == f"Bad Request: {words}"


def test_the_reactions_are_those_of_telegram() -> None:
    assert {emoji.value.replace("\ufe0f", "") for emoji in ReactionEmoji} == EMOJI


async def test_who_wrote_is_a_member_and_so_is_the_bot(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    for user_id, name in ((21, "Bo"), (22, "Cy")):
        sandbox.send_message(bot.id, text="x", chat_id=-5, user_id=user_id, first_name=name)
    for user_id, name in ((21, "Bo"), (22, "Cy"), (bot.id, bot.first_name)):
        member = await api.result(bot, "getChatMember", chat_id=-5, user_id=user_id)
        assert (member["status"], member["user"]["first_name"]) == ("member", name)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"chat_id": 7}, "invalid user_id specified"),
        ({"chat_id": 7, "user_id": -1}, "invalid user_id specified"),
        ({"chat_id": 7, "user_id": 8}, "member not found"),
        ({"chat_id": 9, "user_id": 7}, "chat not found"),
    ],
)
async def test_a_member_who_is_not_there_is_refused(
    api: Api, bot: SandboxBot, params: dict[str, Any], words: str
) -> None:
    got = await api.refusal(bot, "getChatMember", **params)
    assert got == f"Bad Request: {words}"


WRITING = [
    ("sendDice", {}),
    ("sendLocation", {"latitude": 1, "longitude": 1}),
    ("sendVenue", {"latitude": 1, "longitude": 1, "title": "a", "address": "b"}),
    ("sendContact", {"phone_number": "1", "first_name": "a"}),
    ("sendPoll", {"question": "a", "options": ["b"]}),
    ("sendMediaGroup", {"media": [{"type": "photo", "media": "https://example.org/a.jpg"}]}),
    ("sendSticker", {"sticker": "https://example.org/a.webp"}),
    ("sendVoice", {"voice": "https://example.org/a.ogg"}),
    ("sendAudio", {"audio": "https://example.org/a.mp3"}),
    ("sendVideo", {"video": "https://example.org/a.mp4"}),
    ("sendAnimation", {"animation": "https://example.org/a.gif"}),
    ("forwardMessage", {"from_chat_id": 7, "message_id": 1}),
    ("copyMessage", {"from_chat_id": 7, "message_id": 1}),
    ("editMessageCaption", {"message_id": 1, "caption": "x"}),
    ("setMessageReaction", {"message_id": 1, "reaction": [THUMB]}),
    ("pinChatMessage", {"message_id": 1}),
    ("unpinChatMessage", {"message_id": 1}),
]


@pytest.mark.parametrize(("method", "params"), WRITING)
async def test_a_chat_that_cannot_be_written_to_is_told(
    api: Api, sandbox: Sandbox, bot: SandboxBot, method: str, params: dict[str, Any]
) -> None:
    sandbox.send_message(bot.id, text="x", chat_id=-5)
    sandbox.block(bot.id, 7)
    sandbox.block(bot.id, -5)
    sent = len(sandbox.sent(bot.id))
    assert await api.refusal(bot, method, **params) == "Bad Request: chat_id is empty"
    for chat_id, code, words in (
        (9, 400, "Bad Request: chat not found"),
        (7, 403, "Forbidden: bot was blocked by the user"),
        (-5, 403, "Forbidden: bot was kicked from the group chat"),
    ):
        answer = await api.call(bot, method, chat_id=chat_id, **params)
        assert (answer["error_code"], answer["description"]) == (code, words)
    assert len(sandbox.sent(bot.id)) == sent


async def test_a_blocked_private_chat_can_be_asked_for(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.block(bot.id, 7)
    assert (await api.result(bot, "getChat", chat_id=7))["id"] == 7
    assert (await api.result(bot, "getChatMember", chat_id=7, user_id=7))["user"]["id"] == 7
