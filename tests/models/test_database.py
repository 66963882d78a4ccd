"""The threads behind the database: transactions, shared commits, failures."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.client import DEADLINE, fill_disk, until

from models import installation
from models.engine.base import proxy
from models.engine.database import Database
from models.engine.migration import Migrations
from models.errors import StorageUnavailable
from models.installation import InstallationFact


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    Migrations(url).up()
    database = Database(url)
    await database.open()
    yield database
    await database.close()


def put_then_fail(name: str) -> None:
    installation.put(name, "half")
    raise LookupError(name)


async def test_a_write_is_there_when_it_returns(db: Database, tmp_path: Path) -> None:
    await db.write(installation.put, "a", "1")
    connection = sqlite3.connect(tmp_path / "test.db")
    rows = connection.execute("select value from settings where name = 'a'").fetchall()
    connection.close()
    assert rows == [("1",)]


async def test_a_failing_write_leaves_nothing_behind(db: Database) -> None:
    with pytest.raises(LookupError):
        await db.write(put_then_fail, "a")
    assert await db.read(installation.get, "a") is None


async def test_a_failing_write_takes_none_of_its_neighbours_along(db: Database) -> None:
    blocked, go = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        go.wait(DEADLINE)

    first = asyncio.ensure_future(db.write(block))
    await until(blocked.is_set)
    writes = [
        asyncio.ensure_future(
            db.write(put_then_fail, str(n))
            if n % 3 == 0
            else db.write(installation.put, str(n), "x")
        )
        for n in range(30)
    ]
    await asyncio.sleep(0)  # let them all be queued
    go.set()
    results = await asyncio.gather(first, *writes, return_exceptions=True)
    failed = [n for n, result in enumerate(results[1:]) if isinstance(result, LookupError)]
    assert failed == list(range(0, 30, 3))
    stored = await db.read(lambda: {row.name for row in InstallationFact.select()})
    assert stored == {str(n) for n in range(30) if n % 3}


async def test_writes_that_wait_together_share_a_commit(db: Database) -> None:
    commits = 0
    blocked, go = threading.Event(), threading.Event()

    def block() -> None:
        nonlocal commits
        connection = proxy.obj.connection()

        def count(statement: str) -> None:
            nonlocal commits
            commits += statement.startswith("COMMIT")

        connection.set_trace_callback(count)
        blocked.set()
        go.wait(DEADLINE)

    first = asyncio.ensure_future(db.write(block))
    await until(blocked.is_set)
    writes = [asyncio.ensure_future(db.write(installation.put, str(n), "x")) for n in range(50)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(first, *writes)
    assert commits == 2


async def test_a_cancelled_write_that_was_handed_over_is_carried_out(db: Database) -> None:
    blocked, go = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        go.wait(DEADLINE)
        installation.put("a", "1")

    task = asyncio.create_task(db.write(block), name="write")
    await until(blocked.is_set)
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await db.write(installation.put, "b", "2")
    assert await db.read(installation.get, "a") == "1"


async def test_a_reader_cannot_write(db: Database) -> None:
    with pytest.raises(StorageUnavailable, match="readonly"):
        await db.read(installation.put, "a", "1")


async def test_a_slow_read_does_not_hold_up_writes(db: Database) -> None:
    go, reading = threading.Event(), threading.Event()

    def slow() -> None:
        reading.set()
        go.wait(DEADLINE)

    read = asyncio.ensure_future(db.read(slow))
    await until(reading.is_set)
    await db.write(installation.put, "a", "1")
    assert await db.read(installation.get, "a") == "1", "the other reader is free"
    go.set()
    await read


async def test_a_query_on_the_event_loop_fails_loudly(db: Database) -> None:
    with pytest.raises(Exception, match="not opened"):
        installation.get("a")


async def test_a_lock_of_another_process_is_waited_out(db: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    write = asyncio.ensure_future(db.write(installation.put, "a", "1"))
    done, _ = await asyncio.wait({write}, timeout=0.3)
    assert not done
    other.execute("ROLLBACK")
    other.close()
    await write
    assert await db.read(installation.get, "a") == "1"


async def test_after_a_failed_commit_nothing_is_acknowledged_and_the_next_works(
    db: Database,
) -> None:
    def limit_pages() -> None:
        pages = proxy.obj.execute_sql("PRAGMA page_count").fetchone()[0]
        proxy.obj.execute_sql(f"PRAGMA max_page_count = {pages}")

    await db.write(limit_pages)
    with pytest.raises(StorageUnavailable, match="full"):
        await db.write(installation.put, "big", "x" * 1_000_000)
    await db.write(lambda: proxy.obj.execute_sql("PRAGMA max_page_count = 1000000"))
    assert await db.read(installation.get, "big") is None
    await db.write(installation.put, "big", "x" * 1_000_000)
    assert len(await db.read(installation.get, "big") or "") == 1_000_000


async def test_with_a_full_disk_the_neighbours_that_fit_are_stored(db: Database) -> None:
    blocked, go = threading.Event(), threading.Event()

    def limit_and_block() -> None:
        pages = proxy.obj.execute_sql("PRAGMA page_count").fetchone()[0]
        proxy.obj.execute_sql(f"PRAGMA max_page_count = {pages}")
        blocked.set()
        go.wait(DEADLINE)

    first = asyncio.ensure_future(db.write(limit_and_block))
    await until(blocked.is_set)
    writes = [
        asyncio.ensure_future(db.write(installation.put, name, value))
        for name, value in (("a", "1"), ("big", "x" * 1_000_000), ("b", "2"))
    ]
    await asyncio.sleep(0)
    go.set()
    results = await asyncio.gather(first, *writes, return_exceptions=True)
    assert [type(result) for result in results] == [
        type(None),
        type(None),
        StorageUnavailable,
        type(None),
    ]
    assert await db.read(lambda: sorted(row.name for row in InstallationFact.select())) == [
        "a",
        "b",
    ]


async def test_a_full_disk_is_named_and_the_next_write_works_when_there_is_room(
    small_disk: Path,
) -> None:
    url = f"sqlite:///{small_disk / 'test.db'}"
    Migrations(url).up()
    database = Database(url)
    await database.open()
    ballast = fill_disk(small_disk)
    with pytest.raises(StorageUnavailable, match="disk is full"):
        await database.write(installation.put, "a", "x" * 100_000)
    ballast.unlink()
    await database.write(installation.put, "a", "1")
    assert await database.read(installation.get, "a") == "1"
    await database.close()
