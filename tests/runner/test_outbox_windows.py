"""More messages than fit into memory: they are read in pages, each is sent once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.client import until
from support.office import Office

from models.messaging.messages import Lane, Message
from runner.sending.outbox import WINDOW


@pytest.mark.parametrize("lane", [Lane.BROADCAST, Lane.SERVICE])
async def test_a_long_lane_is_read_in_pages_and_sent_once_in_order(
    lane: Lane, office: Office
) -> None:
    chats, each = 10, 55
    for number in range(each):
        for chat in range(1, chats + 1):
            await office.insert(f"{chat}: {number:03}", lane=lane, chat=chat)
    outbox = await office.begin()
    window, largest = outbox._windows[lane], 0

    async def watch() -> None:
        nonlocal largest
        while True:
            largest = max(largest, window.size)
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch(), name="watching")
    try:
        later = await office.insert("1: last", lane=lane, chat=1)
        outbox.put(later)
        await office.until_done()
    finally:
        watching.cancel()
    assert largest <= WINDOW
    assert len(office.telegram.calls) == len(set(office.telegram.calls)) == chats * each + 1
    for chat in range(1, chats + 1):
        mine = [text for text in office.telegram.calls if text.startswith(f"{chat}: ")]
        assert mine == sorted(mine)
    await until(lambda: not outbox._ids, "the last outcome")


async def test_what_comes_while_a_lane_is_full_is_sent_after_it(office: Office) -> None:
    outbox = await office.begin()
    go_on = asyncio.Event()
    stored = await office.insert(*(f"{n:03}" for n in range(WINDOW + 150)), lane=Lane.SERVICE)
    office.telegram.script["000"].append(go_on)
    for begin in range(0, len(stored), 50):
        outbox.put(stored[begin : begin + 50])
    assert outbox._windows[Lane.SERVICE].size == WINDOW
    go_on.set()
    await office.until_done()
    assert office.telegram.calls == [f"{n:03}" for n in range(WINDOW + 150)]


async def test_messages_are_taken_in_whatever_order_they_come(office: Office) -> None:
    outbox = await office.begin()
    one = await office.insert("one", chat=7)
    two = await office.insert("two", chat=8)
    outbox.put(two)
    outbox.put(one)
    await office.until_done()
    assert sorted(office.telegram.calls) == ["one", "two"]


async def test_what_was_missed_below_the_last_one_read_is_read_as_well(office: Office) -> None:
    go_on = asyncio.Event()
    early = await office.insert("early", lane=Lane.SERVICE, chat=9, state="failed")
    texts = [f"{n:03}" for n in range(WINDOW + 100)]
    await office.insert(*texts, lane=Lane.SERVICE, chat=7)
    office.telegram.script["000"].append(go_on)
    outbox = await office.begin()
    # committed late, by another transaction that began before
    revive = Message.update(state="queued").where(Message.id == early[0].ids[0])
    await office.db.write(revive.execute)
    outbox.put(early)
    go_on.set()
    await office.until_done()
    assert sorted(office.telegram.calls) == [*texts, "early"]


@pytest.mark.parametrize("lane", Lane)
async def test_what_is_put_and_read_is_sent_once(
    lane: Lane, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, pending = office.open(), office.store.pending
    stored = await office.insert("read", "put", lane=lane)

    async def putting(*args: Any, **options: Any) -> Any:
        page = await pending(*args, **options)
        outbox.put(stored)
        stored.clear()  # once, or it is never read to the end
        return page

    monkeypatch.setattr(office.store, "pending", putting)
    await office.load(outbox)
    await office.until_done()
    assert office.telegram.calls == ["read", "put"]


async def test_many_messages_of_a_person_to_a_paused_chat_hold_up_no_other_chat(
    office: Office,
) -> None:
    outbox = office.open()
    office.context.pacer.pause(7, Lane.OPERATOR, 3600)  # as after a 429
    await office.insert(*(str(n) for n in range(WINDOW + 50)), lane=Lane.OPERATOR, chat=7)
    stored = await office.insert("stored", lane=Lane.OPERATOR, chat=8)
    await office.load(outbox)
    new = await office.insert("new", lane=Lane.OPERATOR, chat=9)
    outbox.put(new)
    await office.until_done(*stored, *new)
    assert sorted(office.telegram.calls) == ["new", "stored"]
