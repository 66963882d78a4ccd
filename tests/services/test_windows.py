"""Limits of attempts: the same in memory and in a table that several processes share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable

import pytest
from support.client import Clock
from support.postgresql import PostgreSQL

from models.accounts.attempts import PRUNED, Counted
from models.accounts.passwords import HasherBusy
from models.engine.bulk import execute, select
from models.engine.database import Database
from models.engine.migration import Migrations
from models.errors import StorageUnavailable
from services.errors import TooFast
from services.throttle import LoginThrottle, MailThrottle
from services.windows import Count, Limit, LocalWindows, SharedWindows, WindowStorage

FEW, MANY = Limit("few", 2, 60.0), Limit("many", 5, 600.0)
SECRET = b"x" * 32
HOME, AWAY = "198.51.100.1", "203.0.113.7"
TRIES, STRANGERS = 10, 50


@pytest.fixture
def db(pg_db: Database) -> Database:
    """A migrated PostgreSQL, open."""
    return pg_db


@pytest.fixture(params=["local", "shared"])
def pair(request: pytest.FixtureRequest) -> tuple[WindowStorage, WindowStorage]:
    """The storages of two processes on PostgreSQL; twice that of the only one with SQLite."""
    if request.param == "local":
        return (LocalWindows(),) * 2
    db = request.getfixturevalue("db")
    return SharedWindows(db, secret=SECRET), SharedWindows(db, secret=SECRET)


async def became(*attempts: Awaitable[object]) -> Counter[str]:
    """What became of attempts, all at once."""
    results = await asyncio.gather(*attempts, return_exceptions=True)
    return Counter(
        type(result).__name__ if isinstance(result, BaseException) else "ok" for result in results
    )


# -- what is counted


Pair = tuple[WindowStorage, WindowStorage]


async def test_a_full_window_is_full_for_both(pair: Pair) -> None:
    one, other = pair
    assert await one.count([Count(FEW, "ann")]) == Counted(None)
    assert await other.count([Count(FEW, "ann")]) == Counted(None)
    for storage in pair:
        assert await storage.wait([Count(FEW, "ann")]) == 60
        assert await storage.count([Count(FEW, "ann")]) == Counted(60)
        assert await storage.wait([Count(FEW, "bob"), Count(MANY, "ann")]) is None


async def test_an_attempt_is_counted_in_all_windows_or_in_none(pair: Pair) -> None:
    one, other = pair
    for _ in range(2):
        await one.count([Count(MANY, "ann"), Count(FEW, "ann")])
    for _ in range(9):
        assert (await other.count([Count(MANY, "ann"), Count(FEW, "ann")])).wait == 60
    for _ in range(3):
        assert await other.count([Count(MANY, "ann")]) == Counted(None)
    assert await one.count([Count(MANY, "ann")]) == Counted(600)
    # the first that is full tells how long to wait
    assert await one.count([Count(FEW, "ann"), Count(MANY, "ann")]) == Counted(60)


async def test_what_nobody_is_told_of_makes_an_attempt_one_in_vain(pair: Pair) -> None:
    one, other = pair
    told, untold = [Count(MANY, "ann")], [Count(FEW, 1)]
    found = [await storage.count(told, untold) for storage in (one, other, one, other)]
    assert found == 2 * [Counted(None)] + 2 * [Counted(None, in_vain=True)]
    await one.settle(taken_back=untold)
    assert (await other.count(told, untold)).in_vain, "what was in vain was counted"


async def test_what_is_taken_back_was_never_counted(pair: Pair) -> None:
    one, other = pair
    counts = [Count(FEW, "ann"), Count(MANY, "ann")]
    for _ in range(9):
        assert await one.count(counts) == Counted(None)
        await other.settle(taken_back=counts)
    await one.settle(taken_back=[Count(FEW, "nobody")])
    assert [(await other.count(counts)).wait for _ in range(3)] == [None, None, 60]


async def test_what_is_cleared_begins_anew(pair: Pair) -> None:
    one, other = pair
    for _ in range(2):
        await one.count([Count(FEW, "ann"), Count(MANY, "ann")])
    await other.settle(cleared=[Count(FEW, "ann")], taken_back=[Count(MANY, "ann")])
    found = [(await one.count([Count(FEW, "ann"), Count(MANY, "ann")])).wait for _ in range(3)]
    assert found == [None, None, 60]
    assert [(await one.count([Count(MANY, "ann")])).wait for _ in range(3)] == [None, None, 600]


async def test_nothing_to_settle_is_settled(pair: Pair) -> None:
    await pair[0].settle()


async def test_in_memory_a_window_ends_by_the_clock() -> None:
    clock = Clock()
    windows = LocalWindows(clock=clock)
    for _ in range(2):
        await windows.count([Count(FEW, "ann")])
    clock.now += 59.5
    assert await windows.wait([Count(FEW, "ann")]) == 1
    clock.now += 0.5
    assert await windows.count([Count(FEW, "ann")]) == Counted(None)


async def test_no_two_attempts_wait_for_each_other_in_a_circle(pair: Pair) -> None:
    counts = [Count(Limit("most", 1000, 60.0), n) for n in range(30)]

    async def try_one(n: int) -> None:
        order = counts if n % 2 else counts[::-1]
        assert await pair[n % 2].count(order) == Counted(None)
        await pair[n % 2].settle(taken_back=order)

    assert await became(*(try_one(n) for n in range(200))) == {"ok": 200}


# -- logins


async def test_two_hundred_logins_at_once_are_limited_exactly(pair: Pair) -> None:
    throttles = [LoginThrottle(storage) for storage in pair]
    assert await became(
        *(throttles[n % 2].login("ann", AWAY, user_id=1, known=False) for n in range(200))
    ) == {"ok": TRIES, "TooFast": 200 - TRIES}


async def test_two_hundred_strangers_at_once_are_limited_exactly(pair: Pair) -> None:
    throttles = [LoginThrottle(storage) for storage in pair]
    assert await became(
        *(
            throttles[n % 2].login("ann", f"203.0.113.{n}", user_id=1, known=False)
            for n in range(200)
        )
    ) == {"ok": STRANGERS, "TooFast": 200 - STRANGERS}


async def test_two_hundred_logins_of_one_address_are_limited_exactly(pair: Pair) -> None:
    throttles = [LoginThrottle(storage) for storage in pair]
    assert await became(
        *(throttles[n % 2].login(f"n{n}", AWAY, user_id=n, known=False) for n in range(200))
    ) == {"ok": 100, "TooFast": 100}
    with pytest.raises(TooFast):
        await throttles[1].check_address(AWAY)
    await throttles[1].check_address(HOME)


async def test_of_logins_with_both_names_at_once_some_are_in_vain(pair: Pair) -> None:
    throttles = [LoginThrottle(storage) for storage in pair]
    made = await asyncio.gather(
        *(
            throttles[n % 2].login(name, AWAY, user_id=1, known=True)
            for n in range(TRIES)
            for name in ("ann", "ann@example.org")
        )
    )
    assert Counter(attempt.in_vain for attempt in made) == {False: TRIES, True: TRIES}


async def test_the_right_password_gives_the_tries_back_everywhere(pair: Pair) -> None:
    throttles = [LoginThrottle(storage) for storage in pair]
    for n in range(9):  # the address itself has a hundred
        for _ in range(TRIES - 1):
            await throttles[n % 2].login("bob", AWAY, user_id=2, known=True)
        attempt = await throttles[1].login("bob", AWAY, user_id=2, known=True)
        assert not attempt.in_vain
        await attempt.succeeded()
    stranger = await throttles[0].login("ann", HOME, user_id=1, known=False)
    await stranger.succeeded()
    found = await became(
        *(
            throttles[n % 2].login("ann", f"203.0.113.{n}", user_id=1, known=False)
            for n in range(STRANGERS)
        )
    )
    assert found == {"ok": STRANGERS}


async def test_what_the_hasher_refuses_is_not_counted_anywhere(pair: Pair) -> None:
    throttles = [LoginThrottle(storage) for storage in pair]
    for n in range(3 * TRIES):
        attempt = await throttles[n % 2].login("ann", AWAY, user_id=1, known=False)
        with pytest.raises(HasherBusy):
            async with attempt.undone_when_busy():
                raise HasherBusy
    assert not (await throttles[0].login("ann", AWAY, user_id=1, known=False)).in_vain


async def test_mails_are_limited_exactly(pair: Pair) -> None:
    throttles = [MailThrottle(storage) for storage in pair]
    found = await became(*(throttles[n % 2].mail("Ann@example.org", AWAY) for n in range(20)))
    assert found == {"ok": 5, "TooFast": 15}
    assert await became(throttles[0].mail("ann@EXAMPLE.org", HOME)) == {"TooFast": 1}


# -- the table


async def age(db: Database, seconds: float) -> None:
    """Let time pass."""
    sql = "UPDATE throttle_windows SET ends_at = ends_at - ? * INTERVAL '1 second'"
    await db.write(execute, sql, seconds)


async def rows(db: Database) -> list[tuple[object, ...]]:
    """The windows."""
    return await db.read(select, "SELECT key, count, ends_at::text FROM throttle_windows")


async def test_a_window_ends_by_the_clock_of_the_database(db: Database) -> None:
    windows = SharedWindows(db, secret=SECRET)
    for _ in range(2):
        await windows.count([Count(FEW, "ann")])
    await age(db, 30)
    assert await windows.wait([Count(FEW, "ann")]) == 30
    await age(db, 30)
    assert await windows.wait([Count(FEW, "ann")]) is None
    found = [(await windows.count([Count(FEW, "ann")])).wait for _ in range(3)]
    assert found == [None, None, 60]


async def test_windows_that_have_ended_are_deleted_by_whoever_comes(db: Database) -> None:
    windows = SharedWindows(db, secret=SECRET)
    for n in range(PRUNED + 3):
        await windows.count([Count(FEW, n)])
    await age(db, 60)
    await windows.count([Count(FEW, "ann")])
    assert len(await rows(db)) == 4
    await windows.count([Count(FEW, "bob")])
    assert len(await rows(db)) == 2


async def test_a_clock_that_was_set_back_makes_no_window_longer(db: Database) -> None:
    windows = SharedWindows(db, secret=SECRET)
    for _ in range(2):
        await windows.count([Count(FEW, "ann")])
    await age(db, -86400)
    assert await windows.wait([Count(FEW, "ann")]) is None
    found = [(await windows.count([Count(FEW, "ann")])).wait for _ in range(3)]
    assert found == [None, None, 60]


async def test_the_table_has_no_names_and_no_addresses(db: Database) -> None:
    throttle, other = (LoginThrottle(SharedWindows(db, secret=key * 32)) for key in (b"x", b"y"))
    await throttle.login("ann", HOME, user_id=1, known=False)
    await MailThrottle(SharedWindows(db, secret=SECRET)).mail("ann@example.org", HOME)
    stored = str(await rows(db))
    assert all(text not in stored for text in ("ann", "example", HOME))
    before = {key for key, *_ in await rows(db)}
    await other.login("ann", HOME, user_id=1, known=False)
    added = {key for key, *_ in await rows(db)} - before
    assert len(added) == 5, "nor can they be found by trying, without the secret"


async def test_the_tables_are_unlogged(db: Database) -> None:
    sql = "SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
    assert {name for (name,) in await db.read(select, sql)} == {"throttle_windows", "rate_buckets"}


async def test_without_the_database_an_attempt_is_refused(own_postgresql: PostgreSQL) -> None:
    Migrations(own_postgresql.url()).up()
    db = Database(own_postgresql.url())
    await db.open()
    try:
        throttle = LoginThrottle(SharedWindows(db, secret=SECRET))
        attempt = await throttle.login("ann", HOME, user_id=1, known=False)
        own_postgresql.stop("immediate")
        for work in (
            throttle.check_address(HOME),
            throttle.login("ann", HOME, user_id=1, known=False),
            attempt.succeeded(),
        ):
            with pytest.raises(StorageUnavailable):
                await work
        own_postgresql.start()
        await throttle.login("ann", HOME, user_id=1, known=False)
    finally:
        await db.close()
