"""Talks in memory: what is let go of, and what does not come back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from support.client import BOTS, Client, Clock
from support.talks import CAT, EARS, SQUARE, talker

from dialogs.scenarios import Conversation
from models.accounts.audit import OPERATOR
from models.dialogs import conversations
from models.messaging.effects import Talk, TalkKey
from runner.scenarios import memory
from runner.scenarios.memory import TalkMemory
from runner.scenarios.store import MAX_AGE, OVERHEAD, TalkCache, TalkStore
from sandbox import Sandbox
from server.app import Botyard

TALK = orjson.dumps(Conversation(1, "square").to_json())


def test_the_oldest_go_when_there_are_too_many() -> None:
    cache = TalkCache(3 * (OVERHEAD + len(TALK)))
    for key in range(5):
        cache.put((1, key), TALK)
    assert [cache.get((1, key)) for key in range(5)] == [None, None, TALK, TALK, TALK]


def test_a_talk_in_which_nothing_happens_is_read_anew() -> None:
    clock = Clock()
    cache = TalkCache(clock=clock)
    cache.put((1, "a"), TALK)
    clock.now += MAX_AGE
    assert cache.get((1, "a")) is TALK
    clock.now += 1
    assert cache.get((1, "a")) is None


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
    assert run.talks._memory.find(TalkKey(1001, 1001, 0)) == (False, None)


async def test_a_talk_that_was_deleted_elsewhere_is_forgotten_also_while_the_bot_starts(
    botyard: Botyard, ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, CAT)
    assert await talk.says("/start") == [SQUARE]
    runner = botyard.services.runner
    async with runner.manager.lock(talk.bot_id):  # as while it starts
        key = TalkKey(1001, 1001, 0)
        await botyard.services.db.write(conversations.delete, talk.bot_id, key, by=OPERATOR)
        look = runner.look_at_scenario(talk.bot_id)  # the bell of another server
        looking = asyncio.create_task(look, name="look at the scenario")
        await asyncio.sleep(0)
        assert await talk.says("да") == [SQUARE]
        assert not looking.done()
    await looking


# -- all talks of a bot in memory


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often talks are read, one or several."""
    counted: Counter[str] = Counter()
    for name in ("find", "some"):
        function = getattr(conversations, name)

        def read(*args: Any, _name: str = name, _function: Any = function, **options: Any) -> Any:
            counted[_name] += 1
            return _function(*args, **options)

        monkeypatch.setattr(conversations, name, read)
    return counted


async def test_a_bot_with_few_talks_reads_them_once(
    ann: Client, telegram: Sandbox, reads: Counter[str]
) -> None:
    talk = await talker(ann, telegram, CAT)
    for chat in range(1, 6):
        assert await talk.says("/start", chat=chat) == [SQUARE]
        assert await talk.says("да", chat=chat) == [EARS]
    assert reads == {"some": 1}


async def test_talks_of_an_earlier_run_are_read_together(
    ann: Client, telegram: Sandbox, reads: Counter[str]
) -> None:
    talk = await talker(ann, telegram, CAT)
    for chat in range(1, 6):
        assert await talk.says("/start", chat=chat) == [SQUARE]
    for active in (False, True):
        assert (await ann.patch(f"{BOTS}{talk.bot_id}/", {"active": active})).status == 200
    reads.clear()
    for chat in range(1, 6):
        assert await talk.says("да", chat=chat) == [EARS]
    assert await talk.says("да", chat=9) == [SQUARE]
    assert reads == {"some": 1}


async def test_of_many_talks_each_is_read(
    ann: Client, telegram: Sandbox, reads: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_READ", 2)
    talk = await talker(ann, telegram, CAT)
    for chat in range(1, 4):
        assert await talk.says("/start", chat=chat) == [SQUARE]
    for active in (False, True):
        assert (await ann.patch(f"{BOTS}{talk.bot_id}/", {"active": active})).status == 200
    reads.clear()
    for chat in range(1, 4):
        assert await talk.says("да", chat=chat) == [EARS]
    assert reads == {"some": 1, "find": 3}


class Disk(TalkStore):
    """Talks on a disk, of which a test says when they are read."""

    def __init__(self, *talks: Talk) -> None:
        self.cache = TalkCache(3 * (OVERHEAD + 100))
        self.rows = {talk.key: talk for talk in talks}
        self.meanwhile: list[Callable[[], None]] = []

    async def talk(self, bot_id: int, key: TalkKey) -> Talk | None:
        """Read one."""
        return self.rows.get(key)

    async def talks(self, bot_id: int, *, limit: int) -> list[Talk]:
        """Read several; then something happens."""
        rows = list(self.rows.values())[:limit]
        for event in self.meanwhile:
            event()
        return rows


def at(chat: int, state: str, number: int = 0) -> Talk:
    """A talk that stands in a state."""
    key = TalkKey(chat, chat, 0)
    return Talk(key, 1, orjson.dumps(Conversation(1, state).to_json()), memory=number)


async def stands(talks: TalkMemory, chat: int) -> str | None:
    """Where a talk stands, read if it must be."""
    key = TalkKey(chat, chat, 0)
    is_known, found = talks.find(key)
    found = found if is_known else await talks.read(key)
    return None if found is None else found.state


async def test_a_step_under_way_is_not_new_and_not_known() -> None:
    talks = TalkMemory(1, disk := Disk(at(1, "a")))
    assert (await stands(talks, 1), await stands(talks, 2)) == ("a", None)
    talks.take(TalkKey(1, 1, 0))
    assert talks.find(TalkKey(1, 1, 0)) == (False, None)
    assert await stands(talks, 1) == "a"  # its commit may have failed
    disk.rows[TalkKey(1, 1, 0)] = at(1, "b")
    talks.put(at(1, "b", talks.number))
    assert await stands(talks, 1) == "b"


async def test_a_step_that_ends_while_all_are_read_is_not_undone() -> None:
    talks = TalkMemory(1, disk := Disk(at(1, "a"), at(2, "a")))
    talks.take(TalkKey(1, 1, 0))
    disk.meanwhile = [lambda: talks.put(at(1, "b", talks.number))]
    assert await stands(talks, 2) == "a"
    assert await stands(talks, 1) == "b"


async def test_what_was_let_go_of_is_read_again() -> None:
    talks = TalkMemory(1, Disk(at(1, "a")))
    assert await stands(talks, 9) is None
    for chat in range(2, 6):
        talks.put(at(chat, "b", talks.number))
    assert talks.find(TalkKey(1, 1, 0)) == (False, None)
    assert await stands(talks, 1) == "a"


async def test_talks_that_move_are_read() -> None:
    talks = TalkMemory(1, disk := Disk(at(1, "a")))
    assert await stands(talks, 1) == "a"
    talks.change_chat()
    disk.rows = {TalkKey(-5, -5, 0): at(-5, "a")}
    assert await stands(talks, -5) == "a"
    talks.forget()
    assert await stands(talks, 1) is None
    assert not disk.cache.has_all(talks.number)


async def test_all_are_forgotten() -> None:
    talks = TalkMemory(1, disk := Disk(at(1, "a")))
    assert await stands(talks, 1) == "a"
    disk.rows.clear()
    disk.meanwhile = [talks.forget]
    talks.forget()
    assert await stands(talks, 1) is None
    assert not disk.cache.has_all(talks.number)
    disk.meanwhile = []
    assert await stands(talks, 2) is None
    assert disk.cache.has_all(talks.number)


async def test_nothing_is_noted_of_runs_that_have_ended(
    botyard: Botyard, ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, CAT)
    for _ in range(3):
        assert await talk.says("/start") == [SQUARE]
        for active in (False, True):
            assert (await ann.patch(f"{BOTS}{talk.bot_id}/", {"active": active})).status == 200
    assert await talk.says("да") == [EARS]
    cache = botyard.services.runner.talks.cache
    assert len(cache._complete) == 1
