"""Servers that lose their lines to PostgreSQL or to Telegram."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from support.ensemble import Ensemble
from support.servers_state import add_bots, logged, owned, until_shared
from support.tcp_proxy import TcpProxy
from yarl import URL


@pytest.fixture
async def line_to_telegram(ensemble: Ensemble) -> AsyncIterator[TcpProxy]:
    """What is between a server and Telegram."""
    proxy = TcpProxy("127.0.0.1", URL(ensemble.telegram.url).port or 0)  # type: ignore[attr-defined]
    await proxy.open()
    yield proxy
    await proxy.close()


@pytest.fixture
async def line_to_database(ensemble: Ensemble) -> AsyncIterator[TcpProxy]:
    """What is between a server and PostgreSQL."""
    proxy = TcpProxy("127.0.0.1", URL(ensemble.url).port or 0)
    await proxy.open()
    yield proxy
    await proxy.close()


@pytest.mark.slow
@pytest.mark.parametrize("is_silent", [True, False])
async def test_a_server_that_does_not_reach_telegram_gives_its_bots_away(
    ensemble: Ensemble, line_to_telegram: TcpProxy, is_silent: bool
) -> None:
    url = f"http://127.0.0.1:{line_to_telegram.port}"
    await ensemble.start("one", BOTYARD_TELEGRAM_API_URL=url)
    await ensemble.start("two")
    load = await add_bots(ensemble, "two", 6)
    await until_shared(ensemble, "one", "two", each=3)
    async with load.writing():
        await load.go_on(2)
        if is_silent:
            line_to_telegram.black_hole()
        else:
            await line_to_telegram.close()
        async with asyncio.timeout(30):
            while await owned(ensemble) != {"one": 0, "two": 6}:
                await asyncio.sleep(0.1)
        await load.go_on(2)
        if is_silent:
            line_to_telegram.heal()
            line_to_telegram.cut()
        else:
            await line_to_telegram.open()
        await load.go_on(2)
    await load.finish(repeats=1)
    if is_silent:
        await until_shared(ensemble, "one", "two", each=3)
    assert not logged(ensemble, "two", "is dead")


@pytest.mark.slow
async def test_a_server_that_does_not_reach_postgresql_begins_anew(
    ensemble: Ensemble, line_to_database: TcpProxy
) -> None:
    direct = URL(ensemble.url)
    await ensemble.start("one", BOTYARD_DATABASE_URL=str(direct.with_port(line_to_database.port)))
    await ensemble.start("two")
    load = await add_bots(ensemble, "two", 6)
    await until_shared(ensemble, "one", "two", each=3)
    async with load.writing():
        await load.go_on(2)
        line_to_database.black_hole()
        async with asyncio.timeout(30):
            while await owned(ensemble) != {"two": 6}:
                await asyncio.sleep(0.1)
        await load.go_on(6)
        line_to_database.heal()
        await until_shared(ensemble, "one", "two", each=3)
        await load.go_on(2)
    print("repeated:", await load.finish(repeats=1))


@pytest.mark.slow
async def test_a_heartbeat_that_hangs_does_not_hang_for_ever(ensemble: Ensemble) -> None:
    await ensemble.start("one", "two")
    load = await add_bots(ensemble, "one", 4)
    await until_shared(ensemble, "one", "two", each=2)
    query = (
        "SELECT pid FROM pg_stat_activity JOIN processes ON session = application_name "
        "WHERE name = 'one' AND query LIKE '%%FROM processes' OR query LIKE 'UPDATE processes%%'"
    )
    rows: list[tuple[int]] = []
    async with asyncio.timeout(30):
        while not rows:
            rows = await ensemble.rows(query)
    before = dict(await ensemble.rows("SELECT name, beat FROM processes"))
    os.kill(rows[0][0], signal.SIGSTOP)
    try:
        async with asyncio.timeout(30):
            while True:
                now = dict(await ensemble.rows("SELECT name, beat FROM processes"))
                if now["one"] > before["one"] + 3:
                    break
                await asyncio.sleep(0.1)
        load.write()
        await load.finish(repeats=0)
        assert not logged(ensemble, "two", "is dead")
    finally:
        os.kill(rows[0][0], signal.SIGCONT)


@pytest.mark.slow
async def test_bots_that_could_not_be_given_away_run_on(ensemble: Ensemble) -> None:
    await ensemble.start("one")
    load = await add_bots(ensemble, "one", 4)
    ((session, last),) = await ensemble.rows(
        "SELECT session, max(bots.id) FROM processes, bots GROUP BY session"
    )
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s "
        "AND wait_event_type = 'Lock'"
    )
    other = await ensemble.connect("another")
    await other.execute("UPDATE bots SET title = 'x' WHERE id = %s", (last,))
    await ensemble.start("two")  # so that one gives half of the bots away, or tries to
    for is_waiting in (True, False):
        async with asyncio.timeout(30):
            while bool((await ensemble.rows(waiting, session))[0][0]) != is_waiting:
                await asyncio.sleep(0.05)
    await other.rollback()
    await other.close()
    load.write()
    await load.finish(repeats=0)
