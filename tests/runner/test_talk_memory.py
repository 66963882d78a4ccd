"""Talks in memory: what is let go of, and what does not come back."""

from __future__ import annotations

from typing import Any

from support.client import Client, Clock
from support.talks import CAT, EARS, SQUARE, talker

from dialogs.scenarios import Conversation
from models.messaging.effects import TalkKey
from runner.scenarios.store import MAX_AGE, OVERHEAD, TalkCache
from sandbox import Sandbox
from server.app import Botyard

TALK = Conversation(1, "square")


def test_the_oldest_go_when_there_are_too_many() -> None:
    cache = TalkCache(3 * (OVERHEAD + 10))
    for key in range(5):
        cache.put(key, TALK, 10)
    assert [cache.get(key) for key in range(5)] == [None, None, TALK, TALK, TALK]


def test_a_talk_in_which_nothing_happens_is_read_anew() -> None:
    clock = Clock()
    cache = TalkCache(clock=clock)
    cache.put("a", TALK, 10)
    clock.now += MAX_AGE
    assert cache.get("a") is TALK
    clock.now += 1
    assert cache.get("a") is None


async def test_a_step_under_way_while_talks_are_deleted_leaves_nothing_in_memory(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: Any
) -> None:
    talk = await talker(ann, telegram, CAT)
    run: Any = botyard.services.runner.manager.run(talk.bot_id)
    assert await talk.says("/start") == [SQUARE]
    store = run.talks.stored

    def deleted_before(stored: Any) -> None:
        run.talks.forget()
        store(stored)

    monkeypatch.setattr(run.processor._in_hand._after._talks, "stored", deleted_before)
    assert await talk.says("да") == [EARS]
    cache = botyard.services.runner.talks.cache
    assert cache.get(run.talks._cached(TalkKey(1001, 1001, 0))) is None
