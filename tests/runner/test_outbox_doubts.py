"""Commits whose outcome is not known, and bots that are not the same any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.client import DEADLINE, until
from support.office import Office, handle, message, receive, update_of

from models.bots.tables import Bot
from models.errors import StorageUnavailable


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
