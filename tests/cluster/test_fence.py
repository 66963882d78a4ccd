"""The fence: PostgreSQL's locks order the writes of an owner and its being taken over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import psycopg
import pytest
from support.client import DEADLINE
from support.owners import Owner, link_of, owner

from models.cluster import processes
from models.cluster.link import SeenProcess, Vitals
from models.engine.connection import LOCK_TIMEOUT, is_lock_timeout
from models.errors import ProcessLost, StorageUnavailable
from runner.cluster import peers

FENCE = "SELECT 1 FROM processes WHERE id = %s FOR KEY SHARE"


@pytest.fixture
async def mine(pg_url: str) -> AsyncIterator[Owner]:
    """A process, and the row of another one."""
    async with owner(pg_url) as one:
        yield one


def seen(number: int) -> SeenProcess:
    """A process as it was read."""
    return SeenProcess(number, 0, "other", False, True)


async def test_a_heartbeat_passes_while_a_fenced_transaction_is_open(mine: Owner) -> None:
    held = mine.hold()
    await held.began()
    link = link_of(mine)
    try:
        read = await link.beat(mine.id, Vitals())
    finally:
        await link.close()
    assert read is not None
    assert {one.id: one.beat for one in read} == {mine.id: 1, mine.other: 0}
    await held.end()


async def test_a_takeover_waits_for_a_transaction_and_then_the_next_fence_is_refused(
    mine: Owner,
) -> None:
    bot = await mine.add_bot(mine.id)
    held = mine.hold(lambda: processes.release_unwanted(mine.id))
    await held.began()
    async with await mine.connect() as other:
        taking = asyncio.create_task(
            other.execute("DELETE FROM processes WHERE id = %s AND beat = 0", (mine.id,))
        )
        await mine.until_waiting()
        assert not taking.done()
        await held.end()
        assert (await taking).rowcount == 1
    assert mine.lost == []
    with pytest.raises(ProcessLost):
        await mine.db.write_as_owner(processes.claim, mine.id, limit=1)
    assert mine.lost == [True]
    assert await mine.owner_of(bot) is None, "the foreign key has freed it"


async def test_a_takeover_waits_for_the_transaction_of_the_dead(mine: Owner) -> None:
    bot = await mine.add_bot(mine.other)
    async with await mine.connect() as dead:
        await dead.execute(FENCE, (mine.other,))
        await dead.execute("UPDATE bots SET update_offset = 7 WHERE id = %s", (bot,))
        taking = asyncio.create_task(mine.db.write_as_owner(processes.take_over, mine.other, 0))
        await mine.until_waiting()
        await dead.commit()
        assert await taking
        assert (await dead.execute(FENCE, (mine.other,))).rowcount == 0
    rows = await mine.rows("SELECT owner_id, update_offset FROM bots WHERE id = %s", bot)
    assert rows == [(None, 7)]


async def test_who_has_beaten_since_is_not_taken_over(mine: Owner) -> None:
    bot = await mine.add_bot(mine.other)
    await mine.rows("UPDATE processes SET beat = beat + 1 WHERE id = %s", mine.other)
    assert not await mine.db.write_as_owner(processes.take_over, mine.other, 0)
    assert await mine.owner_of(bot) == mine.other
    assert await mine.db.write_as_owner(processes.take_over, mine.other, 1)
    assert not await mine.db.write_as_owner(processes.take_over, mine.other, 1), "only once"


async def test_a_beat_that_is_committed_meanwhile_stops_a_takeover(mine: Owner) -> None:
    async with await mine.connect() as alive:
        await alive.execute("UPDATE processes SET beat = beat + 1 WHERE id = %s", (mine.other,))
        taking = asyncio.create_task(mine.db.write_as_owner(processes.take_over, mine.other, 0))
        await mine.until_waiting()
        await alive.commit()
    assert not await taking


async def test_a_transaction_that_stays_open_is_ended(mine: Owner) -> None:
    bot = await mine.add_bot(mine.other)
    stuck = await mine.connect()
    await stuck.execute(FENCE, (mine.other,))
    with pytest.raises(StorageUnavailable) as refused:
        await mine.db.write_as_owner(processes.take_over, mine.other, 0)
    assert is_lock_timeout(refused.value.__cause__ or refused.value)
    assert await peers._remove(mine.db, seen(mine.other), 0)
    assert await mine.owner_of(bot) is None
    with pytest.raises(psycopg.OperationalError):
        await stuck.execute("SELECT 1")
    await stuck.close()


async def test_a_bot_that_the_dead_holds_locked_delays_a_takeover_no_longer_than_its_row(
    mine: Owner,
) -> None:
    """A wish is stored without the fence, and its process may freeze in the middle of it."""
    bot = await mine.add_bot(mine.other)
    stuck = await mine.connect()
    await stuck.execute("UPDATE bots SET title = 'x' WHERE id = %s", (bot,))
    async with asyncio.timeout(LOCK_TIMEOUT - 2):
        assert await peers._remove(mine.db, seen(mine.other), 0)
    assert await mine.owner_of(bot) is None
    await stuck.close()


async def test_the_sessions_of_a_process_that_beats_again_are_not_ended(mine: Owner) -> None:
    async with await mine.connect() as alive, await mine.connect() as heart:
        await alive.execute(FENCE, (mine.other,))
        taking = asyncio.create_task(peers._remove(mine.db, seen(mine.other), 0))
        await mine.until_waiting()
        await heart.execute("UPDATE processes SET beat = beat + 1 WHERE id = %s", (mine.other,))
        await heart.commit()
        assert not await taking
        await alive.commit()
        await heart.execute("SELECT 1")


async def test_an_id_that_is_given_twice_is_not_shared(mine: Owner) -> None:
    """A standby that had not heard of a process gives its number to the next one."""
    await mine.rows("UPDATE processes SET session = 'another' WHERE id = %s", mine.id)
    with pytest.raises(ProcessLost):
        await mine.db.write_as_owner(processes.claim, mine.id, limit=1)
    link = link_of(mine)
    try:
        assert await link.beat(mine.id, Vitals()) is None
    finally:
        await link.close()


async def test_a_write_of_an_earlier_identity_does_not_end_the_present_lease(mine: Owner) -> None:
    release = threading.Event()
    blocked = asyncio.create_task(mine.db.write(release.wait, DEADLINE))
    writing = asyncio.create_task(mine.db.write_as_owner(processes.has_unowned))
    await asyncio.sleep(0)  # both are queued
    await mine.rows("DELETE FROM processes WHERE id = %s", mine.id)
    mine.fence.process_id = await mine.register("mine", mine.fence.session)
    release.set()
    with pytest.raises(ProcessLost):
        await writing
    assert mine.lost == []
    await blocked
    assert await mine.db.write_as_owner(processes.has_unowned) is False
