"""A process's own connection: bells, and what is left of it when PostgreSQL ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from support.client import DEADLINE, Client, register, until
from support.ensemble import Ensemble, Two
from support.owners import Owner, link_of, owner
from support.servers_state import elsewhere, polled_elsewhere

from models.cluster.link import Link, Vitals
from models.engine.doorbell import IDS_A_BELL, Bell
from models.errors import StorageUnavailable
from sandbox import Sandbox

END = (
    "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity "
    "WHERE application_name = %s AND datname = current_database()"
)


@pytest.fixture
async def mine(pg_url: str) -> AsyncIterator[Owner]:
    """A process, and the row of another one."""
    async with owner(pg_url) as one:
        yield one


@pytest.fixture
async def link(mine: Owner) -> AsyncIterator[Link]:
    """Its connection, which listens."""
    one = link_of(mine)
    assert await one.beat(mine.id, Vitals()) is not None
    yield one
    await one.close()


async def hear(link: Link, count: int) -> list[tuple[Bell, list[int]]]:
    """Wait for so many bells."""
    heard: list[tuple[Bell, list[int]]] = []
    async with asyncio.timeout(DEADLINE):
        while len(heard) < count:
            heard += await link.bells(timeout=1.0)
    return heard


async def test_bells_of_other_connections_are_heard(mine: Owner, link: Link) -> None:
    await mine.db.ring(Bell.WISH, [3, 4])
    await mine.rows("SELECT pg_notify('botyard', 'of-a-later-version 1 2')")
    await mine.rows("SELECT pg_notify('botyard', 'wish x')")
    await mine.db.ring(Bell.FREE, [])
    assert await hear(link, 2) == [(Bell.WISH, [3, 4]), (Bell.FREE, [])]


async def test_a_bell_with_many_ids_is_several(mine: Owner, link: Link) -> None:
    ids = list(range(10**9, 10**9 + 2 * IDS_A_BELL + 1))
    await mine.db.ring(Bell.RUNS, ids)
    heard = await hear(link, 3)
    assert [bell for bell, _ in heard] == [Bell.RUNS] * 3
    assert [number for _, some in heard for number in some] == ids


async def test_a_bell_during_a_beat_is_not_lost(mine: Owner, link: Link) -> None:
    await mine.db.ring(Bell.WISH, [3])
    assert await link.beat(mine.id, Vitals()) is not None  # reads it on the way
    await mine.db.ring(Bell.WISH, [4])
    assert await hear(link, 2) == [(Bell.WISH, [3]), (Bell.WISH, [4])]


async def test_nothing_is_heard_of_a_transaction_that_is_undone(mine: Owner, link: Link) -> None:
    async with await mine.connect() as other:
        await other.execute("SELECT pg_notify('botyard', 'wish 1')")
        await other.rollback()
    await mine.db.ring(Bell.WISH, [2])
    assert await hear(link, 1) == [(Bell.WISH, [2])]


async def test_a_connection_that_was_ended_is_opened_again(mine: Owner, link: Link) -> None:
    waiting = asyncio.create_task(link.bells(timeout=DEADLINE))
    await asyncio.sleep(0)
    assert (await mine.rows(END, mine.fence.session))[0][0] > 0
    with pytest.raises(StorageUnavailable):
        await waiting
    seen = await link.beat(mine.id, Vitals())
    assert seen is not None
    assert {one.id for one in seen} == {mine.id, mine.other}
    with suppress(StorageUnavailable):  # so was the writer's
        await mine.db.ring(Bell.WISH, [5])
    await mine.db.ring(Bell.WISH, [6])
    assert (Bell.WISH, [6]) in [*await hear(link, 1), *await link.bells(timeout=0.1)]


@pytest.mark.early
async def test_wishes_whose_bells_nobody_hears_are_carried_out(
    ensemble: Ensemble, two: Two
) -> None:
    sessions = dict(await ensemble.rows("SELECT name, session FROM processes"))
    for active in (False, True) * 2:
        await ensemble.rows(END, sessions["one"])  # it listens again after a moment
        answer = await two.there.patch(two.path, {"active": active})
        state = "running" if active else "stopped"
        assert (answer.status, answer.json["status"]["state"]) == (200, state), answer.text
        await ensemble.rows(END, sessions["two"])
        assert (await two.here.status_of(two.made))["state"] == state


@pytest.mark.early
async def test_servers_run_what_the_database_says_when_it_is_back(
    ensemble: Ensemble, telegram: Sandbox
) -> None:
    """A promoted standby may lack the commits with which one gave a bot to another."""
    await ensemble.start("one")
    await ensemble.start("two", **elsewhere(ensemble))
    ann = await register(Client(ensemble.http, ensemble.servers["one"].url))
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    rows = await ensemble.rows("SELECT name, id, session FROM processes")
    ids = {name: number for name, number, _ in rows}
    await until(lambda: polled_elsewhere(ensemble, [bot]) == {bot.id: False}, "the first owner")
    await ensemble.rows("UPDATE bots SET owner_id = %s RETURNING id", ids["two"])
    for _, _, session in rows:
        await ensemble.rows(END, session)
    await until(lambda: polled_elsewhere(ensemble, [bot]) == {bot.id: True}, "the second owner")
    telegram.send_message(bot.id, text="who is there?")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    await until(lambda: polled_elsewhere(ensemble, [bot]) == {bot.id: True}, "the second owner")
