"""Stored messages: sent in order, each once, and what came of each is stored."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from support.client import DEADLINE, QUICK, UNLIMITED, Client, until
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter

from models.bots.records import Writer
from models.bots.tables import Bot
from models.engine.base import now
from models.errors import StorageUnavailable
from models.messaging import expiry, messages
from models.messaging.chats import Chat
from models.messaging.effects import Effects, OutgoingMessage
from models.messaging.marks import Claim, Flush, Result
from models.messaging.messages import Lane, Message, MessageState, SendReason, StoredMessage
from runner import group_commit
from runner.sending.outbox import WINDOW, Outbox
from runner.sending.rate_limit import Pacer
from runner.sending.sender import Sender, SenderContext
from runner.settings import Limit
from runner.stop_signal import StopSignal
from runner.telegram.answers import Unavailable
from runner.telegram.connection_errors import NotSent
from runner.updates.incoming import IncomingUpdate
from runner.updates.intake import pack_all
from sandbox import Sandbox
from server.app import Botyard

PEOPLES = (Lane.OPERATOR, Lane.SERVICE, Lane.BROADCAST)
TUNING = replace(QUICK, backoff_min=0.001, backoff_max=0.002, transient_failures=3, send_grace=0.05)


class ScriptedTelegram:
    """Answers calls as a test says, by the text of the message.

    Attributes:
        calls: the texts of the calls, in order.
        script: what the next calls with a text meet: an error, or an event that they wait for.
    """

    token = "1:secret"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.script: defaultdict[str, deque[Exception | asyncio.Event]] = defaultdict(deque)

    async def call_encoded(self, method: str, parameters: bytes) -> Any:
        """Make one call; as `BotClient.call_encoded`."""
        call = orjson.loads(parameters)
        text = call.get("text", method)
        self.calls.append(text)
        met = self.script[text].popleft() if self.script[text] else None
        if isinstance(met, Exception):
            raise met
        if met is not None:
            await met.wait()
        number = 1000 + len(self.calls)
        if method == "sendMediaGroup":
            return [{"message_id": number + place} for place in range(len(call["media"]))]
        return {"message_id": number}


class Office:
    """A bot's outbox over a real database, and a Telegram that does as it is told."""

    def __init__(self, botyard: Botyard, bot_id: int) -> None:
        self.db = botyard.services.db
        runner_context = botyard.services.runner.manager._context
        self.journal = runner_context.journal
        self.store = runner_context.messages
        self.writer = Writer(bot_id, 1)
        self.telegram = ScriptedTelegram()
        self.running = True
        self.crashes: list[BaseException | None] = []
        self.opened: list[Outbox] = []
        self.published: list[tuple[StoredMessage, Result]] = []

    def open(self, **tuning: Any) -> Outbox:
        """Begin a run."""
        settings = replace(TUNING, **tuning)
        self.context = SenderContext(
            writer=self.writer,
            client=self.telegram,  # type: ignore[arg-type]
            pacer=Pacer(settings.limits),
            store=self.store,
            settings=settings,
            stop=StopSignal(),
            blocked=set(),
            is_running=lambda: self.running,
            publish=lambda message, result: self.published.append((message, result)),
        )
        outbox = Outbox(self.context)
        self.opened.append(outbox)
        outbox.open(self.crashes.append)
        return outbox

    async def load(self, outbox: Outbox) -> None:
        """Have a run take up what is stored."""
        await outbox.load(await self.db.read(messages.unsent, self.writer.bot_id))

    async def begin(self, **tuning: Any) -> Outbox:
        """Begin a run that has taken up what is stored."""
        outbox = self.open(**tuning)
        await self.load(outbox)
        return outbox

    async def end(self, outbox: Outbox) -> None:
        """End a run."""
        self.context.stop.set()
        await outbox.close()

    async def insert(
        self, *texts: str, lane: Lane = Lane.DIALOG, chat: int = 7, **fields: Any
    ) -> list[StoredMessage]:
        """Store messages."""
        state = MessageState.QUEUED if lane else MessageState.SENDING
        row = {
            "bot": self.writer.bot_id, "chat_id": chat, "lane": lane, "state": state,
            "method": "sendMessage", "created_at": now(),
        } | fields  # fmt: skip

        def write() -> list[StoredMessage]:
            stored = []
            for text in texts:
                parameters = orjson.dumps({"chat_id": chat, "text": text})
                number = Message.create(**row, parameters=parameters).id
                expires_at = fields.get("expires_at")
                stored.append(
                    StoredMessage((number,), chat, lane, "sendMessage", parameters, 0, expires_at)
                )
            return stored

        return await self.db.write(write)

    async def rows(self) -> list[Message]:
        """All messages."""
        return await self.db.read(lambda: list(Message.select().order_by(Message.id)))

    async def states(self) -> list[tuple[str, str | None]]:
        """States and reasons of all messages."""
        return [(row.state, row.reason) for row in await self.rows()]

    async def until_done(self) -> None:
        """Wait until nothing is to be sent any more."""
        waiting = Message.select().where(Message.state.in_(["queued", "sending"]))
        async with asyncio.timeout(DEADLINE):
            while await self.db.read(waiting.count):
                await asyncio.sleep(0.005)


@pytest.fixture
async def office(botyard: Botyard, ann: Client, telegram: Sandbox) -> AsyncIterator[Office]:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    office = Office(botyard, made["id"])
    yield office
    for outbox in office.opened:
        await office.end(outbox)


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


# -- order


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


# -- more messages than fit into memory


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
        return page

    monkeypatch.setattr(office.store, "pending", putting)
    await office.load(outbox)
    await office.until_done()
    assert office.telegram.calls == ["read", "put"]


# -- albums


def message(chat: int, text: str) -> OutgoingMessage:
    """A text."""
    return OutgoingMessage(chat, "sendMessage", orjson.dumps({"chat_id": chat, "text": text}))


def album(chat: int, size: int) -> OutgoingMessage:
    """An album."""
    call = {"chat_id": chat, "media": [{}] * size}
    return OutgoingMessage(chat, "sendMediaGroup", orjson.dumps(call), size=size)


def update_of(number: int, chat: int) -> dict[str, Any]:
    """An update as Telegram gives it."""
    content = {"message_id": 1, "chat": {"id": chat}, "text": "x"}
    return {"update_id": number, "message": content}


async def receive(office: Office, *updates: dict[str, Any]) -> None:
    """Store updates."""
    offset = updates[-1]["update_id"] + 1
    await office.journal.store(
        office.writer, await pack_all(list(updates)), offset=offset, handled=[]
    )


def handle(office: Office, update: dict[str, Any], *sent: OutgoingMessage) -> Any:
    """Have an update marked as handled, with messages; the future of that."""
    incoming, effects = IncomingUpdate.from_raw(update), Effects(messages=list(sent))
    return office.journal.handled(office.writer, incoming, effects)


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


# -- people's messages before they are called


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


# -- the end of a run, and the next one


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


# -- commits whose outcome is not known, and bots that are not the same any more


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


# -- one commit


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
