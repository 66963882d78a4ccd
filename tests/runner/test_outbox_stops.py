"""The end of a run, and what the next one finds."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from support.client import DEADLINE, until
from support.office import PEOPLES, Office
from telegram.error import RetryAfter

from models.errors import StorageUnavailable
from models.messaging.marks import Claim, Flush
from models.messaging.messages import Lane, SendReason, StoredMessage
from runner import group_commit
from runner.sending.sender import Sender
from runner.telegram.connection_errors import NotSent


async def test_after_a_kill_what_a_bot_said_is_sent_once_more_and_a_persons_is_unknown(
    office: Office,
) -> None:
    await office.insert("dialog", chat=1)
    for chat, lane in enumerate(PEOPLES, 2):
        await office.insert(f"sending {lane}", lane=lane, chat=chat, state="sending")
        await office.insert(f"queued {lane}", lane=lane, chat=chat)
    await office.begin()
    await office.until_done()
    assert sorted(office.telegram.calls) == ["dialog", "queued 1", "queued 2", "queued 3"]
    unknown = [row for row in await office.rows() if row.state == "unknown"]
    assert {(row.lane, row.reason) for row in unknown} == {
        (lane, SendReason.INTERRUPTED) for lane in PEOPLES
    }


@pytest.mark.parametrize(
    ("lane", "state"),
    [(Lane.DIALOG, ("sending", None)), (Lane.OPERATOR, ("unknown", "interrupted"))],
)
async def test_a_stop_during_a_call_ends_it(
    lane: Lane, state: tuple[str, str | None], office: Office
) -> None:
    office.telegram.script["hello"].append(asyncio.Event())
    await office.insert("hello", "next", lane=lane)
    outbox = await office.begin()
    await until(lambda: office.telegram.calls, "the call")
    await office.end(outbox)
    assert await office.states() == [state, ("queued" if lane else "sending", None)]
    assert office.telegram.calls == ["hello"]
    await office.begin()
    await office.until_done()
    assert office.telegram.calls[1:] == (["next"] if lane else ["hello", "next"])


async def test_a_call_that_ends_while_the_bot_is_stopped_is_stored(office: Office) -> None:
    go_on = asyncio.Event()
    office.telegram.script["hello"].append(go_on)
    await office.insert("hello", "next")
    outbox = await office.begin(send_grace=DEADLINE)
    await until(lambda: office.telegram.calls, "the call")
    ending = asyncio.create_task(office.end(outbox), name="ending")
    await asyncio.sleep(0)
    go_on.set()
    await ending
    assert await office.states() == [("sent", None), ("sending", None)]


async def test_a_stop_before_the_call_leaves_a_persons_message_in_the_queue(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, claiming, go_on = group_commit.flush, threading.Event(), threading.Event()

    def slow(waiting: Flush) -> Any:
        flushed = flush(waiting)
        if any(isinstance(mark, Claim) for mark in waiting.marks):
            claiming.set()
            go_on.wait(DEADLINE)
        return flushed

    monkeypatch.setattr(group_commit, "flush", slow)
    await office.insert("hello", lane=Lane.OPERATOR)
    outbox = await office.begin()
    await until(claiming.is_set, "the claim")
    ending = asyncio.create_task(office.end(outbox), name="ending")
    await asyncio.sleep(0.01)
    go_on.set()
    await ending
    assert await office.states() == [("queued", None)]
    assert office.telegram.calls == []
    await office.begin()
    await office.until_done()
    assert office.telegram.calls == ["hello"]


async def test_a_stop_does_not_wait_for_messages_that_wait(office: Office) -> None:
    office.telegram.script["flood"].append(RetryAfter(3600))
    office.telegram.script["trouble"].append(NotSent("refused"))
    await office.insert("flood", "behind it", chat=7)
    await office.insert("trouble", chat=8)
    outbox = await office.begin(send_grace=DEADLINE, backoff_min=3600.0, backoff_max=3600.0)
    await until(lambda: len(office.telegram.calls) == 2, "the calls")
    async with asyncio.timeout(1):
        await office.end(outbox)
    assert {state for state, _ in await office.states()} == {"sending"}


async def test_a_backlog_that_is_read_twice_settles_nothing_of_this_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    office.telegram.script["operator"].append(go_on)
    await office.insert("operator", lane=Lane.OPERATOR, chat=7)
    await office.insert("broadcast", lane=Lane.BROADCAST, chat=8)
    pending, outbox = office.store.pending, office.open()

    async def failing(bot_id: int, lane: Lane, **options: Any) -> Any:
        if lane is Lane.BROADCAST:
            raise StorageUnavailable("the database is away")
        return await pending(bot_id, lane, **options)

    with monkeypatch.context() as patched:
        patched.setattr(office.store, "pending", failing)
        with pytest.raises(StorageUnavailable):
            await office.load(outbox)
    await until(lambda: office.telegram.calls, "the operator's message")
    await office.load(outbox)
    go_on.set()
    await office.until_done()
    assert sorted(office.telegram.calls) == ["broadcast", "operator"]
    assert await office.states() == [("sent", None)] * 2


async def test_a_crash_is_told_once_and_nothing_more_is_taken(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crashing(self: Sender, message: StoredMessage) -> None:
        raise LookupError(message.ids)

    await office.insert("one", chat=7)
    await office.insert("two", chat=8)
    monkeypatch.setattr(Sender, "deliver", crashing)
    outbox = await office.begin()
    await until(lambda: office.crashes, "the crash")
    outbox.put(await office.insert("three", chat=9))
    await office.end(outbox)
    assert [type(crash) for crash in office.crashes] == [LookupError]
