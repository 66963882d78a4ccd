"""What people write is claimed before it is sent, as it is stored then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
from support.client import DEADLINE, Client, until
from support.doubts import lose_one_answer
from support.office import Office

from models.engine.base import now
from models.messaging import expiry, messages
from models.messaging.flush import flush
from models.messaging.marks import Claim
from models.messaging.messages import Lane, Message
from runner import group_commit
from server.app import Botyard


async def test_an_expired_message_is_not_sent(office: Office) -> None:
    await office.insert("late", lane=Lane.OPERATOR, expires_at=now() - timedelta(seconds=1))
    await office.insert("in time", lane=Lane.OPERATOR, expires_at=now() + timedelta(hours=1))
    await office.begin()
    await until(lambda: office.telegram.calls, "the call")
    assert len(await office.store.expire()) == 1
    await office.until_done()
    assert office.telegram.calls == ["in time"]
    assert office.store.outcomes["failed", "expired"] == 1  # counted once
    assert await office.states() == [("failed", "expired"), ("sent", None)]


async def test_a_message_that_expires_while_it_is_in_memory_is_counted_and_told_of_once(
    office: Office, botyard: Botyard, ann: Client
) -> None:
    runner, go_on = botyard.services.runner, asyncio.Event()
    reader = runner.events.subscribe(ann.user["pk"], session_id="reader", last_id=None)
    office.telegram.script["first"].append(go_on)
    await office.insert("first", lane=Lane.OPERATOR)
    await office.insert("late", lane=Lane.OPERATOR, expires_at=now() - timedelta(seconds=1))
    await office.insert("last", lane=Lane.OPERATOR)
    await office.begin()
    await until(lambda: office.telegram.calls, "the first call")
    await runner.expire_messages()
    go_on.set()
    await office.until_done()
    await until(lambda: len(office.published) == 2, "the news of the others")
    assert [result.state for _, result in office.published] == ["sent", "sent"]
    (told,) = await reader.next(DEADLINE)
    assert (told.data.state, told.data.reason) == ("failed", "expired")
    assert office.store.outcomes["failed", "expired"] == 1
    assert office.telegram.calls == ["first", "last"]
    runner.events.unsubscribe(ann.user["pk"], reader)


async def test_a_message_expires_whose_claim_was_stored_unknown(
    office: Office, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_claim(fn: Any, *args: Any) -> bool:
        return fn is flush and any(isinstance(mark, Claim) for mark in args[0].marks)

    monkeypatch.setattr(group_commit, "RETRY_DELAY", 3600.0)
    lost = lose_one_answer(botyard, monkeypatch, "write_as_owner", is_claim)
    expires_at = now() + timedelta(hours=1)
    await office.insert("late", "next", lane=Lane.OPERATOR, expires_at=expires_at)
    await office.begin()
    await until(lambda: lost, "the loss")
    assert await office.states() == [("sending", None), ("queued", None)]
    past = Message.update(expires_at=now() - timedelta(seconds=1)).where(Message.chat_id == 7)
    await office.db.write(past.execute)
    office.journal.flush_now()
    async with asyncio.timeout(DEADLINE):
        while (await office.states())[0] == ("sending", None):
            await asyncio.sleep(0.005)
    await botyard.services.runner.expire_messages()
    assert await office.states() == [("failed", "expired")] * 2
    assert office.telegram.calls == []


async def test_messages_of_a_bot_that_is_off_expire(office: Office) -> None:
    await office.insert("late", lane=Lane.OPERATOR, expires_at=now() - timedelta(seconds=1))
    await office.insert("in time", lane=Lane.OPERATOR, expires_at=now() + timedelta(hours=1))
    await office.insert("a bot's own")
    (expired,) = await office.db.write(expiry.expire)
    assert expired.bot_id == office.writer.bot_id
    states = await office.states()
    assert states == [("failed", "expired"), ("queued", None), ("sending", None)]


async def test_what_is_changed_or_deleted_while_it_waits_is_sent_as_it_is_stored(
    office: Office,
) -> None:
    go_on = asyncio.Event()
    office.telegram.script["first"].append(go_on)
    stored = await office.insert("first", "deleted", "changed", lane=Lane.OPERATOR)
    await office.begin()
    await until(lambda: office.telegram.calls, "the first call")
    parameters = orjson.dumps({"chat_id": 7, "text": "other words"})

    def change() -> None:
        Message.delete().where(Message.id == stored[1].ids[0]).execute()
        Message.update(parameters=parameters).where(Message.id == stored[2].ids[0]).execute()

    await office.db.write(change)
    go_on.set()
    await office.until_done()
    assert office.telegram.calls == ["first", "other words"]


async def test_a_text_that_becomes_a_photo_while_it_waits_is_sent_as_a_photo(
    office: Office,
) -> None:
    go_on = asyncio.Event()
    office.telegram.script["first"].append(go_on)
    _, second = await office.insert("first", "second", lane=Lane.OPERATOR)
    await office.begin()
    await until(lambda: office.telegram.calls, "the first call")
    photo = orjson.dumps({"chat_id": 7, "photo": "a"})
    change = Message.update(method="sendPhoto", parameters=photo).where(Message.id == second.ids[0])
    await office.db.write(change.execute)
    go_on.set()
    await office.until_done()
    assert office.telegram.calls == ["first", "sendPhoto"]


async def test_a_persons_message_is_stored_as_being_sent_before_the_call(office: Office) -> None:
    go_on = asyncio.Event()
    office.telegram.script["hello"].append(go_on)
    await office.insert("hello", lane=Lane.OPERATOR)
    await office.begin()
    await until(lambda: office.telegram.calls, "the call")
    assert await office.states() == [("sending", None)]
    go_on.set()
    await office.until_done()


# -- albums of people


async def test_of_an_album_that_a_kill_interrupts_nothing_is_sent_any_more(office: Office) -> None:
    office.telegram.script["sendMediaGroup"].append(asyncio.Event())
    await office.insert_album("queued", "queued", "queued")
    await office.begin()
    await until(lambda: office.telegram.calls, "the call")
    assert await office.states() == [("sending", None)] * 3
    await office.db.write(messages.interrupted)  # the start of the next server
    assert await office.states() == [("unknown", "interrupted")] * 3


@pytest.mark.parametrize("chat", [7, 8], ids=["same chat", "other chat"])
async def test_the_rest_of_a_broken_album_is_not_sent_with_another_message(
    chat: int, office: Office
) -> None:
    (before,) = await office.insert("before", lane=Lane.OPERATOR, chat=chat)
    await office.insert_album("unknown", "queued", "queued", chat=7)
    (after,) = await office.insert("after", lane=Lane.OPERATOR, chat=chat)
    await office.begin()
    await office.until_done(before, after)
    rows = await office.rows()
    assert [row.state for row in rows] == ["sent", "unknown", "queued", "queued", "sent"]
    assert [row.telegram_id for row in rows] == [1001, None, None, None, 1002]
    assert office.telegram.calls == ["before", "after"]
