"""The live stream of one's bots."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jsonschema_rs
import pytest
from support.client import ADMIN_USERS, BOTS, DEADLINE, Client, until
from telegram.ext import Application

import handlers.events
import runner.live.recent_events
from runner.live.events import EventKind
from runner.telegram.application import Turn
from sandbox import Sandbox
from server.app import Botyard

EVENTS = "/api/v1/events/"
Seen = dict[str, Any]


class Stream:
    """A reader of server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id: str | None = None

    async def next(self) -> Seen:
        """The next event, as {event, id, ...data}; comments as {comment}."""
        fields: Seen = {}
        async with asyncio.timeout(DEADLINE):
            while line := (await self.response.content.readline()).decode():
                line = line.rstrip("\n")
                if line.startswith(":"):
                    fields["comment"] = line
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields and set(fields) != {"retry"}:
                    return self._seen(fields)
                else:
                    fields = {}
        raise EOFError

    def _seen(self, fields: Seen) -> Seen:
        self.last_id = fields.pop("id", self.last_id)
        return fields | json.loads(fields.pop("data", "{}"))

    async def until(self, **wanted: Any) -> Seen:
        """Read on to an event that has these values."""
        while True:
            seen = await self.next()
            if all(seen.get(name) == value for name, value in wanted.items()):
                return seen

    async def ended(self) -> None:
        """Read on to the end."""
        with pytest.raises(EOFError):
            while True:
                await self.next()


@asynccontextmanager
async def stream(client: Client, **headers: str) -> AsyncIterator[Stream]:
    """An open stream."""
    headers["Authorization"] = f"Bearer {client.key}"
    async with client.http.get(client.url + EVENTS, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Stream(response)


async def test_a_new_stream_begins_with_how_every_bot_is(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot())
    async with stream(ann) as events:
        state, counters = await events.next(), await events.next()
    assert (state["event"], state["id"], state["state"]) == ("state", made["id"], "running")
    assert (counters["event"], counters["pending"], counters["dead"]) == ("counters", 0, 0)


async def test_a_message_is_told_with_its_chat(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    async with stream(ann) as events:
        telegram.send_message(bot.id, text="hello", chat_id=7)
        seen = [await events.until(event="message") for _ in range(2)]
        chat = await events.until(event="chat")
    assert {event["id"] for event in (*seen, chat)} == {made["id"]}
    assert [event["message"]["direction"] for event in seen] == ["in", "out"]
    shown = (await ann.get(f"{BOTS}{made['id']}/chats/7/")).json
    assert chat["chat_id"] == shown["chat_id"] == 7
    assert chat["chat"]["unread"] == 1


async def test_nobody_is_told_of_another_accounts_messages(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    mine, others = telegram.add_bot(), telegram.add_bot()
    await ann.add_bot(mine)
    await bob.add_bot(others)
    async with stream(bob) as events:
        telegram.send_message(mine.id, text="for Ann", chat_id=7)
        await telegram.wait_sent(mine.id, timeout=DEADLINE)
        telegram.send_message(others.id, text="for Bob", chat_id=8)
        first = await events.until(event="message")
    assert first["message"]["text"] == "for Bob"


async def test_data_is_what_the_document_says(ann: Client, telegram: Sandbox) -> None:
    document = (await ann.get("/openapi.json")).json
    made = await ann.add_bot(telegram.add_bot())
    async with stream(ann) as events:
        seen = [await events.next(), await events.next()]
        await ann.delete(f"{BOTS}{made['id']}/")
        seen.append(await events.until(event="deleted"))
    for event in seen:
        name = f"Bot{event.pop('event').capitalize()}Event"
        schema = document["components"]["schemas"][name]
        assert event.keys() == schema["properties"].keys() == set(schema["required"]), name
        root = schema | {"components": document["components"]}
        jsonschema_rs.Draft202012Validator(root, validate_formats=True).validate(event)


async def test_every_change_of_state_is_told(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    async with stream(ann) as events:
        await events.until(event="counters")
        await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
        await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
        states = [(await events.until(event="state"))["state"] for _ in range(4)]
        assert states == ["stopping", "stopped", "starting", "running"]
        telegram.revoke(bot.id)
        failed = await events.until(event="state")
        assert (failed["state"], failed["reason"]) == ("failed", "token_revoked")
        await ann.delete(f"{BOTS}{made['id']}/")
        assert (await events.until(event="deleted"))["id"] == made["id"]


async def test_counters_follow_the_messages(
    ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_update, go_on = Application.process_update, asyncio.Event()

    async def process(application: Any, turn: Turn) -> None:
        await go_on.wait()
        await process_update(application, turn)

    monkeypatch.setattr(Application, "process_update", process)
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    async with stream(ann) as events:
        await events.until(event="counters", pending=0)
        # the first look at the counters is what later ones are compared with
        await until(lambda: ann_counted(events))
        telegram.send_message(bot.id, text="x")
        await events.until(event="counters", pending=1)
        go_on.set()
        await events.until(event="counters", pending=0)


def ann_counted(_: Stream) -> bool:
    """Whether the task that counts runs."""
    return any(task.get_name() == "counters" for task in asyncio.all_tasks())


async def test_a_stream_shows_nobody_elses_bots(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    await bob.add_bot(telegram.add_bot())
    async with stream(ann) as events:
        await bob.add_bot(telegram.add_bot())
        mine = await ann.add_bot(telegram.add_bot())
        assert (await events.next())["id"] == mine["id"]


async def test_a_stream_resumes_after_the_last_event_that_was_seen(
    ann: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    async with stream(ann) as events:
        await events.until(event="counters")  # what the stream begins with has no ids
        await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
        await events.until(event="state", state="stopping")
        last_id = events.last_id
    assert last_id
    await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
    async with stream(ann, **{"Last-Event-ID": last_id}) as events:
        states = [(await events.until(event="state"))["state"] for _ in range(3)]
    assert states == ["stopped", "starting", "running"]


async def test_an_unknown_last_event_id_begins_anew(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot())
    async with stream(ann, **{"Last-Event-ID": "0-77"}) as events:
        assert (await events.next())["event"] == "reset"
        assert (await events.next())["id"] == made["id"]


async def test_silence_is_filled_with_heartbeats(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.events, "HEARTBEAT", 0.05)
    async with stream(ann) as events:
        assert "comment" in await events.next()
        assert "comment" in await events.next()


async def test_the_stream_ends_when_the_key_does(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.events, "HEARTBEAT", 0.05)
    async with stream(ann) as events:
        await events.next()
        await ann.post("/rest-auth/logout/")
        await events.ended()


async def test_the_stream_ends_when_the_account_is_disabled(
    root: Client, ann: Client, telegram: Sandbox
) -> None:
    await ann.add_bot(telegram.add_bot())
    async with stream(ann) as events:
        await events.next()
        await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
        await events.ended()


async def test_without_a_key_there_is_no_stream(anonymous: Client) -> None:
    assert (await anonymous.get(EVENTS)).status == 401


async def test_a_slow_reader_is_cut(
    ann: Client, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.events, "SLOW", 0.2)
    hub = botyard.services.runner.events
    user_id = ann.user["pk"]
    # a reader that opens the stream and never reads
    host, port = botyard.url.removeprefix("http://").split(":")
    _reader, writer = await asyncio.open_connection(host, int(port), limit=1)
    request = f"GET {EVENTS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {ann.key}\r\n\r\n"
    writer.write(request.encode())
    await until(lambda: hub.readers(user_id) == 1, "the stream")
    kind, bot_ids = EventKind.DELETED, itertools.count(10**15)
    async with asyncio.timeout(DEADLINE):
        while hub.readers(user_id):
            for _ in range(200):
                hub.publish(user_id, kind, next(bot_ids))
            await asyncio.sleep(0)
    writer.close()
    assert hub.total == 0


async def test_a_reader_that_goes_is_forgotten(
    ann: Client, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.live.recent_events, "LINGER", 0.0)
    hub = botyard.services.runner.events
    async with stream(ann) as events:
        assert hub.readers(ann.user["pk"]) == 1
        events.response.close()
    await until(lambda: hub.total == 0, "the end of the stream")
    await until(lambda: not hub.users, "nobody's events")


async def test_more_streams_than_allowed_are_refused(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.events, "STREAMS", 1)
    async with stream(ann):
        answer = await ann.get(EVENTS)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "10")


async def test_an_open_stream_does_not_hold_up_the_end_of_the_server(
    ann: Client, botyard: Botyard
) -> None:
    async with stream(ann) as events:
        async with asyncio.timeout(DEADLINE):
            await botyard.drain(10 * DEADLINE)
        with pytest.raises((EOFError, aiohttp.ClientError)):
            while True:
                await events.next()


async def test_a_busy_stream_ends_with_its_login(ann: Client, botyard: Botyard) -> None:
    async with stream(ann) as events:
        await ann.post("/rest-auth/logout/")
        await events.ended()


async def test_head_of_the_stream_ends(ann: Client) -> None:
    answer = await ann.request("HEAD", EVENTS)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")


async def test_a_client_that_leaves_before_its_body_leaves_nothing_behind(
    ann: Client, botyard: Botyard
) -> None:
    host, port = botyard.url.removeprefix("http://").split(":")
    for _ in range(5):
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"GET {EVENTS} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n"
        writer.write(f"{head}Authorization: Bearer {ann.key}\r\n\r\n".encode())
        await writer.drain()
        writer.close()
    async with asyncio.timeout(DEADLINE):
        await botyard.services.traffic.idle()
