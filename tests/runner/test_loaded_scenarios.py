"""Versions of scenarios in memory: they are read once for all who wait, and bounded."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from support.client import Client, until
from support.talks import CAT, talker

from bench.dense_scenario import dense_scenario
from dialogs.scenarios import load, template
from models.dialogs import scenarios
from models.engine.database import Database
from models.errors import StorageUnavailable
from runner.scenarios.loaded import MAX_VERSIONS, Loaded, ScenarioCache
from runner.scenarios.store import TalkStore
from sandbox import Sandbox

SCENARIO = load(template(CAT))


def loaded(n: int, length: int = 1000) -> Loaded:
    """A version of a scenario whose document has a length in bytes."""
    return Loaded(SCENARIO.at(n), 0, length)


ANY = loaded(1)
SIZE = ANY.size


def kept(cache: ScenarioCache, bot_id: int, versions: range) -> list[int]:
    """Which of a bot's versions are in memory."""
    return [n for n in versions if cache.get(bot_id, n) is not None]


def count_readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of each version that is read from now on."""
    readings: list[int] = []
    find = scenarios.find

    def counted(bot_id: int, n: int) -> Any:
        readings.append(n)
        return find(bot_id, n)

    monkeypatch.setattr(scenarios, "find", counted)
    return readings


def test_of_a_bot_the_latest_version_stays_and_the_least_used_goes() -> None:
    cache = ScenarioCache()
    for n in (9, *range(1, MAX_VERSIONS)):
        cache.put(1, loaded(n))
    assert cache.get(1, 1) is not None
    cache.put(1, loaded(5))
    assert kept(cache, 1, range(10)) == [1, 3, 5, 9]
    cache.put(1, loaded(6))
    assert kept(cache, 1, range(10)) == [3, 5, 6, 9]


def test_of_all_bots_those_that_are_idle_go_when_memory_is_full() -> None:
    cache = ScenarioCache(3 * SIZE)
    for bot_id, n in ((1, 2), (1, 1), (2, 1)):
        cache.put(bot_id, loaded(n))
    cache.put(3, loaded(1))
    assert kept(cache, 1, range(3)) == [2]  # the older version before the one that runs
    cache.put(4, loaded(1))  # since then, bot 2 is the one that has been idle for longest
    assert [kept(cache, bot_id, range(3)) for bot_id in (1, 2, 3, 4)] == [[2], [], [1], [1]]
    cache.put(5, loaded(1, 10**9))  # more than the limit alone
    assert (len(cache), kept(cache, 5, range(3))) == (1, [1])


def test_a_thousand_bots_with_a_scenario_of_usual_size_are_all_in_memory() -> None:
    cache = ScenarioCache()
    usual = loaded(1, len(orjson.dumps(template("order.ru"))))
    for bot_id in range(1000):
        cache.put(bot_id, usual)
    assert len(cache) == 1000


async def test_chats_that_wait_for_a_version_share_one_reading(
    ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talker(ann, telegram)
    await talk.publish(dense_scenario(100))
    readings = count_readings(monkeypatch)
    chats = range(1, 31)
    for chat in chats:
        telegram.send_message(talk.bot.id, text="/start", chat_id=chat)
    await until(lambda: all(talk.texts(chat) for chat in chats), "an answer in each chat")
    assert readings == [1]


async def test_talks_in_older_versions_do_not_read_them_for_each_message(
    ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talker(ann, telegram)
    versions = range(1, MAX_VERSIONS + 3)
    for n in versions:
        only_here = {"say": f"v{n}", "on": [{"content": "any", "say": "still"}]}
        await talk.publish({"start": f"s{n}", "states": {f"s{n}": only_here}})
        await talk.says("/start", chat=n)
    readings = count_readings(monkeypatch)
    for _ in range(3):
        for n in (1, 2, versions[-1]):
            assert await talk.says("hi", chat=n) == ["still"]
    assert set(readings) <= {1, 2}
    assert len(readings) <= 2


class Stand:
    """A store whose readings wait until they are let go on, or fail."""

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = TalkStore(db)
        self.readings: list[asyncio.Future[Loaded]] = []
        monkeypatch.setattr(self.store, "_read", self._read)

    async def _read(self, bot_id: int, n: int) -> Loaded:
        self.readings.append(asyncio.get_running_loop().create_future())
        return await self.readings[-1]

    def wait(self, waiters: int) -> list[asyncio.Task[Loaded | None]]:
        """Begin to wait for a version, several times."""
        return [asyncio.create_task(self.store.scenario(1, 1)) for _ in range(waiters)]


@pytest.fixture
def stand(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(Database(database_url), monkeypatch)


async def test_all_that_wait_get_the_failure_and_the_next_tries_again(stand: Stand) -> None:
    waiters = stand.wait(3)
    await until(lambda: bool(stand.readings), "a reading")
    stand.readings[0].set_exception(StorageUnavailable("away"))
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(one) for one in results] == [StorageUnavailable] * 3
    [again] = stand.wait(1)
    await until(lambda: len(stand.readings) == 2, "another reading")
    stand.readings[1].set_result(ANY)
    assert await again is ANY


async def test_one_that_does_not_wait_any_longer_takes_nothing_from_the_others(
    stand: Stand,
) -> None:
    reader, impatient, other = stand.wait(3)
    await until(lambda: bool(stand.readings), "a reading")
    impatient.cancel()
    await asyncio.wait({impatient})
    reader.cancel()
    await until(lambda: len(stand.readings) == 2, "a reading by another one")
    stand.readings[1].set_result(ANY)
    assert await other is ANY
    assert reader.cancelled()
