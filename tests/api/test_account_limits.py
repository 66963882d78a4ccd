"""Attacks by an account: as many requests, checks of tokens and lists as it likes."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.client import BOTS, PASSWORD, Answer, Client, Clock, register

from models.accounts.audit import Actor
from models.accounts.principal import Principal, Via
from models.accounts.users import UserRecord
from models.engine.base import now
from models.engine.connection import connect
from models.engine.database import READERS
from models.messaging import updates
from models.messaging.updates import Counts, Update
from runner.live.counters import KEPT_FOR, MANY, UpdateCounts
from sandbox import Sandbox
from server.app import Botyard
from server.config import Config
from services.account_limits import AccountLimits
from services.errors import AccountTooFast, NetworkTooFast
from services.token_buckets import LocalBuckets, TokenBuckets

USER, LOGIN, SESSIONS = "/rest-auth/user/", "/rest-auth/login/", "/rest-auth/sessions/"
READS, CHANGES, SESSION_ENDS, CHECKS = 120, 60, 20, 10  # at once
NETWORK = 10  # accounts whose rates those of one network have together
MADE_UP = "99999:" + "x" * 35


class Usual:
    """A server with the rate that it has when nobody sets one."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """The default."""
        return replace(config, account_rate=Config().account_rate)

    @pytest.fixture(autouse=True)
    async def clock(self, botyard: Botyard) -> Clock:
        """No bucket is filled up while a test is slow; nor by the clock of the database."""
        clock = Clock()
        for routine in botyard.routines:
            if routine._name == "limits":
                await routine.close()
        for buckets in vars(botyard.services.limits).values():
            buckets._clock = clock
        return clock


async def ask(times: int, call: Callable[[int], Any]) -> Counter[int]:
    """How often which status was answered."""
    answers: list[Answer] = await asyncio.gather(*(call(n) for n in range(times)))
    for answer in answers:
        if answer.status == 429:
            assert answer.json["code"] == "rate_limited"
            assert 0 < int(answer.headers["Retry-After"]) <= 60
    return Counter(answer.status for answer in answers)


class TestRequests(Usual):
    """Any request with a key or a cookie."""

    async def test_an_account_that_reads_too_fast_has_to_wait(self, ann: Client) -> None:
        assert await ask(3 * READS, lambda _: ann.get(BOTS)) == {200: READS, 429: 2 * READS}

    async def test_who_has_waited_goes_on(self, ann: Client, clock: Clock) -> None:
        await ask(2 * READS, lambda _: ann.get(BOTS))
        clock.now += int((await ann.get(BOTS)).headers["Retry-After"])
        assert (await ann.get(BOTS)).status == 200

    async def test_an_account_that_changes_too_much_has_to_wait(self, ann: Client) -> None:
        statuses = await ask(3 * CHANGES, lambda n: ann.patch(USER, {"first_name": f"A{n}"}))
        assert statuses == {200: CHANGES, 429: 2 * CHANGES}

    async def test_what_is_refused_is_not_done(self, ann: Client) -> None:
        await ask(3 * CHANGES, lambda n: ann.patch(USER, {"first_name": f"A{n}"}))
        refused = await ann.patch(USER, {"last_name": "changed"})
        assert refused.status == 429
        assert (await ann.get(USER)).json["last_name"] == ""

    async def test_other_accounts_do_not_wait(self, ann: Client, bob: Client) -> None:
        await ask(3 * READS, lambda _: ann.get(BOTS))
        assert (await bob.get(BOTS)).status == 200

    async def test_all_keys_and_cookies_of_an_account_share_its_rate(
        self, ann: Client, anonymous: Client
    ) -> None:
        body = {"username": "ann", "password": PASSWORD}
        keys = [(await anonymous.post(LOGIN, body)).json["key"] for _ in range(4)]
        by_key = [replace(anonymous, key=key) for key in keys[:2]]
        cookies = [{"Cookie": f"botyard_session={key}"} for key in keys[2:]]

        def call(n: int) -> Any:
            if n % 2:
                return by_key[n % 4 // 2].get(USER)
            return anonymous.get(USER, headers=cookies[n % 4 // 2])

        assert await ask(3 * READS, call) == {200: READS, 429: 2 * READS}

    async def test_a_thief_who_floods_the_account_does_not_keep_the_owner_from_ending_it(
        self, ann: Client, anonymous: Client
    ) -> None:
        body = {"username": "ann", "password": PASSWORD}
        thief = replace(anonymous, key=(await anonymous.post(LOGIN, body)).json["key"])
        await ask(3 * READS, lambda _: thief.get(USER))
        await ask(3 * CHANGES, lambda n: thief.patch(USER, {"first_name": f"A{n}"}))
        await ask(3 * SESSION_ENDS, lambda _: thief.delete(f"{SESSIONS}nosuchsession/"))
        listed = (await ann.get(SESSIONS)).json
        stolen = next(row["id"] for row in listed if not row["current"])
        assert (await ann.delete(f"{SESSIONS}{stolen}/")).status == 204
        assert (await thief.get(SESSIONS)).status == 401
        assert (await ann.post("/rest-auth/logout/")).status == 200

    async def test_sessions_cannot_be_asked_for_as_fast_as_one_likes_either(
        self, ann: Client
    ) -> None:
        statuses = await ask(3 * SESSION_ENDS, lambda _: ann.get(SESSIONS))
        assert statuses == {200: SESSION_ENDS, 429: 2 * SESSION_ENDS}

    async def test_many_accounts_of_one_network_have_to_wait_together(
        self, ann: Client, anonymous: Client, botyard: Botyard
    ) -> None:
        """Twenty accounts of one address had twenty times an account's share of the server."""
        crowd = [await register(anonymous) for _ in range(NETWORK)]
        statuses: Counter[int] = Counter()
        for client in crowd:
            statuses += await ask(READS, lambda _, client=client: client.get(BOTS))
        assert statuses == {200: NETWORK * READS}
        refused = await ann.get(BOTS)
        assert (refused.status, refused.json["code"]) == (429, "rate_limited")
        assert "network" in refused.json["detail"]
        assert (await ann.get(SESSIONS)).status == 200, "ending sessions is counted apart"
        assert (await ann.patch(USER, {"first_name": "Ann"})).status == 200

    async def test_whoever_has_no_key_uses_up_nothing(self, ann: Client) -> None:
        forged = replace(ann, key=(ann.key or "") + "x")
        assert set(await ask(READS + 10, lambda _: forged.get(USER))) == {401}
        assert (await ann.get(USER)).status == 200


class TestTokens(Usual):
    """Each check of a token asks Telegram, from the operator's address."""

    async def test_tokens_cannot_be_tried_as_fast_as_one_likes(
        self, ann: Client, botyard: Botyard
    ) -> None:
        statuses = await ask(40, lambda n: ann.post(BOTS, {"token": f"{1000 + n}:{'x' * 35}"}))
        assert statuses == {422: CHECKS, 429: 30}
        calls = botyard.services.runner.transport.calls
        assert sum(count for (method, _), count in calls.items() if method == "getMe") == CHECKS

    async def test_new_tokens_of_a_bot_are_counted_as_well(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        made = await ann.add_bot(telegram.add_bot(), active=False)
        path = f"{BOTS}{made['id']}/"
        statuses = await ask(40, lambda n: ann.patch(path, {"token": f"{1000 + n}:{'x' * 35}"}))
        assert statuses == {422: CHECKS - 1, 429: 31}

    async def test_what_sets_no_new_token_is_not_counted(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        bot = telegram.add_bot()
        path = f"{BOTS}{(await ann.add_bot(bot, active=False))['id']}/"
        for n in range(CHECKS):
            assert (await ann.patch(path, {"token": bot.token, "title": f"{n}"})).status == 200
            assert (await ann.put(path, (await ann.get(path)).json)).status == 200
        assert (await ann.post(BOTS, {"token": MADE_UP})).status == 422

    async def test_another_account_has_checks_of_its_own(self, ann: Client, bob: Client) -> None:
        await ask(20, lambda _: ann.post(BOTS, {"token": MADE_UP}))
        assert (await bob.post(BOTS, {"token": MADE_UP})).status == 422


# -- the buckets


def took(buckets: TokenBuckets, key: str, times: int) -> int:
    """How many tokens there were."""
    there = 0
    for _ in range(times):
        try:
            buckets.take(key)
            there += 1
        except AccountTooFast:
            break
    return there


@pytest.mark.parametrize("rate", [1 / 6, 1.0, 7.0, 20.0, 32767.0])
def test_a_bucket_holds_its_burst_and_is_filled_at_its_rate(rate: float) -> None:
    clock = Clock()
    buckets = TokenBuckets(burst=10, rate=rate, clock=clock)
    assert took(buckets, "ann", 20) == 10
    clock.now += 3 / rate
    assert took(buckets, "ann", 20) == 3
    clock.now += 1000 / rate
    assert took(buckets, "ann", 20) == 10


def test_who_waits_as_long_as_told_gets_a_token() -> None:
    clock = Clock()
    buckets = TokenBuckets(burst=2, rate=1 / 6, clock=clock)
    assert took(buckets, "ann", 3) == 2
    with pytest.raises(AccountTooFast) as refused:
        buckets.take("ann")
    wait = refused.value.seconds
    assert wait == math.ceil(6)
    clock.now += wait
    assert took(buckets, "ann", 2) == 1


def test_full_buckets_are_not_kept() -> None:
    clock = Clock()
    buckets = TokenBuckets(burst=10, rate=1.0, clock=clock)
    for n in range(1000):
        took(buckets, f"user{n}", n % 11)
        clock.now += 1.0
    assert len(buckets) <= 11
    clock.now += 11
    buckets.take("last")
    assert len(buckets) == 1


def test_an_operator_who_allows_more_bots_lets_more_tokens_be_checked() -> None:
    limits = AccountLimits(rate=20, bots=1000, storage=LocalBuckets(clock=Clock()))
    for _ in range(2000):
        limits.check_token(1)
    with pytest.raises(AccountTooFast):
        limits.check_token(1)


def principal(user_id: int, session_id: str | None) -> Principal:
    """Somebody who is logged in, or without a session has authenticated in another way."""
    user = UserRecord(user_id, f"user{user_id}", "", "", "", False, None, now())
    return Principal(user, Via.SESSION, session_id)


def test_a_caller_without_a_session_is_counted_by_account() -> None:
    logins = [principal(1, "s1").login, principal(1, "s2").login, principal(1, None).login]
    assert logins == ["s1", "s2", 1]
    assert principal(1, None).actor("192.0.2.1") == Actor("user1", 1, "192.0.2.1")


@pytest.mark.parametrize(("method", "by_session"), [("GET", False), ("PUT", False), ("PUT", True)])
def test_of_all_requests_a_network_has_its_share_and_another_one_its_own(
    method: str, by_session: bool
) -> None:
    limits = AccountLimits(rate=20, bots=5, storage=LocalBuckets(clock=Clock()))
    let_in = 0

    def ask_as(user_id: int, address: str) -> None:
        limits.check(
            principal(user_id, f"s{user_id}"), method, address=address, by_session=by_session
        )

    with pytest.raises(NetworkTooFast):
        for n in range(5000):
            ask_as(n, f"2001:db8:1:2::{n:x}")
            let_in = n + 1
    assert let_in == NETWORK * (CHANGES if method == "PUT" and not by_session else READS)
    ask_as(1, "2001:db8:1:3::1")


# -- counting what waits


def store(bot_id: int, *, begin: int, pending: int, dead: int = 0, handled: int = 0) -> None:
    """Store updates of a bot."""
    kinds = [("dead_at", dead), ("handled_at", handled), ("received_at", pending)]
    moment = now()
    for column, count in kinds:
        row = {"bot": bot_id, "payload": b"{}", "received_at": moment, column: moment}
        rows = [row | {"update_id": begin + n} for n in range(count)]
        for start in range(0, count, 500):
            Update.insert_many(rows[start : start + 500]).execute()
        begin += count


async def test_what_waits_and_what_is_dead_is_counted_apart(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = [await ann.add_bot(telegram.add_bot(), active=False) for _ in range(2)]
    first, second = (bot["id"] for bot in made)
    await botyard.services.db.write(store, first, begin=1, pending=3, dead=2, handled=4)
    counted = await botyard.services.db.read(updates.counts, [first, second, 77])
    assert counted == {first: Counts(3, 2), second: Counts(0, 0), 77: Counts(0, 0)}
    assert await botyard.services.db.read(updates.totals) == Counts(3, 2)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT COUNT(*) FROM updates WHERE bot_id IN (1, 2) AND handled_at IS NULL "
         "AND dead_at IS NULL", "updates_pending"),
        ("SELECT COUNT(*) FROM updates WHERE bot_id IN (1, 2) AND handled_at IS NULL "
         "AND dead_at IS NOT NULL", "updates_dead"),
        ("SELECT payload FROM updates WHERE bot_id = 1 AND handled_at IS NULL "
         "AND dead_at IS NULL ORDER BY update_id LIMIT 9", "updates_pending"),
        ("SELECT payload FROM updates WHERE bot_id = 1 AND handled_at IS NULL "
         "AND dead_at IS NOT NULL ORDER BY update_id DESC LIMIT 9", "updates_dead"),
    ],
)  # fmt: skip
def test_what_is_not_handled_is_found_by_its_index(
    botyard: Botyard, config: Config, query: str, index: str
) -> None:
    """A list read each of 100,000 rows, and others waited for it."""
    database = connect(config.database_url)
    with database.connection_context():
        sqlite = config.database_url.startswith("sqlite")
        if not sqlite:  # with no rows, it would rather read the table
            database.execute_sql("SET enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
        plan = str(database.execute_sql(f"{explain} {query}").fetchall())
    assert index in plan
    assert "TEMP B-TREE" not in plan


async def test_a_large_count_is_kept_for_a_second_and_a_small_one_is_not(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = [await ann.add_bot(telegram.add_bot(), active=False) for _ in range(2)]
    small, large = (bot["id"] for bot in made)
    db, clock = botyard.services.db, Clock()
    counts = UpdateCounts(db, clock=clock)
    await db.write(store, small, begin=1, pending=1)
    await db.write(store, large, begin=1, pending=MANY)
    assert await counts.of([small, large]) == {small: Counts(1, 0), large: Counts(MANY, 0)}
    await db.write(store, small, begin=5000, pending=1)
    await db.write(store, large, begin=5000, pending=1)
    assert await counts.of([large, small]) == {large: Counts(MANY, 0), small: Counts(2, 0)}
    clock.now += KEPT_FOR
    assert await counts.of([large]) == {large: Counts(MANY + 1, 0)}


async def test_lists_that_wait_together_share_a_large_count(
    ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    db = botyard.services.db
    await db.write(store, made["id"], begin=1, pending=MANY)
    ran = []
    count = updates.counts

    def noting(bot_ids: list[int]) -> dict[int, Counts]:
        ran.extend(bot_ids)
        return count(bot_ids)

    monkeypatch.setattr(updates, "counts", noting)
    counts = UpdateCounts(db)
    answers = await asyncio.gather(*(counts.of([made["id"]]) for _ in range(50)))
    assert answers == 50 * [{made["id"]: Counts(MANY, 0)}]
    assert len(ran) <= max(READERS.values()), "one for each thread that reads"
