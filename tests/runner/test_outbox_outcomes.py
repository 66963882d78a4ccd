"""What comes of a message is stored: that it was sent, or why not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.client import until
from support.office import PEOPLES, Office, receive, update_of
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter

from models.messaging.chats import Chat
from models.messaging.effects import Effects
from models.messaging.marks import Result
from models.messaging.messages import Lane, MessageState, SendReason
from runner.telegram.answers import Unavailable
from runner.telegram.connection_errors import NotSent
from runner.updates.incoming import IncomingUpdate


@pytest.mark.parametrize("lane", Lane)
async def test_what_was_sent_is_stored_with_telegrams_id(lane: Lane, office: Office) -> None:
    await office.insert("hello", lane=lane)
    await office.begin()
    await office.until_done()
    (row,) = await office.rows()
    assert (row.state, row.telegram_id, row.reason) == ("sent", 1001, None)
    assert row.done_at >= row.created_at


# -- what follows from an error

D, P = (Lane.DIALOG,), PEOPLES
OUTCOMES: dict[str, tuple[tuple[Lane, ...], list[Exception], str, str | None, int]] = {
    "rejected": (tuple(Lane), [BadRequest("no")], "failed", "rejected", 1),
    "blocked": (tuple(Lane), [Forbidden("no")], "failed", "blocked", 1),
    "one lost reply": (D, [NetworkError("lost")], "sent", None, 2),
    "two lost replies": (D, [NetworkError("lost")] * 2, "unknown", "no_reply", 2),
    "a person's lost reply": (P, [NetworkError("lost")], "unknown", "no_reply", 1),
    "trouble at Telegram": (tuple(Lane), [Unavailable("500")] * 3, "sent", None, 4),
    "more trouble": (tuple(Lane), [Unavailable("500")] * 4, "failed", "telegram_unreachable", 4),
    "no connection": (tuple(Lane), [NotSent("refused")] * 30, "sent", None, 31),
    "a revoked token": (tuple(Lane), [InvalidToken("401")] * 6, "sent", None, 7),
    "a flood": (tuple(Lane), [RetryAfter(1)], "sent", None, 2),
}


@pytest.mark.parametrize(
    ("lane", "outcome"), [(lane, name) for name in OUTCOMES for lane in OUTCOMES[name][0]]
)
async def test_what_follows_from_an_error(lane: Lane, outcome: str, office: Office) -> None:
    _, errors, state, reason, calls = OUTCOMES[outcome]
    office.telegram.script["first"].extend(errors)
    await office.insert("first", "second", lane=lane)
    await office.begin()
    await office.until_done()
    assert await office.states() == [(state, reason), ("sent", None)]
    assert office.telegram.calls == ["first"] * calls + ["second"]
    first = (await office.rows())[0]
    assert first.detail == (errors[0].message if reason else None)  # type: ignore[attr-defined]
    assert first.done_at is not None
    assert office.crashes == []


ODD_ANSWERS: dict[str, Any] = {
    "64 bits": {"message_id": 2**63},
    "text": {"message_id": "x"},
    "boolean": {"message_id": True},
    "null": {"message_id": None},
    "missing": {},
    "no message": True,
}


@pytest.mark.parametrize("lane", [Lane.DIALOG, Lane.OPERATOR])
@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_a_message_whose_id_cannot_be_stored_is_sent_once_and_stored_without_it(
    answer: Any, lane: Lane, office: Office
) -> None:
    office.telegram.answers["odd"] = answer
    await office.insert("odd", "next", lane=lane)
    for _ in range(2):
        outbox = await office.begin()
        await office.until_done()
        await office.end(outbox)
    rows = await office.rows()
    assert [(row.state, row.telegram_id) for row in rows] == [("sent", None), ("sent", 1002)]
    assert office.telegram.calls == ["odd", "next"]
    assert office.crashes == []


async def test_an_outage_is_not_the_messages_fault(office: Office) -> None:
    office.running = False
    office.telegram.script["hello"].extend([Unavailable("500")] * 20)
    await office.insert("hello")
    await office.begin()
    await office.until_done()
    assert await office.states() == [("sent", None)]


async def test_a_chat_that_refuses_messages_is_stored_and_known_as_such(office: Office) -> None:
    office.telegram.script["hello"].append(Forbidden("bot was blocked by the user"))
    await office.insert("hello", chat=7)
    await office.insert("hello too", chat=8)
    await office.begin()
    await office.until_done()
    blocked = Chat.select().where(Chat.blocked_at.is_null(False))
    assert await office.db.read(lambda: [row.chat_id for row in blocked]) == [7]
    assert office.context.blocked == {7}


@pytest.mark.parametrize("last", ["refused", "welcome"])
async def test_of_a_refusal_and_a_message_in_one_commit_the_last_counts(
    last: str, office: Office
) -> None:
    stored = await office.insert("hello", chat=7)
    rows = [(stored[0].ids[0], None)]
    refused = Result(
        office.writer, rows, MessageState.FAILED, SendReason.BLOCKED, "blocked", blocked=7
    )
    raw = update_of(1, 7)
    await receive(office, raw)

    def say(word: str) -> asyncio.Future[Any]:
        if word == "refused":
            return office.store.result(refused)
        update = IncomingUpdate.from_raw(raw)
        return office.journal.handled(office.writer, update, Effects(blocked=False))

    words = ["welcome", "refused"] if last == "refused" else ["refused", "welcome"]
    marks = [say(word) for word in words]
    office.journal.flush_now()
    await asyncio.gather(*marks)
    blocked = Chat.select().where(Chat.blocked_at.is_null(False))
    assert await office.db.read(blocked.count) == (last == "refused")


async def test_a_message_that_waits_again_has_no_end(office: Office) -> None:
    office.telegram.script["hello"].append(RetryAfter(3600))
    await office.insert("hello", lane=Lane.BROADCAST)
    outbox = await office.begin()
    await until(lambda: office.telegram.calls, "the call")
    await office.end(outbox)
    (row,) = await office.rows()
    assert (row.state, row.done_at) == ("queued", None)
