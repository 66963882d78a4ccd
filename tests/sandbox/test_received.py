"""The record of what people did, beside that of what the bot sent."""

from __future__ import annotations

import time

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot, received
from sandbox.received import Inbox

SUPERGROUP = -(10**12) - 7


async def test_everything_that_people_did_is_listed_in_order(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    before = time.time()
    updates = [
        sandbox.send_content(bot.id, kind="photo", chat_id=chat_id),
        *sandbox.send_album(bot.id, items=[{"kind": "document"}] * 2, chat_id=chat_id),
        sandbox.edit_message(bot.id, chat_id=chat_id, message_id=1, text="new"),
        sandbox.press_button(bot.id, chat_id=chat_id, message_id=1, data="x"),
        sandbox.react(bot.id, chat_id=chat_id, message_id=1, reaction=["👍"]),
        sandbox.block(bot.id, chat_id),
        sandbox.send_update(bot.id, kind="unknown", content=5),
    ]
    listed = sandbox.received(bot.id, after=1)
    assert [one.update for one in listed] == updates
    assert [one.seq for one in listed] == list(range(2, len(updates) + 2))
    assert [one.chat_id for one in listed] == [chat_id] * (len(updates) - 1) + [None]
    assert [one.kind for one in listed][-3:] == ["message_reaction", "my_chat_member", "unknown"]
    assert before <= listed[0].time <= listed[-1].time <= time.time()


async def test_both_sides_of_one_chat_can_be_listed(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    for chat_id in (7, -7, SUPERGROUP):
        for text in ("one", "two"):
            sandbox.send_message(bot.id, text=text, chat_id=chat_id)
            await api.result(bot, "sendMessage", chat_id=chat_id, text=f"{text} of {chat_id}")
    for chat_id in (7, -7, SUPERGROUP):
        _, people = await api.control("GET", f"/bots/first_bot/received?chat_id={chat_id}")
        _, sent = await api.control("GET", f"/bots/first_bot/sent?chat_id={chat_id}")
        assert [one["update"]["message"]["message_id"] for one in people] == [1, 3]
        assert {one["chat_id"] for one in people} == {chat_id}
        assert [one["message_id"] for one in sent] == [2, 4]
        assert [one["text"] for one in sent] == [f"one of {chat_id}", f"two of {chat_id}"]


async def test_the_list_comes_in_pages(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    for number in range(5):
        sandbox.send_message(bot.id, text=str(number), chat_id=7)
        sandbox.send_message(bot.id, text="elsewhere", chat_id=8)
    read, after = [], 0
    path = "/bots/first_bot/received?chat_id=7&limit=2"
    while page := (await api.control("GET", f"{path}&after={after}"))[1]:
        after = page[-1]["seq"]
        read += page
    assert [one["update"]["message"]["text"] for one in read] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("query", ["chat_id=x", "chat_id=--5", "chat_id=" + "9" * 30, "after=-1"])
@pytest.mark.parametrize("path", ["received", "sent"])
async def test_a_query_that_is_no_number_is_refused(
    api: Api, bot: SandboxBot, path: str, query: str
) -> None:
    status, answer = await api.control("GET", f"/bots/first_bot/{path}?{query}")
    assert (status, answer["field"]) == (400, query.partition("=")[0])


def test_what_people_did_stays_as_it_was(sandbox: Sandbox, bot: SandboxBot, chat_id: int) -> None:
    sandbox.edit_message(bot.id, chat_id=chat_id, message_id=1, text="new")
    first, second = sandbox.received(bot.id)
    assert first.update["message"]["text"] == "hi"
    assert second.update["edited_message"]["text"] == "new"


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "KEPT_RECEIVED", 3)
    inbox = Inbox()
    for number in range(5):
        inbox.add({"update_id": number, "x": {}})
    assert [one.seq for one in inbox.received()] == [3, 4, 5]
    assert [one.seq for one in inbox.received(after=4)] == [5]
