"""Writes for bots: the fence is checked with BEGIN, and keeps nobody else from writing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from support.client import DEADLINE, until

from models.engine.database import Database
from models.engine.migration import Migrations
from models.errors import NotOwner, ProcessLost, StorageUnavailable
from models.installation import get, put


class Fence:
    """Refuses what is written for bots, as long as it is shut."""

    session = "botyard-fenced"
    losses = 0

    def __init__(self) -> None:
        self.query = "SELECT 1 WHERE false"

    def identity(self) -> int:
        """Any process."""
        return 7

    def check(self, process_id: int) -> str:
        """The query that is set."""
        assert process_id == 7
        return self.query

    def lost(self, process_id: int) -> None:
        """Count the refusals."""
        assert process_id == 7
        self.losses += 1


@pytest.fixture
def fence() -> Fence:
    """A fence that is shut."""
    return Fence()


@pytest.fixture
async def db(pg_url: str, fence: Fence) -> AsyncIterator[Database]:
    """A database with that fence."""
    Migrations(pg_url).up()
    database = Database(pg_url, fence=fence)
    await database.open()
    yield database
    await database.close()


async def test_who_is_fenced_out_writes_nothing_and_holds_nobody_up(
    db: Database, fence: Fence
) -> None:
    begun, go = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        go.wait(DEADLINE)

    blocked = asyncio.ensure_future(db.write(block))
    await until(begun.is_set, "a writer that is busy")
    jobs = [
        asyncio.ensure_future(write(put, name, kind))
        for name in ("a", "b", "c")
        for kind, write in (("anyone", db.write), ("owner", db.write_as_owner))
    ]
    await until(lambda: db.queued["write"] == 6, "writes that share a commit")
    go.set()
    await blocked
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), ProcessLost] * 3
    assert [await db.read(get, name) for name in ("a", "b", "c")] == ["anyone"] * 3
    assert fence.losses == 3


async def test_after_a_refusal_the_connection_is_used_as_before(db: Database, fence: Fence) -> None:
    with pytest.raises(NotOwner):
        await db.write_as_owner(put, "alone", "x")
    assert await db.read(get, "alone") is None
    fence.query = "SELECT 1"
    await db.write_as_owner(put, "alone", "y")
    assert await db.read(get, "alone") == "y"


async def test_a_check_that_fails_leaves_no_transaction_open(db: Database, fence: Fence) -> None:
    fence.query = "SELECT 1 / 0"
    with pytest.raises(Exception, match="division by zero"):
        await db.write_as_owner(put, "alone", "x")
    await db.write(put, "alone", "y")  # in a failed transaction this would be refused
    assert await db.read(get, "alone") == "y"


async def test_a_session_that_is_ended_before_the_check_is_replaced(
    db: Database, fence: Fence
) -> None:
    """Nothing was stored then, so the call is run again on a new connection."""
    own = "SELECT pg_backend_pid()"
    pid = await db.write(lambda: db._peewee.execute_sql(own).fetchone()[0])
    fence.query = "SELECT 1"
    await db.read(lambda: db._peewee.execute_sql(f"SELECT pg_terminate_backend({pid}, 5000)"))
    await db.write_as_owner(put, "alone", "y")
    assert await db.read(get, "alone") == "y"


async def test_a_lock_that_is_not_had_is_told_as_a_failure_of_the_database(
    db: Database, fence: Fence
) -> None:
    fence.query = "SELECT set_config('lock_timeout', '50ms', false)"
    await db.write_as_owner(put, "row", "x")
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        put("row", "y")
        held.set()
        go.wait(DEADLINE)

    holding = asyncio.ensure_future(db.write_apart(hold))
    await until(held.is_set, "a row that is locked")
    fence.query = "SELECT 1 FROM settings WHERE name = 'row' FOR UPDATE"
    with pytest.raises(StorageUnavailable, match="lock timeout"):
        await db.write_as_owner(put, "other", "x")
    go.set()
    await holding
    await db.write_as_owner(put, "other", "x")
