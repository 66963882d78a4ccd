"""Updates of any shape: what cannot be understood ends as a dead update, and the bot goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.client import BOTS, DEADLINE, QUICK, Client, register, scrape, until
from support.hostile import Feed, HostileApi, Params, Writer, hostile_api, result, whole

from models.bots.telegram_id import MAX_TELEGRAM_ID
from models.engine.base import now
from models.messaging import dead_updates
from models.messaging.updates import Update
from runner.updates import notices
from runner.updates.incoming import UNREADABLE, IncomingUpdate, flaw_of
from runner.updates.intake import MAX_DEPTH, MAX_GIVEN, MAX_TAKEN, MAX_UPDATE, pack, sort_out
from server.app import Botyard, open_botyard
from server.config import Config

TOKEN = "123456789:AAE" + "x" * 32

CHAT = {"id": 1001, "type": "private", "first_name": "Ann"}
USER = {"id": 1001, "is_bot": False, "first_name": "Ann"}
MESSAGE = {"message_id": 1, "date": 1_700_000_000, "chat": CHAT, "from": USER, "text": "x"}
SOUND: dict[str, dict[str, Any]] = {
    "message": MESSAGE,
    "edited_message": MESSAGE | {"edit_date": 1_700_000_001},
    "callback_query": {
        "id": "1", "from": USER, "chat_instance": "1", "data": "x", "message": MESSAGE,
    },
    "my_chat_member": {
        "chat": CHAT, "from": USER, "date": 1_700_000_000,
        "old_chat_member": {"user": USER, "status": "member"},
        "new_chat_member": {"user": USER, "status": "kicked", "until_date": 0},
    },
}  # fmt: skip


def nested(depth: int) -> Any:
    """Lists in each other."""
    inner: Any = "x"
    for _ in range(depth):
        inner = [inner]
    return inner


@dataclass
class Bot:
    """A bot whose Bot API is hostile."""

    owner: Client
    shown: dict[str, Any]
    api: HostileApi
    feed: Feed
    botyard: Botyard
    ids: Any = field(default_factory=lambda: count(1_000_000))

    async def goes_on(self) -> None:
        """See that it answers an ordinary message, and has run all the time."""
        number = next(self.ids)
        self.feed.put({"update_id": number, "message": MESSAGE | {"text": f"sound {number}"}})
        await until(lambda: f"sound {number}" in self.api.sent, "the answer to a sound message")

    async def until_done(self) -> dict[int, Update]:
        """Wait until every stored update is handled or dead; all of them by their ids."""
        read = self.botyard.services.db.read
        async with asyncio.timeout(DEADLINE):
            while True:
                rows = await read(lambda: list(Update.select()))
                if all(row.handled_at or row.dead_at for row in rows):
                    return {row.update_id: row for row in rows}
                await asyncio.sleep(0.01)

    async def dead(self) -> list[dict[str, Any]]:
        """Its dead updates, as its owner sees them."""
        answer = await self.owner.get(f"{BOTS}{self.shown['id']}/dead_updates/")
        assert answer.status == 200, answer.text
        listed: list[dict[str, Any]] = answer.json
        return listed

    async def status(self) -> dict[str, Any]:
        """Its status."""
        return await self.owner.status_of(self.shown)


@pytest.fixture
async def bot(config: Config, http: aiohttp.ClientSession) -> AsyncIterator[Bot]:
    async with hostile_api() as api:
        api.replies["getUpdates"] = feed = Feed()
        quick = replace(QUICK, backoff_min=0.01, backoff_max=0.02)
        botyard = await open_botyard(replace(config, telegram_api_url=api.url), runner=quick)
        try:
            owner = await register(Client(http, botyard.url), "ann")
            shown = (await owner.post(BOTS, {"token": TOKEN})).json
            await owner.until_state(shown, "running")
            yield Bot(owner, shown, api, feed, botyard)
        finally:
            await botyard.close()


# -- one at a time


UNDERSTOOD_BY_NOBODY: dict[str, Any] = {
    "a message that is a string": {"message": "x"},
    "a message that is a list": {"message": [MESSAGE]},
    "an empty message": {"message": {}},
    "a chat that is a string": {"message": MESSAGE | {"chat": "x"}},
    "a chat that is a list": {"message": MESSAGE | {"chat": [1]}},
    "a chat that is null": {"message": MESSAGE | {"chat": None}},
    "a chat without an id": {"message": MESSAGE | {"chat": {"type": "private"}}},
    "a chat whose id is a list": {"message": MESSAGE | {"chat": CHAT | {"id": [1]}}},
    "a chat whose id is an object": {"message": MESSAGE | {"chat": CHAT | {"id": {}}}},
    "a chat whose id is a string": {"message": MESSAGE | {"chat": CHAT | {"id": "1"}}},
    "a chat whose id is true": {"message": MESSAGE | {"chat": CHAT | {"id": True}}},
    "a chat whose id is huge": {"message": MESSAGE | {"chat": CHAT | {"id": 2**63}}},
    "a user that is a list": {"message": MESSAGE | {"from": [USER]}},
    "a user that is a string": {"message": MESSAGE | {"from": "ann"}},
    "a user without an id": {"message": MESSAGE | {"from": {}}},
    "a text that is a number": {"message": MESSAGE | {"text": 5}},
    "a text that is a list": {"message": MESSAGE | {"text": ["x"]}},
    "an edited message that is true": {"edited_message": True},
    "a query that is a list": {"callback_query": []},
    "a query from nobody": {"callback_query": {"id": "1"}},
    "a query whose message is a string": {
        "callback_query": SOUND["callback_query"] | {"message": "x"}
    },
    "a query in a chat that is a list": {
        "callback_query": SOUND["callback_query"] | {"message": MESSAGE | {"chat": []}}
    },
    "a member that is a list": {"my_chat_member": []},
    "a member of nothing": {"my_chat_member": {}},
    "a member that became a string": {
        "my_chat_member": SOUND["my_chat_member"] | {"new_chat_member": "kicked"}
    },
    "300 levels": {"message": MESSAGE | {"x": nested(300)}},
    "101 levels": {"message": MESSAGE | {"x": nested(MAX_DEPTH)}},
    "half a surrogate pair": {"message": MESSAGE | {"text": "\ud800"}},
    "half a surrogate pair in a name": {"message": MESSAGE | {"\udfff": 1}},
    "too many bytes": {"message": MESSAGE | {"text": "x" * MAX_UPDATE}},
    "our own mark": {"message": MESSAGE | {"chat": 5}, UNREADABLE: {"a": 1}},
    "a count of our own": {"message": {}, "botyard_attempts": "x"},
}

NOT_LOOKED_AT: dict[str, Any] = {
    "a date that is a string": {"message": MESSAGE | {"date": "x"}},
    "a date far away": {"message": MESSAGE | {"date": 10**15}},
    "a message within messages": {"message": MESSAGE | {"reply_to_message": "x"}},
    "entities that are a string": {"message": MESSAGE | {"entities": "x"}},
    "a name that is a list": {"message": MESSAGE | {"from": USER | {"first_name": ["x"]}}},
    "a key of the library": {"message": MESSAGE, "api_kwargs": {}},
}


async def test_an_update_is_handled_whatever_stands_where_nobody_looks(bot: Bot) -> None:
    for number, name in enumerate(NOT_LOOKED_AT, start=1):
        bot.feed.put({"update_id": number, **NOT_LOOKED_AT[name]})
    await until(lambda: bot.api.sent == ["x"] * len(NOT_LOOKED_AT), "an answer to each")
    assert [row for row in (await bot.until_done()).values() if row.dead_at] == []


async def test_what_cannot_be_understood_is_dead_with_its_reason_and_the_bot_goes_on(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    before = await bot.status()
    given = dict(enumerate(UNDERSTOOD_BY_NOBODY, start=1))
    for number, name in given.items():
        bot.feed.put({"update_id": number, **UNDERSTOOD_BY_NOBODY[name]})
    await bot.goes_on()
    rows = await bot.until_done()
    assert [name for number, name in given.items() if not rows[number].dead_at] == []
    assert (await bot.status())["since"] == before["since"], "it has run all the time"
    dead = await bot.dead()
    assert len(dead) == len(given)
    assert [one for one in dead if not one["error"]] == []
    reasons = {given[one["update_id"]]: one["error"] for one in dead}
    assert "message.chat has no valid id" in reasons["a chat that is a list"]
    assert "message.from has no valid id" in reasons["a user that is a string"]
    assert "nested" in reasons["300 levels"]
    assert "bytes" in reasons["too many bytes"]
    assert "stopped unexpectedly" not in caplog.text


async def test_what_is_dead_for_its_shape_dies_again_when_it_is_replayed(bot: Bot) -> None:
    strange = [{"x": nested(300)}, {"chat": "x"}, {"text": "\ud800"}]
    for number, odd in enumerate(strange, start=1):
        bot.feed.put({"update_id": number, "message": MESSAGE | odd})
    await bot.goes_on()
    await bot.until_done()
    path = f"{BOTS}{bot.shown['id']}/dead_updates/"
    for number in (1, 2, 3):
        assert (await bot.owner.post(f"{path}{number}/replay/")).status == 202
    await bot.until_done()
    assert {one["update_id"] for one in await bot.dead()} == {1, 2, 3}
    for number in (1, 2, 3):
        assert (await bot.owner.delete(f"{path}{number}/")).status == 204


@pytest.mark.parametrize(
    "number",
    [
        "1",
        None,
        True,
        1.0,
        2.5,
        -1,
        MAX_TELEGRAM_ID + 1,
        2**63,
        2**64,
        10**30,
        [],
        {},
        [1],
        "x" * 99,
    ],
    ids=lambda number: str(number)[:20],
)
async def test_an_update_without_a_usable_id_is_let_go_and_counted_and_the_batch_confirmed(
    number: Any, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    sound = {"update_id": 7, "message": MESSAGE | {"text": "beside"}}
    bot.feed.put({"update_id": number, "message": MESSAGE}, sound, {"message": MESSAGE}, 5, None)
    await until(lambda: "beside" in bot.api.sent)
    await bot.goes_on()
    assert set(await bot.until_done()) == {7, 1_000_000}
    assert (await bot.status())["state"] == "running"
    assert (await scrape(bot.owner))("botyard_updates_discarded_total") == 4
    assert caplog.text.count("4 updates without a usable update_id") == 1


async def test_a_batch_without_any_id_is_told_and_retried_with_pauses(bot: Bot) -> None:
    for _ in range(500):
        bot.feed.put({"message": MESSAGE}, "x", None)
    status = await bot.owner.until_state(bot.shown, "retrying")
    assert status["reason"] == "telegram_unreachable"
    assert "updates without an update_id" in status["detail"]
    while (status := await bot.status())["attempts"] < 3:
        assert status["reason"] in {"telegram_unreachable", None}
    assert bot.api.calls["getMe"] < 50


async def test_updates_in_any_order_and_twice_are_handled_in_theirs_and_once(bot: Bot) -> None:
    texts = {number: MESSAGE | {"text": f"text {number}"} for number in range(1, 6)}
    order = [3, 1, 5, 3, 2, 4, 1]
    bot.feed.put(*({"update_id": number, "message": texts[number]} for number in order))
    await bot.goes_on()
    assert bot.api.sent[:5] == [f"text {number}" for number in range(1, 6)]
    assert len(bot.api.sent) == 6


# -- more than anybody will look at


@pytest.mark.early
async def test_a_bot_keeps_a_thousand_dead_updates_the_latest_and_counts_what_went(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    for first in range(1, 1201, 100):
        bot.feed.put(*({"update_id": n, "message": 1} for n in range(first, first + 100)))
    await bot.goes_on()
    kept = {number for number, row in (await bot.until_done()).items() if row.dead_at}
    assert 900 <= len(kept) <= dead_updates.MAX_KEPT
    assert kept == {*range(1201 - len(kept), 1201)}, "the oldest went"
    assert (await scrape(bot.owner))("botyard_updates_dropped_total") == 1200 - len(kept)
    assert await until(lambda: "oldest dead updates to make room" in caplog.text)


async def test_dead_updates_that_come_together_are_told_in_few_lines(
    bot: Bot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PAUSE", DEADLINE)
    bot.feed.put(*({"update_id": n, "message": 1} for n in range(1, 101)))
    await bot.goes_on()
    await bot.until_done()
    await bot.owner.patch(f"{BOTS}{bot.shown['id']}/", {"active": False})
    told = [record.getMessage() for record in caplog.records if " dead" in record.getMessage()]
    assert len(told) == 2
    assert "update 1 is dead" in told[0]
    assert "99 updates are dead, the last of them 100. This update cannot" in told[1]


async def test_of_what_cannot_be_understood_four_kilobytes_are_kept_with_its_length(
    bot: Bot,
) -> None:
    texts = ["x" * 100_000, "\N{GRINNING FACE}" * 30_000, '"\\' * 30_000, "\u2028" * 99_000]
    for number, text in enumerate(texts, start=1):
        message = (MESSAGE if number % 2 else {}) | {"text": text, "many": [text[:200]] * 50}
        bot.feed.put({"update_id": number, "message": message | {"from": "x"}})
    await bot.goes_on()
    rows = await bot.until_done()
    for number in range(1, len(texts) + 1):
        assert len(rows[number].payload) <= 4096
        kept = orjson.loads(rows[number].payload)
        assert " bytes" in kept[UNREADABLE]
        assert "text" in str(kept["begin"])


async def test_the_list_of_dead_updates_is_short_whatever_they_hold(bot: Bot) -> None:
    def fill() -> None:
        for number in range(1, 101):
            size = 250_000 if number % 2 else 1000
            payload = orjson.dumps({"update_id": number, "x": "x" * size})
            moment = now()
            Update.create(
                bot=bot.shown["id"], update_id=number, payload=payload,
                received_at=moment, dead_at=moment, attempts=3, error="x",
            )  # fmt: skip

    await bot.botyard.services.db.write(fill)
    path = f"{BOTS}{bot.shown['id']}/dead_updates/"
    answer = await bot.owner.get(path)
    assert len(answer.text) < 100_000
    listed = {one["update_id"]: one for one in answer.json}
    assert len(listed) == 100
    assert listed[99]["update"] is None
    assert listed[99]["update_left_out"] is True
    assert listed[99]["update_bytes"] > 250_000
    assert listed[100]["update"] == {"update_id": 100, "x": "x" * 1000}
    assert listed[100]["update_left_out"] is False
    whole_one = (await bot.owner.get(f"{path}99/")).json
    assert whole_one["update"] == {"update_id": 99, "x": "x" * 250_000}
    assert (await bot.owner.get(f"{path}101/")).status == 404


async def test_a_bot_keeps_ten_megabytes_of_dead_updates(bot: Bot) -> None:
    def fill() -> int:
        moment = now()
        for number in range(1, 61):
            Update.create(
                bot=bot.shown["id"], update_id=number, payload=b"x" * 200_000,
                received_at=moment, dead_at=moment,
            )  # fmt: skip
        Update.create(bot=bot.shown["id"], update_id=61, payload=b"{}", received_at=moment)
        return dead_updates.bury(bot.shown["id"], 61, attempts=3, error="x", trim=True)

    assert await bot.botyard.services.db.write(fill) == 16
    assert set(await bot.until_done()) == {*range(17, 62)}


# -- more than was asked for


@dataclass
class Backlog:
    """Answers getUpdates with all it has, or with as many as it is asked for.

    Attributes:
        waiting: what is not confirmed yet.
        offsets: those that were asked from.
    """

    waiting: list[dict[str, Any]]
    obedient: bool
    offsets: list[int] = field(default_factory=list)

    async def __call__(self, writer: Writer, params: Params) -> None:
        if not params["timeout"]:
            await whole(result([]))(writer, params)
            return
        self.offsets.append(params.get("offset", 0))
        self.waiting = [one for one in self.waiting if one["update_id"] >= self.offsets[-1]]
        if not self.waiting:
            await asyncio.sleep(params["timeout"])
        given = self.waiting[: params["limit"]] if self.obedient else self.waiting
        await whole(result(given))(writer, params)


async def test_of_more_updates_than_telegram_gives_the_first_hundred_are_taken_at_a_time(
    bot: Bot,
) -> None:
    messages = [{"update_id": n, "message": MESSAGE | {"text": f"{n}"}} for n in range(1, 251)]
    backlog = bot.api.replies["getUpdates"] = Backlog(messages[::-1], obedient=False)
    await until(lambda: len(bot.api.sent) == 250, "all answers")
    assert bot.api.sent == [f"{n}" for n in range(1, 251)]
    assert {*backlog.offsets} >= {0, 101, 201}
    assert {*backlog.offsets} <= {0, 101, 201, 251}


async def test_four_hundred_thousand_updates_in_one_answer_are_refused(bot: Bot) -> None:
    bot.feed.again = b'{"ok":true,"result":[%s]}' % b",".join(
        b'{"update_id":%d}' % n for n in range(400_000)
    )
    bot.feed.put()
    status = await bot.owner.until_state(bot.shown, "retrying")
    assert status["reason"] == "telegram_unreachable"
    assert "is not from a Bot API server" in status["detail"]
    assert await bot.until_done() == {}, "nothing of it is stored"


async def test_updates_far_beyond_what_was_asked_for_are_refused(bot: Bot) -> None:
    bot.feed.again = result([{"update_id": n} for n in range(MAX_GIVEN + 1)])
    bot.feed.put()
    status = await bot.owner.until_state(bot.shown, "retrying")
    assert "more updates than requested" in status["detail"]
    assert await bot.until_done() == {}, "nothing of it is stored"


async def test_a_hundred_messages_that_are_too_much_at_once_come_in_smaller_portions(
    bot: Bot,
) -> None:
    # Anybody may write such: the bot must not stand still before them.
    text = "," * 4096
    messages = [
        {"update_id": n, "message": MESSAGE | {"text": text, "reply_to_message": MESSAGE}}
        for n in range(1, MAX_TAKEN + 1)
    ]
    bot.api.replies["getUpdates"] = Backlog(messages, obedient=True)
    await until(lambda: len(bot.api.sent) == MAX_TAKEN, "all answers")
    status = await bot.status()
    assert (status["state"], status["attempts"]) == ("running", 0)


# -- anything at all


texts = st.text(st.characters(), max_size=8) | st.sampled_from(["\ud800", "\0", "x" * 5000, "1"])
numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 2**52, 2**63, 2**64, 10**40])
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in a value."""
    inner = value.items() if isinstance(value, dict) else ()
    return [path, *(place for name, one in inner for place in places(one, (*path, name)))]


@st.composite
def updates(draw: st.DrawFn) -> Any:
    """A sound update with anything in one place of it; or anything."""
    kind = draw(st.sampled_from(sorted(SOUND)))
    update: Any = {"update_id": draw(st.integers(1, 10**6)), kind: deepcopy(SOUND[kind])}
    path = draw(st.sampled_from(places(update)))
    if not path:
        return draw(anything)
    *way, last = path
    owner = update
    for name in way:
        owner = owner[name]
    owner[last] = draw(anything)
    return update


@given(st.lists(updates(), max_size=6))
def test_any_batch_is_sorted_out(batch: list[Any]) -> None:
    received = sort_out(batch)
    numbers = [update["update_id"] for update in received.updates]
    assert numbers == sorted(set(numbers))
    assert all(type(number) is int and 0 <= number <= MAX_TELEGRAM_ID for number in numbers)
    assert len(numbers) + received.unusable == len(batch)
    for update in received.updates:
        stored, payload = pack(update)
        assert stored.update_id == update["update_id"]
        assert orjson.loads(payload)["update_id"] == stored.update_id
        orjson.dumps({"dead_updates": [{"update": orjson.loads(payload)}]})


@given(updates() | st.dictionaries(texts, anything))
def test_any_update_can_be_read(update: Any) -> None:
    if not isinstance(update, dict):
        return
    incoming = IncomingUpdate.from_raw(update | {"update_id": 1})
    hash(incoming.chat_key)
    for number in (incoming.chat_id, incoming.user_id):
        assert number is None or abs(number) <= MAX_TELEGRAM_ID
    assert isinstance(incoming.membership, str | None)
    assert isinstance(incoming.text, str | None)
    assert isinstance(incoming.first_name, str)
    flaw = flaw_of(update)
    assert flaw is None or flaw.isprintable()


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_update_has_no_flaw(kind: str) -> None:
    update = {"update_id": 1, kind: SOUND[kind]}
    assert flaw_of(update) is None
    incoming, payload = pack(dict(update))
    assert (incoming.raw, payload) == (update, orjson.dumps(update))
    assert (incoming.kind, incoming.chat_id, incoming.user_id) == (kind, 1001, 1001)
    assert incoming.chat_key == ("chat", 1001)


async def test_a_bot_survives_anything_as_an_update(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()

    async def feed(batch: list[Any]) -> None:
        bot.feed.put(*json.loads(json.dumps(batch)))
        await bot.goes_on()

    # Each example has a moment of its own in the bot's life; what is fed is all it depends on.
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(updates(), max_size=5))
    def run(batch: list[Any]) -> None:
        asyncio.run_coroutine_threadsafe(feed(batch), loop).result(DEADLINE)

    await asyncio.to_thread(run)
    await bot.until_done()
    assert "stopped unexpectedly" not in caplog.text
    assert (await bot.owner.get(f"{BOTS}{bot.shown['id']}/dead_updates/")).status == 200
