"""Servers that freeze, die and lose their database, while users write."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from support.client import until
from support.ensemble import Ensemble
from support.postgresql import PostgreSQL
from support.servers_state import add_bots, beats, logged, owned, owners, until_shared


@pytest.mark.slow
async def test_a_server_that_is_frozen_for_long_begins_anew(ensemble: Ensemble) -> None:
    await ensemble.start("one", "two")
    load = await add_bots(ensemble, "one", 8)
    await until_shared(ensemble, "one", "two", each=4)
    before = dict(await ensemble.rows("SELECT name, id FROM processes"))
    async with load.writing():
        await load.go_on(3)
        frozen = ensemble.servers["one"].process
        frozen.send_signal(signal.SIGSTOP)
        try:
            await load.go_on(8)  # these are more than eight seconds
            assert await owned(ensemble) == {"two": 8}
        finally:
            frozen.send_signal(signal.SIGCONT)
        await until_shared(ensemble, "one", "two", each=4)
        await load.go_on(2)
    repeated = await load.finish(repeats=1)
    after = dict(await ensemble.rows("SELECT name, id FROM processes"))
    assert after["two"] == before["two"] != before["one"] < after["one"]
    assert logged(ensemble, "one", "this process was declared dead: it stops its bots")
    assert load.conflicts() <= 2 * len(load.bots), "no storm of polls at once"
    print(f"{sum(load.asked.values())} messages, {repeated} repeated, 409: {load.conflicts()}")


@pytest.mark.slow
async def test_a_server_that_is_frozen_for_a_moment_keeps_its_bots(ensemble: Ensemble) -> None:
    await ensemble.start("one", "two")
    load = await add_bots(ensemble, "one", 4)
    await until_shared(ensemble, "one", "two", each=2)
    before = await owners(ensemble)
    async with load.writing():
        await load.go_on(2)
        frozen = ensemble.servers["one"].process
        frozen.send_signal(signal.SIGSTOP)
        await asyncio.sleep(2.0)  # nothing to wait for: the time is what is tested
        frozen.send_signal(signal.SIGCONT)
        await beats(ensemble)
    assert await load.finish(repeats=0) == 0
    assert await owners(ensemble) == before
    assert load.conflicts() == 0


@pytest.fixture
async def own(ensemble: Ensemble, tmp_path: Path) -> AsyncIterator[tuple[Ensemble, PostgreSQL]]:
    """Servers that are not started yet, with a PostgreSQL that may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="botyard-pg-"))
    postgresql = PostgreSQL(folder, durable=True)
    postgresql.create()
    postgresql.start()
    try:
        async with AsyncExitStack() as stack:
            yield replace(ensemble, url=postgresql.url(), stack=stack, servers={}), postgresql
    finally:
        postgresql.stop("immediate")
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "seconds"), [("fast", 3.0), ("immediate", 12.0)])
async def test_an_outage_of_the_database_moves_no_bot(
    own: tuple[Ensemble, PostgreSQL], mode: str, seconds: float
) -> None:
    ensemble, postgresql = own
    await ensemble.start("one", "two")
    load = await add_bots(ensemble, "one", 6)
    await until_shared(ensemble, "one", "two", each=3)
    before = await owners(ensemble)
    async with load.writing():
        await load.go_on(2)
        await asyncio.to_thread(postgresql.stop, mode)
        await asyncio.sleep(seconds)  # nothing to wait for: the time is what is tested
        await asyncio.to_thread(postgresql.start)
        await beats(ensemble)
        await load.go_on(1)
    repeated = await load.finish(repeats=1)
    assert await owners(ensemble) == before
    assert not [line for one in ["one", "two"] for line in logged(ensemble, one, "is dead")]
    print(f"{sum(load.asked.values())} messages, {repeated} repeated")


@pytest.mark.early
async def test_a_server_that_is_started_again_takes_its_bots_at_once(ensemble: Ensemble) -> None:
    await ensemble.start("one", "two")
    load = await add_bots(ensemble, "one", 2)
    ((before,),) = await ensemble.rows("SELECT id FROM processes WHERE name = 'one'")
    await ensemble.servers["one"].end(signal.SIGKILL)
    load.write()
    await ensemble.start("one")
    assert logged(ensemble, "one", f"process {before} has ended: its bots are free")
    await until(load.is_answered, "answers")
    assert not logged(ensemble, "two", "is dead"), "nobody had to wait for that"


async def test_two_servers_of_one_name_in_one_folder_refuse(ensemble: Ensemble) -> None:
    await ensemble.start("one")
    with pytest.raises(AssertionError, match=r"a server runs on .* with the same name"):
        await ensemble.start("one")
    assert [name for (name,) in await ensemble.rows("SELECT name FROM processes")] == ["one"]


async def test_a_server_that_is_restarted_does_not_wait_for_the_locks_of_its_predecessor(
    ensemble: Ensemble,
) -> None:
    await ensemble.start("one")
    load = await add_bots(ensemble, "one", 1)
    ((before, session),) = await ensemble.rows("SELECT id, session FROM processes")
    await ensemble.servers["one"].end(signal.SIGKILL)
    stuck = await ensemble.connect(session)
    await stuck.execute("SELECT 1 FROM processes WHERE id = %s FOR KEY SHARE", (before,))
    await ensemble.start("one")
    assert logged(ensemble, "one", f"process {before} has ended: its bots are free")
    await stuck.close()
    load.write()
    await until(load.is_answered, "answers")
