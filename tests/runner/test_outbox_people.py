"""What people write is claimed before it is sent, as it is stored then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import orjson
from support.client import until
from support.office import Office

from models.engine.base import now
from models.messaging import expiry
from models.messaging.messages import Lane, Message


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


async def test_a_persons_message_is_stored_as_being_sent_before_the_call(office: Office) -> None:
    go_on = asyncio.Event()
    office.telegram.script["hello"].append(go_on)
    await office.insert("hello", lane=Lane.OPERATOR)
    await office.begin()
    await until(lambda: office.telegram.calls, "the call")
    assert await office.states() == [("sending", None)]
    go_on.set()
    await office.until_done()
