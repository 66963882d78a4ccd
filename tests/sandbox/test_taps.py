"""Taps on buttons by what they show, and what the bot answers to them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.sandbox_client import Api, until

from sandbox import InvalidValue, Sandbox, SandboxBot, UnknownChat

TAPS = "/bots/first_bot/taps"


def inline(*texts: str, **button: str) -> dict[str, Any]:
    """A markup with a row for each button; its data is its text unless something else is given."""
    rows = [[{"text": text, **(button or {"callback_data": text.lower()})}] for text in texts]
    return {"inline_keyboard": rows}


async def shows(api: Api, bot: SandboxBot, chat_id: int, markup: dict[str, Any]) -> int:
    """Send a message with a markup; its id."""
    sent = await api.result(bot, "sendMessage", chat_id=chat_id, text="?", reply_markup=markup)
    return int(sent["message_id"])


async def test_the_last_message_with_the_button_is_tapped(
    api: Api, bot: SandboxBot, chat_id: int
) -> None:
    first = await shows(api, bot, chat_id, inline("Yes", "No"))
    second = await shows(api, bot, chat_id, inline("Maybe", "No"))
    for fields, message_id, data in (
        ({"text": "No"}, second, "no"),
        ({"text": "Yes"}, first, "yes"),
        ({"text": "No", "older": 1}, first, "no"),
    ):
        status, tapped = await api.control("POST", TAPS, chat_id=chat_id, **fields)
        query = tapped["update"]["callback_query"]
        assert (status, tapped["answer"]) == (201, None)
        assert (query["message"]["message_id"], query["data"]) == (message_id, data)
        assert query["from"]["id"] == chat_id


async def test_a_tap_waits_for_what_the_bot_answers(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    await shows(api, bot, chat_id, inline("Yes"))
    for fields, answer in (({"text": "This menu is old."}, "This menu is old."), ({}, "")):
        known = len(sandbox.received(bot.id))
        tapping = asyncio.create_task(
            api.control("POST", f"{TAPS}?wait=30", text="Yes", chat_id=chat_id)
        )
        await until(lambda known=known: len(sandbox.received(bot.id)) > known)
        query = sandbox.received(bot.id)[-1].update["callback_query"]
        await api.result(bot, "answerCallbackQuery", callback_query_id=query["id"], **fields)
        assert (await tapping)[1]["answer"] == answer


async def test_a_tap_waits_for_its_button(api: Api, bot: SandboxBot, chat_id: int) -> None:
    tapping = asyncio.create_task(
        api.control("POST", f"{TAPS}?wait=30", text="Skip", chat_id=chat_id)
    )
    await shows(api, bot, chat_id, inline("Yes"))
    await shows(api, bot, chat_id, {"keyboard": [["Skip"]]})
    status, tapped = await tapping
    assert (status, tapped["update"]["message"]["text"]) == (201, "Skip")
    _, answer = await api.control("POST", f"{TAPS}?wait=0.05", text="No", chat_id=chat_id)
    assert answer["field"] == "text"


async def test_a_tap_that_nobody_answers_says_so(api: Api, bot: SandboxBot, chat_id: int) -> None:
    await shows(api, bot, chat_id, inline("Yes"))
    _, tapped = await api.control("POST", f"{TAPS}?wait=0.05", text="Yes", chat_id=chat_id)
    assert tapped["answer"] is None


async def test_a_client_that_went_away_does_not_wait_for_an_answer(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    await shows(api, bot, chat_id, inline("Yes"))
    before = asyncio.all_tasks()
    tapping = asyncio.create_task(
        api.control("POST", f"{TAPS}?wait=50", text="Yes", chat_id=chat_id)
    )
    await until(lambda: bool(bot.queries))
    tapping.cancel()
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_key_of_the_keyboard_sends_what_it_stands_for(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    keys = [
        [{"text": "Send my phone number", "request_contact": True}],
        [{"text": "Send my location", "request_location": True}, "Skip"],
    ]
    await shows(api, bot, chat_id, inline("Skip"))  # the key is later, and is what the user means
    await shows(api, bot, chat_id, {"keyboard": keys})
    _, shared = await api.control("POST", TAPS, text="Send my phone number", chat_id=chat_id)
    contact = shared["update"]["message"]["contact"]
    assert contact == {"phone_number": "+15550100", "first_name": "Ann", "user_id": chat_id}
    assert "location" in sandbox.tap_button(bot.id, text="Send my location", chat_id=7)["message"]
    assert sandbox.tap_button(bot.id, text="Skip", chat_id=chat_id)["message"]["text"] == "Skip"
    await shows(api, bot, chat_id, {"remove_keyboard": True})
    assert "callback_query" in sandbox.tap_button(bot.id, text="Skip", chat_id=chat_id)


async def test_a_button_that_is_not_there_is_told_with_those_that_are(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    with pytest.raises(UnknownChat):
        sandbox.tap_button(bot.id, text="Yes", chat_id=8)
    with pytest.raises(InvalidValue, match="the bot shows none in chat 7"):
        sandbox.tap_button(bot.id, text="Yes", chat_id=chat_id)
    await shows(api, bot, chat_id, inline("Delivery", "Payment"))
    status, answer = await api.control("POST", TAPS, text="delivery", chat_id=chat_id)
    listed = 'its buttons, the latest first: "Delivery", "Payment"'
    assert (status, answer["field"]) == (400, "text")
    assert answer["error"] == f"text names no button of chat 7; {listed}"
    with pytest.raises(InvalidValue, match="older must be below 1"):
        sandbox.tap_button(bot.id, text="Payment", chat_id=chat_id, older=1)
    await shows(api, bot, chat_id, inline("Site", url="https://example.com"))
    with pytest.raises(InvalidValue, match="of which the bot is not told"):
        sandbox.tap_button(bot.id, text="Site", chat_id=chat_id)


async def test_in_a_group_somebody_is_named(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=-7, user_id=5)
    await shows(api, bot, -7, inline("Yes"))
    update = sandbox.tap_button(bot.id, text="Yes", chat_id=-7, user_id=6)
    assert update["callback_query"]["from"]["id"] == 6
