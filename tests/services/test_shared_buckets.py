"""Token buckets that several processes share: how they learn what the others took."""

from __future__ import annotations

import asyncio
import logging

import pytest
from support.client import Clock
from support.postgresql import PostgreSQL

from models.accounts.principal import Principal, Via
from models.accounts.users import UserRecord
from models.engine.base import now
from models.engine.bulk import execute, select
from models.engine.database import Database
from models.engine.migration import Migrations
from models.errors import StorageUnavailable
from services.account_limits import AccountLimits
from services.errors import AccountTooFast, NetworkTooFast
from services.token_buckets import LocalBuckets, SharedBuckets, TokenBuckets

BURST, INTERVAL = 10, 60.0  # so slow that no token is added while a test runs
SECRET = b"x" * 32


@pytest.fixture
def db(pg_db: Database) -> Database:
    """A migrated PostgreSQL, open."""
    return pg_db


class Process:
    """One of those that share a database."""

    def __init__(self, db: Database) -> None:
        self.clock = Clock()
        self.storage = SharedBuckets(db, secret=SECRET, clock=self.clock)
        self.buckets = self.storage.make("reads", burst=BURST, rate=1 / INTERVAL)

    async def sync(self) -> None:
        """Exchange."""
        await self.storage.sync()

    def take(self, times: int, key: str = "ann") -> int:
        """How many tokens there were."""
        return took(self.buckets, times, key)


def took(buckets: TokenBuckets, times: int, key: str = "ann") -> int:
    """How many tokens there were."""
    for n in range(times):
        try:
            buckets.take(key)
        except AccountTooFast:
            return n
    return times


async def pass_by(db: Database, seconds: float, *processes: Process) -> None:
    """Let time pass."""
    for process in processes:
        process.clock.now += seconds
    sql = "UPDATE rate_buckets SET full_at = full_at - ? * INTERVAL '1 second'"
    await db.write(execute, sql, seconds)


@pytest.fixture
def one(db: Database) -> Process:
    """A process."""
    return Process(db)


@pytest.fixture
def other(db: Database) -> Process:
    """Another one, with a clock of its own."""
    process = Process(db)
    process.clock.now += 5000.0
    return process


async def test_a_process_learns_what_the_others_took(one: Process, other: Process) -> None:
    assert one.take(6) == 6
    await one.sync()
    assert other.take(1) == 1
    await other.sync()
    assert other.take(BURST) == 3
    assert one.take(1) == 1, "of that it has not heard yet"
    await other.sync()
    await one.sync()
    assert one.take(1) == 0


async def test_buckets_of_others_are_left_alone(one: Process, other: Process) -> None:
    assert one.take(BURST) == BURST
    await one.sync()
    assert other.take(1, "bob") == 1
    await other.sync()
    assert other.take(BURST, "bob") == BURST - 1


async def test_the_time_to_wait_is_that_of_the_combined_bucket(
    db: Database, one: Process, other: Process
) -> None:
    assert one.take(BURST - 1) == BURST - 1
    await one.sync()
    assert other.take(3) == 3
    await other.sync()
    with pytest.raises(AccountTooFast) as refused:
        other.buckets.take("ann")
    # two more than there were, and the next
    assert 3 * INTERVAL - 5 < refused.value.seconds <= 3 * INTERVAL
    await pass_by(db, refused.value.seconds, one, other)
    assert other.take(2) == 1


async def test_over_time_all_processes_together_get_the_rate_of_one(
    db: Database, one: Process, other: Process
) -> None:
    steps, total = 60, 0
    for _ in range(steps):
        total += one.take(BURST) + other.take(BURST)
        await one.sync()
        await other.sync()
        await pass_by(db, INTERVAL / 2, one, other)
    earned = steps / 2
    assert earned <= total <= earned + 2 * BURST + 2


async def test_who_takes_turns_at_the_processes_gets_no_more(
    db: Database, one: Process, other: Process
) -> None:
    """What a process let through before it knew of the others is a debt that is paid."""
    crowd, total, steps = [one, other, Process(db), Process(db)], 0, 200
    for step in range(steps):
        process = crowd[step % len(crowd)]
        total += process.take(BURST)
        await process.sync()
        await pass_by(db, INTERVAL, *crowd)
    assert steps * 0.8 < total <= steps + len(crowd) * BURST


async def test_a_process_alone_has_what_it_has_without_a_table(db: Database, one: Process) -> None:
    local = LocalBuckets(clock=one.clock).make("reads", burst=BURST, rate=1 / INTERVAL)
    for n in range(100):
        times = (7 * n) % 5
        assert one.take(times) == took(local, times)
        await pass_by(db, (13 * n) % 60, one)
        if n % 3:
            await one.sync()


async def test_a_bucket_is_filled_between_a_token_and_the_sync_that_tells_of_it(
    db: Database, one: Process
) -> None:
    for key in ("ann", "bob"):  # ann has no row yet
        one.take(1, "bob")
        await one.sync()
        await pass_by(db, INTERVAL, one)
        assert one.take(BURST, key) == BURST
        await pass_by(db, 50, one)
        await one.sync()
        await pass_by(db, INTERVAL - 50, one)
        assert one.take(2, key) == 1


async def test_what_is_taken_during_a_sync_is_not_lost(one: Process, other: Process) -> None:
    assert other.take(4) == 4
    await other.sync()
    assert one.take(3) == 3
    syncing = asyncio.create_task(one.sync(), name="sync")
    await asyncio.sleep(0)
    assert one.take(2) == 2
    await syncing
    assert one.take(BURST) == 1
    await one.sync()
    other.take(1)
    await other.sync()
    assert other.take(1) == 0


async def test_nothing_is_written_when_nothing_was_taken(
    one: Process, caplog: pytest.LogCaptureFixture
) -> None:
    one.take(1)
    with caplog.at_level(logging.DEBUG, "peewee"):
        await one.sync()
        assert any("rate_buckets" in record.msg[0] for record in caplog.records)
        caplog.clear()
        await one.sync()
        assert caplog.records == []


async def test_one_statement_is_for_all_buckets(
    one: Process, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(500):
        one.take(1 + n % 3, f"user{n}")
    with caplog.at_level(logging.DEBUG, "peewee"):
        await one.sync()
    ran = [record.msg[0] for record in caplog.records if "rate_buckets" in record.msg[0]]
    assert len(ran) == 2, "one that adds and reads, one that prunes"


async def test_full_buckets_are_deleted_by_whoever_comes(db: Database, one: Process) -> None:
    for n in range(50):
        one.take(1, f"user{n}")
    await one.sync()
    await pass_by(db, INTERVAL, one)
    one.take(1, "last")
    await one.sync()
    assert await db.read(select, "SELECT COUNT(*) FROM rate_buckets") == [(1,)]


async def test_a_clock_that_was_set_back_closes_no_bucket_for_long(
    db: Database, one: Process, other: Process
) -> None:
    one.take(1)
    await one.sync()
    year = 365 * 86400.0
    await pass_by(db, -year)
    other.take(1)
    await other.sync()
    with pytest.raises(AccountTooFast) as refused:
        other.buckets.take("ann")
    assert refused.value.seconds < year / 100


async def test_without_the_database_requests_go_on_and_the_next_sync_makes_up_for_it(
    own_postgresql: PostgreSQL,
) -> None:
    Migrations(own_postgresql.url()).up()
    db = Database(own_postgresql.url())
    await db.open()
    try:
        one, other = Process(db), Process(db)
        assert one.take(2) == 2
        await one.sync()
        assert one.take(4) == 4
        own_postgresql.stop()  # a crash would empty the table
        with pytest.raises(StorageUnavailable):
            await one.sync()
        assert one.take(BURST) == 4
        with pytest.raises(StorageUnavailable):
            await one.sync()
        own_postgresql.start()
        await one.sync()
        other.take(1)
        await other.sync()
        assert other.take(1) == 0
    finally:
        await db.close()


async def test_what_no_sync_could_tell_is_forgotten_when_the_bucket_is_full(
    own_postgresql: PostgreSQL,
) -> None:
    Migrations(own_postgresql.url()).up()
    db = Database(own_postgresql.url())
    await db.open()
    try:
        one = Process(db)
        for n in range(100):
            one.take(1, f"user{n}")
        own_postgresql.stop()
        one.clock.now += INTERVAL
        with pytest.raises(StorageUnavailable):
            await one.sync()
        assert one.buckets.collect() == {}  # type: ignore[attr-defined]
        own_postgresql.start()
    finally:
        await db.close()


# -- of accounts


def principal(user_id: int) -> Principal:
    """Somebody who is logged in."""
    user = UserRecord(user_id, f"user{user_id}", "", "", "", False, None, now())
    return Principal(user, Via.SESSION, f"s{user_id}")


async def test_all_limits_of_accounts_are_shared(db: Database) -> None:
    one, other = (
        AccountLimits(rate=1, bots=1, storage=SharedBuckets(db, secret=SECRET, clock=Clock()))
        for _ in range(2)
    )

    def ask(limits: AccountLimits, method: str, *, by_session: bool) -> None:
        limits.check(principal(1), method, address="192.0.2.1", by_session=by_session)

    for times, method, by_session in ((5, "GET", False), (2, "PUT", False), (19, "PUT", True)):
        for _ in range(times):
            ask(one, method, by_session=by_session)
        await one.sync()
        ask(other, method, by_session=by_session)
        await other.sync()
        with pytest.raises(AccountTooFast) as refused:
            for _ in range(2):  # the table may have added one by its clock
                ask(other, method, by_session=by_session)
        assert not isinstance(refused.value, NetworkTooFast)
    one.check_token(1)
    await one.sync()
    other.check_token(1)
    await other.sync()
    with pytest.raises(AccountTooFast):
        other.check_token(1)


async def test_limits_of_networks_are_shared(db: Database) -> None:
    one, other = (
        AccountLimits(rate=1, bots=1, storage=SharedBuckets(db, secret=SECRET, clock=Clock()))
        for _ in range(2)
    )
    for user_id in range(30):
        one.check(principal(user_id), "PUT", address="2001:db8::1", by_session=False)
    await one.sync()
    other.check(principal(77), "PUT", address="2001:db8::2", by_session=False)
    await other.sync()
    with pytest.raises(NetworkTooFast):
        for user_id in range(100, 110):
            other.check(principal(user_id), "PUT", address="2001:db8::3", by_session=False)
    other.check(principal(78), "PUT", address="2001:db8:1::1", by_session=False)


async def test_in_memory_there_is_nothing_to_share() -> None:
    limits = AccountLimits(rate=1, bots=1, storage=LocalBuckets())
    limits.check_token(1)
    await limits.sync()
