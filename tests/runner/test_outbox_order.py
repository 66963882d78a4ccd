"""Messages are sent in order in each lane of a chat, and chats do not hold each other up."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from support.client import DEADLINE, UNLIMITED, Client, until
from support.office import Office, album, handle, message, receive, update_of
from telegram.error import BadRequest, NetworkError, RetryAfter

from models.messaging.marks import Flush, Result
from models.messaging.messages import Lane
from runner import group_commit
from runner.settings import Limit
from runner.telegram.answers import Unavailable
from runner.telegram.connection_errors import NotSent
from sandbox import Sandbox
from server.app import Botyard


async def test_a_chat_and_lane_keep_their_order_whatever_fails(office: Office) -> None:
    texts = [f"{number:02}" for number in range(40)]
    for number, text in enumerate(texts):
        error = [BadRequest("no"), NetworkError("lost"), Unavailable("500"), NotSent("no")][
            number % 4
        ]
        if number % 3 == 0:
            office.telegram.script[text].append(error)
    await office.insert(*texts)
    await office.begin()
    await office.until_done()
    assert list(dict.fromkeys(office.telegram.calls)) == texts


async def test_a_message_waits_until_what_came_of_the_last_is_on_the_disk(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, disk = group_commit.flush, threading.Event()

    def slow(waiting: Flush) -> Any:
        if any(isinstance(mark, Result) for mark in waiting.marks):
            disk.wait(DEADLINE)
        return flush(waiting)

    monkeypatch.setattr(group_commit, "flush", slow)
    await office.insert("one", "two", chat=7)
    await office.insert("operator's", chat=7, lane=Lane.OPERATOR)
    await office.insert("elsewhere", chat=8)
    await office.begin()
    await until(lambda: len(office.telegram.calls) == 2, "the first of each chat")
    await asyncio.sleep(0.1)  # nothing more comes
    assert sorted(office.telegram.calls) == ["elsewhere", "one"]
    assert {state for state, _ in await office.states()} == {"sending", "queued"}
    disk.set()
    await office.until_done()
    assert office.telegram.calls.index("one") < office.telegram.calls.index("two")


async def test_a_call_that_hangs_holds_up_no_other_chat(office: Office) -> None:
    go_on = asyncio.Event()
    office.telegram.script["hanging"].append(go_on)
    await office.insert("hanging", "behind it", chat=7)
    await office.insert("elsewhere", chat=8)
    await office.begin()
    await until(lambda: len(office.telegram.calls) == 2, "the first of each chat")
    assert set(office.telegram.calls) == {"hanging", "elsewhere"}
    go_on.set()
    await office.until_done()
    assert office.telegram.calls[-1] == "behind it"


async def test_a_429_stops_its_chat_alone(office: Office) -> None:
    office.telegram.script["flood"].append(RetryAfter(1))
    await office.insert("flood", "behind it", chat=7)
    await office.insert(*(str(number) for number in range(20)), chat=8)
    loop, begun = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    await office.begin()
    await until(lambda: "19" in office.telegram.calls, "the other chat")
    assert loop.time() - begun < 1
    await office.until_done()
    assert loop.time() - begun >= 1
    assert [text for text in office.telegram.calls if not text.isdigit()] == [
        "flood",
        "flood",
        "behind it",
    ]


async def test_better_lanes_overtake(office: Office) -> None:
    for chat in range(1, 31):
        await office.insert(f"broadcast {chat}", lane=Lane.BROADCAST, chat=chat)
    outbox = await office.begin(limits=replace(UNLIMITED, bot=Limit(0.03, 1)))
    await until(lambda: len(office.telegram.calls) > 2, "the broadcast's begin")
    outbox.put(await office.insert("operator", lane=Lane.OPERATOR, chat=50))
    outbox.put(await office.insert("dialog", lane=Lane.DIALOG, chat=51))
    await office.until_done()
    calls = office.telegram.calls
    assert sorted(calls) == sorted(set(calls))
    assert calls.index("dialog") < 15
    assert calls.index("operator") < 15


async def test_an_album_is_one_call_and_as_many_rows_as_it_has_messages(office: Office) -> None:
    updates = [update_of(number, chat) for number, chat in ((1, 7), (2, 8), (3, 9))]
    await receive(office, *updates)
    marks = [  # in one commit
        handle(office, updates[0], message(7, "before"), album(7, 3), message(7, "after")),
        handle(office, updates[1], album(8, 2)),
        handle(office, updates[2], message(9, "nine")),
    ]
    office.journal.flush_now()
    ids = await asyncio.gather(*marks)
    assert [len(numbers) for numbers in ids] == [5, 2, 1]
    await office.begin()
    await office.until_done()
    assert sorted(office.telegram.calls) == sorted(
        ["before", "sendMediaGroup", "after", "sendMediaGroup", "nine"]
    )
    by_chat = defaultdict(list)
    for row in await office.rows():
        by_chat[row.chat_id].append(row)
    assert [row.method for row in by_chat[7]] == [
        "sendMessage",
        "sendMediaGroup",
        "",
        "",
        "sendMessage",
    ]
    for album_rows in (by_chat[7][1:4], by_chat[8]):
        first = album_rows[0].telegram_id
        assert [row.telegram_id for row in album_rows] == [
            first + place for place in range(len(album_rows))
        ]
    assert {row.state for row in await office.rows()} == {"sent"}


async def test_a_message_costs_one_commit_before_its_answer_is_sent(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    write, flushes = botyard.services.db.write_as_owner, []

    async def counting(fn: Any, *args: Any, **options: Any) -> Any:
        if fn is group_commit.flush:
            flushes.append((args[0], len(telegram.sent(bot.id))))
        return await write(fn, *args, **options)

    monkeypatch.setattr(botyard.services.db, "write_as_owner", counting)
    telegram.send_message(bot.id, text="hello")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    (first, sent), *others = flushes
    assert [len(batch.handled) for batch in first.batches] == [1]
    assert sent == 0
    assert all(sent for _, sent in others)
