"""Commits whose outcome is not known, and bots that are not the same any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.client import DEADLINE, until
from support.office import Office, album, handle, message, receive, update_of

from models.bots.tables import Bot
from models.errors import StorageUnavailable
from models.messaging.messages import Lane
from models.messaging.resumption import resume
from runner import group_commit


async def test_messages_that_nobody_has_are_taken_up_once(office: Office) -> None:
    outbox = await office.begin()
    go_on = asyncio.Event()
    office.telegram.script["known"].append(go_on)
    outbox.put(await office.insert("known", update_id=1))
    await until(lambda: office.telegram.calls, "the call")
    await office.insert("stored unknown", update_id=2)
    await office.insert("of another", update_id=3)
    for _ in range(2):
        await outbox.take_up([1, 2])
    go_on.set()
    await until(lambda: len(office.telegram.calls) == 2, "what was taken up")
    await outbox.take_up([3])
    await office.until_done()
    assert office.telegram.calls == ["known", "stored unknown", "of another"]


async def test_a_doubted_lane_is_read_from_its_beginning_and_each_message_is_sent_once(
    office: Office,
) -> None:
    outbox = await office.begin()
    go_on = asyncio.Event()
    office.telegram.script["known"].append(go_on)
    stored = await office.insert("stored unknown", lane=Lane.OPERATOR, chat=8)
    outbox.put(await office.insert("known", lane=Lane.OPERATOR, chat=7))
    await until(lambda: office.telegram.calls, "the call")
    outbox.doubt(Lane.OPERATOR)
    await office.until_done(*stored)
    go_on.set()
    await office.until_done()
    outbox.put(await office.insert("last", lane=Lane.OPERATOR, chat=7))
    await office.until_done()
    assert office.telegram.calls == ["known", "stored unknown", "last"]


async def test_a_doubted_lane_is_read_when_the_database_is_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, pending, failures = await office.begin(), office.store.pending, 0

    async def failing(*args: Any, **options: Any) -> Any:
        nonlocal failures
        failures += 1
        if failures <= 3:
            raise StorageUnavailable("the database is away")
        return await pending(*args, **options)

    monkeypatch.setattr(office.store, "pending", failing)
    await office.insert("stored unknown", lane=Lane.OPERATOR)
    outbox.doubt(Lane.OPERATOR)
    await office.until_done()
    assert office.telegram.calls == ["stored unknown"]


async def test_what_is_taken_up_while_a_lane_is_read_takes_its_place(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = office.open()
    texts = [f"{n:03}" for n in range(250)]
    await office.insert(*texts, update_id=1)
    await office.insert("taken up", update_id=2)
    await outbox.take_up([2])
    await office.load(outbox)
    await office.until_done()
    assert office.telegram.calls == [*texts, "taken up"]


@pytest.mark.parametrize(
    "change",
    [
        lambda: Bot.update(token_generation=2).execute(),
        lambda: Bot.delete().execute(),
    ],
    ids=["another token", "deleted"],
)
async def test_messages_of_a_bot_that_is_another_now_are_dropped(
    change: Callable[[], Any], office: Office
) -> None:
    await receive(office, update_of(1, 7))
    mark = handle(office, update_of(1, 7), message(7, "old"))
    await office.db.write(change)
    office.journal.flush_now()
    with pytest.raises(Exception, match="deleted, or has another token"):
        await mark
    assert await office.rows() == []


async def test_a_mark_that_is_written_twice_stores_its_messages_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await receive(office, update_of(1, 7))
    mark = handle(office, update_of(1, 7), message(7, "one"), message(7, "two"))
    write, lost = office.db.write_as_owner, []

    async def unsure(*args: Any, **options: Any) -> Any:
        result = await write(*args, **options)
        if not lost:
            lost.append(True)
            raise StorageUnavailable("the connection was lost at COMMIT")
        return result

    monkeypatch.setattr(office.db, "write_as_owner", unsure)
    office.journal.flush_now()
    ids = await asyncio.wait_for(mark, DEADLINE)
    assert [row.id for row in await office.rows()] == ids
    assert lost


async def test_two_marks_of_an_update_in_one_commit_store_its_messages_once(office: Office) -> None:
    first, second = update_of(1, 7), update_of(2, 8)
    await receive(office, first, second)
    once, again = (handle(office, first, message(7, "one"), album(7, 2)) for _ in range(2))
    other = handle(office, second, message(8, "other"))
    office.journal.flush_now()
    ids = await asyncio.gather(once, again, other)
    assert ids[0] == ids[1]
    assert [len(numbers) for numbers in ids] == [3, 3, 1]
    assert [row.id for row in await office.rows()] == [*ids[0], *ids[2]]


@pytest.mark.parametrize("why", ["the database is away", "they are being written"])
async def test_a_bot_goes_on_after_the_marks_of_its_last_run_are_stored(
    why: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = update_of(1, 7)
    await receive(office, update)
    mark = handle(office, update, message(7, "hello"))
    write, read, go_on = office.db.write_as_owner, office.db.read, asyncio.Event()
    tries, stored = 0, []

    async def write_late(*args: Any, **options: Any) -> Any:
        nonlocal tries
        tries += 1
        if why == "they are being written":
            await go_on.wait()
        elif not go_on.is_set():
            raise StorageUnavailable(why)
        return await write(*args, **options)

    async def reading(fn: Any, *args: Any, **options: Any) -> Any:
        if fn is resume:
            stored.append(mark.done())
        return await read(fn, *args, **options)

    monkeypatch.setattr(office.db, "write_as_owner", write_late)
    monkeypatch.setattr(office.db, "read", reading)
    monkeypatch.setattr(group_commit, "RETRY_DELAY", 0.01)
    office.journal.flush_now()
    await until(lambda: tries, "the first try")
    resuming = asyncio.create_task(office.journal.resume(office.writer.bot_id), name="resuming")
    if why == "the database is away":
        await until(lambda: tries > 5, "more tries")
    else:
        await asyncio.sleep(0)  # the task begins to wait
    go_on.set()
    async with asyncio.timeout(DEADLINE):
        resumption = await resuming
    assert stored == [True]
    assert resumption is not None
    assert resumption.unsent == {(Lane.DIALOG, "sending")}
