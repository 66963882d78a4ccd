"""Streams of live events that go on where an earlier one was lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from support.client import Client, until
from support.event_stream import Stream, streaming
from support.talks import CAT, EARS, SQUARE, Talker, talker

from models.errors import StorageUnavailable
from runner.live import recent_events
from sandbox import Sandbox
from server.app import Botyard


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot that talks."""
    return await talker(ann, telegram, CAT)


async def read(talk: Talker, botyard: Botyard) -> Stream:
    """A stream that has shown a question of the bot, and was lost after it."""
    async with streaming(talk.owner) as stream:
        assert await talk.says("/start") == [SQUARE]
        await until(lambda: SQUARE in stream.texts(), "the question")
    await until(lambda: not botyard.services.runner.events.total, "the end of the stream")
    return stream


async def test_what_happens_while_nobody_reads_is_told_to_who_resumes(
    botyard: Botyard, talk: Talker
) -> None:
    before = await read(talk, botyard)
    assert await talk.says("да") == [EARS]
    async with streaming(talk.owner, last_id=before.last_id) as stream:
        await until(lambda: EARS in stream.texts(), "what was missed")
    assert "reset" not in stream.kinds()
    assert before.texts() + stream.texts() == ["/start", SQUARE, "да", EARS]


async def test_counters_go_on_for_who_resumes(botyard: Botyard, talk: Talker) -> None:
    before = await read(talk, botyard)
    hub, user_id = botyard.services.runner.events, talk.owner.user["pk"]
    assert await talk.says("да") == [EARS]

    def counted() -> bool:
        events = hub.subscribe(user_id, session_id="", last_id=before.last_id)
        hub.unsubscribe(user_id, events)
        return "counters" in [event.kind for event in events.missed or ()]

    await until(counted, "counters that nobody has read")


async def test_who_comes_back_late_begins_anew(
    botyard: Botyard, talk: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_events, "LINGER", 0.0)
    before = await read(talk, botyard)
    await until(lambda: not botyard.services.runner.events.users, "the end of the gathering")
    assert await talk.says("да") == [EARS]
    async with streaming(talk.owner, last_id=before.last_id) as stream:
        await until(stream.states, "the snapshot")
        assert stream.kinds()[:2] == ["reset", "state"]


async def test_nothing_is_counted_for_nobody(
    botyard: Botyard, talk: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_events, "LINGER", 0.0)
    await read(talk, botyard)

    def is_counting() -> bool:
        return "counters" in {task.get_name() for task in asyncio.all_tasks()}

    await until(lambda: not is_counting(), "the end of the counting")
    assert not botyard.services.runner.events.users


async def test_a_stream_ends_that_cannot_begin_anew(
    botyard: Botyard,
    talk: Talker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    services = botyard.services

    def away(*args: Any) -> None:
        raise StorageUnavailable("the database is away")

    async with streaming(talk.owner) as stream:
        assert await talk.says("/start") == [SQUARE]
        await until(lambda: SQUARE in stream.texts(), "an event that has an id")
        with monkeypatch.context() as patch:
            patch.setattr(services.runner.views, "_read", away)
            services.runner.events.restart()
            await until(lambda: stream.ended, "the end of the stream")
    await until(lambda: not services.runner.events.total, "the end of the request")
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [(record.name, record.getMessage()) for record in told] == [
        ("botyard.http", "GET /api/v1/events/: the database is away")
    ]
    async with streaming(talk.owner, last_id=stream.last_id) as again:
        await until(again.states, "the snapshot")
        assert again.kinds()[:2] == ["reset", "state"]


async def test_nothing_is_gathered_any_longer_when_the_server_ends(
    botyard: Botyard, talk: Talker
) -> None:
    await read(talk, botyard)
    hub = botyard.services.runner.events
    assert hub.users == {talk.owner.user["pk"]}
    async with streaming(talk.owner) as stream:
        hub.close()
        await until(lambda: stream.ended, "the end of the stream")
    await until(lambda: not hub.users, "the end of the gathering")
