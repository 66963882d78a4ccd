"""Messages that the bot deletes, one or several, and those that are too old for it."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api
from telegram import Bot

from sandbox import Sandbox, SandboxBot, UnknownMessage

pytestmark = pytest.mark.usefixtures("chat_id")

HOUR = 3600
TOO_OLD = "Bad Request: message can't be deleted for everyone"


@pytest.fixture
async def sent(api: Api, bot: SandboxBot) -> list[int]:
    """The ids of three messages of the bot."""
    messages = [await api.result(bot, "sendMessage", chat_id=7, text=text) for text in "abc"]
    return [message["message_id"] for message in messages]


def left(sandbox: Sandbox, bot: SandboxBot) -> list[str | None]:
    """The texts of the bot's messages that are not deleted."""
    return [one.text for one in sandbox.sent(bot.id) if not one.deleted]


async def test_a_message_of_the_last_48_hours_can_be_deleted(
    api: Api, sandbox: Sandbox, bot: SandboxBot, sent: list[int]
) -> None:
    sandbox.age_message(bot.id, chat_id=7, message_id=sent[0], seconds=48 * HOUR - 60)
    sandbox.age_message(bot.id, chat_id=7, message_id=sent[1], seconds=48 * HOUR)
    assert await api.result(bot, "deleteMessage", chat_id=7, message_id=sent[0])
    assert await api.refusal(bot, "deleteMessage", chat_id=7, message_id=sent[1]) == TOO_OLD
    assert left(sandbox, bot) == ["b", "c"]


async def test_a_message_that_is_gone_cannot_be_edited(
    api: Api, bot: SandboxBot, sent: list[int]
) -> None:
    await api.result(bot, "deleteMessage", chat_id=7, message_id=sent[0])
    words = await api.refusal(bot, "editMessageText", chat_id=7, message_id=sent[0], text="x")
    assert words == "Bad Request: message to edit not found"


async def test_an_old_message_can_still_be_edited(
    api: Api, sandbox: Sandbox, bot: SandboxBot, sent: list[int]
) -> None:
    sandbox.age_message(bot.id, chat_id=7, message_id=sent[0], seconds=1000 * HOUR)
    first = sandbox.sent(bot.id)[0]
    assert first.present.message is not None
    assert first.present.message["date"] == first.message["date"] - 1000 * HOUR
    assert await api.result(bot, "editMessageText", chat_id=7, message_id=sent[0], text="x")
    assert sandbox.sent(bot.id)[0].present_text == "x"


async def test_a_dice_can_be_deleted_after_a_day(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    target = {
        "chat_id": 7,
        "message_id": (await api.result(bot, "sendDice", chat_id=7))["message_id"],
    }
    assert await api.refusal(bot, "deleteMessage", **target) == TOO_OLD
    sandbox.age_message(bot.id, **target, seconds=25 * HOUR)
    assert await api.result(bot, "deleteMessage", **target)


async def test_several_messages_are_deleted_and_those_not_found_skipped(
    api: Api, sandbox: Sandbox, bot: SandboxBot, sent: list[int]
) -> None:
    ids = [1, sent[0], 99, sent[2], sent[2]]
    assert await api.result(bot, "deleteMessages", chat_id=7, message_ids=ids)
    assert left(sandbox, bot) == ["b"]
    words = await api.refusal(bot, "deleteMessage", chat_id=7, message_id=sent[2])
    assert words == "Bad Request: message to delete not found"


async def test_no_message_is_deleted_when_one_is_too_old(
    api: Api, sandbox: Sandbox, bot: SandboxBot, sent: list[int]
) -> None:
    await api.control(
        "POST", "/bots/first_bot/age", chat_id=7, message_id=sent[1], seconds=48 * HOUR
    )
    assert await api.refusal(bot, "deleteMessages", chat_id=7, message_ids=sent) == TOO_OLD
    assert left(sandbox, bot) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "message identifiers are not specified"),
        ({"message_ids": []}, "message identifiers are not specified"),
        ({"message_ids": "["}, "can't parse message identifiers JSON object"),
        ({"message_ids": {}}, "expected an Array of message identifiers"),
        ({"message_ids": ["x"]}, "invalid message identifier specified"),
        ({"message_ids": list(range(1, 102))}, "too many message identifiers specified"),
    ],
)
async def test_identifiers_that_cannot_be_used_are_refused(
    api: Api, bot: SandboxBot, params: dict[str, Any], words: str
) -> None:
    got = await api.refusal(bot, "deleteMessages", chat_id=7, **params)
    assert got == f"Bad Request: {words}"


async def test_python_telegram_bot_deletes_several(
    ptb: Bot, sandbox: Sandbox, bot: SandboxBot, sent: list[int]
) -> None:
    assert await ptb.delete_messages(7, sent[:2])
    assert left(sandbox, bot) == ["c"]


def test_a_message_that_is_not_there_cannot_grow_older(sandbox: Sandbox, bot: SandboxBot) -> None:
    with pytest.raises(UnknownMessage):
        sandbox.age_message(bot.id, chat_id=7, message_id=99, seconds=1)
