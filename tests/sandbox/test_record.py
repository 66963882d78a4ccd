"""The record of what a bot sent: in order, in pages, and cheap."""

from __future__ import annotations

import asyncio
import time

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot, records
from sandbox.sending import put

pytestmark = pytest.mark.usefixtures("chat_id")


async def test_each_send_is_listed_with_its_place_text_and_time(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    before = time.monotonic()
    await api.result(bot, "sendMessage", chat_id=7, text="one")
    await api.result(bot, "sendPhoto", chat_id=7, photo="https://example.org/a", caption="two")
    await api.result(bot, "sendDice", chat_id=7)
    listed = sandbox.sent(bot.id)
    assert [
        (sent.seq, sent.method, sent.chat_id, sent.message_id, sent.text) for sent in listed
    ] == [
        (1, "sendMessage", 7, 2, "one"),
        (2, "sendPhoto", 7, 3, "two"),
        (3, "sendDice", 7, 4, None),
    ]
    times = [before, *(sent.monotonic for sent in listed), time.monotonic()]
    assert times == sorted(times)


async def test_a_refused_send_is_not_listed(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    await api.refusal(bot, "sendMessage", chat_id=7)
    assert sandbox.sent(bot.id) == []


async def test_the_time_is_by_the_clock_of_the_sandbox() -> None:
    sandbox = Sandbox(clock=lambda: 5.5)
    bot = sandbox.add_bot()
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    put(bot, "sendMessage", bot.chat(7), {"text": "x"}, None)
    assert sandbox.sent(bot.id)[0].monotonic == 5.5


async def test_an_edit_shows_in_the_message_that_was_edited(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    for text in ("one", "two"):
        await api.result(bot, "sendMessage", chat_id=7, text=text)
    for text in ("three", "four"):
        await api.result(bot, "editMessageText", chat_id=7, message_id=2, text=text)
    listed = sandbox.sent(bot.id)
    assert [(sent.method, sent.text, sent.present_text, sent.edits) for sent in listed] == [
        ("sendMessage", "one", "four", 2),
        ("sendMessage", "two", "two", 0),
        ("editMessageText", "three", "four", 2),
        ("editMessageText", "four", "four", 2),
    ]
    assert not any(sent.deleted for sent in listed)


async def test_a_deletion_shows_in_the_message_that_was_deleted(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    for text in ("one", "two"):
        await api.result(bot, "sendMessage", chat_id=7, text=text)
    await api.result(bot, "deleteMessage", chat_id=7, message_id=2)
    listed = [(sent.text, sent.present_text, sent.deleted) for sent in sandbox.sent(bot.id)]
    assert listed == [("one", None, True), ("two", "two", False)]


async def test_the_control_api_gives_pages(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    for number in range(5):
        await api.result(bot, "sendMessage", chat_id=7, text=str(number))
    await api.result(bot, "editMessageText", chat_id=7, message_id=2, text="new")
    read, after = [], 0
    while page := (await api.control("GET", f"/bots/first_bot/sent?after={after}&limit=2"))[1]:
        assert len(page) == 2
        after = page[-1]["seq"]
        read += page
    assert [sent["text"] for sent in read] == ["0", "1", "2", "3", "4", "new"]
    first, recorded = read[0], sandbox.sent(bot.id)[0]
    assert (first["present_text"], first["edits"], first["deleted"]) == ("new", 1, False)
    assert (first["message_id"], first["monotonic"]) == (2, recorded.monotonic)


async def test_a_page_can_wait_for_its_first_message(api: Api, bot: SandboxBot) -> None:
    waiting = asyncio.create_task(api.control("GET", "/bots/first_bot/sent?wait=10&limit=1"))
    await api.result(bot, "sendMessage", chat_id=7, text="x")
    assert [sent["text"] for sent in (await waiting)[1]] == ["x"]


@pytest.mark.parametrize("query", ["after=x", "limit=-1", "limit=1.5", "after=" + "9" * 30])
async def test_a_page_that_is_no_number_is_refused(api: Api, bot: SandboxBot, query: str) -> None:
    status, answer = await api.control("GET", f"/bots/first_bot/sent?{query}")
    assert (status, answer["field"]) == (400, query.partition("=")[0])


async def test_30_000_messages_are_kept_in_order(sandbox: Sandbox, bot: SandboxBot) -> None:
    for number in range(30_000):
        put(bot, "sendMessage", bot.chat(7), {"text": str(number)}, None)
    assert [sent.text for sent in sandbox.sent(bot.id)] == [str(n) for n in range(30_000)]
    (page,) = sandbox.sent(bot.id, after=20_000, limit=1)
    assert (page.seq, page.text) == (20_001, "20000")
    assert sandbox.sent(bot.id, after=30_000) == []


async def test_the_oldest_messages_are_forgotten(
    sandbox: Sandbox, bot: SandboxBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "KEPT_SENT", 3)
    for number in range(5):
        put(bot, "sendMessage", bot.chat(7), {"text": str(number)}, None)
    assert [sent.seq for sent in sandbox.sent(bot.id)] == [3, 4, 5]
    assert [sent.seq for sent in sandbox.sent(bot.id, after=1, limit=1)] == [3]
    assert [sent.seq for sent in sandbox.sent(bot.id, after=4)] == [5]
    assert len(bot.journal._present) == 3
