"""Attacks on the login: many addresses, many names for one account, a full queue, the clock."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import permutations

import aiohttp
import pytest
from support.client import PASSWORD, Answer, Client, at_rest, until

import models.accounts.passwords
from models.accounts.audit import Entry
from models.accounts.passwords import hash_password
from runner.settings import RunnerTuning
from server.app import Botyard, open_botyard
from server.config import Config

LOGIN, REGISTRATION = "/rest-auth/login/", "/rest-auth/registration/"
CHANGE, LOGOUT, USER = "/rest-auth/password/change/", "/rest-auth/logout/", "/rest-auth/user/"
WRONG, NEW = "not the password", "another horse, another battery"
TRIES = 10  # wrong passwords for one account from one address before the 429
STRANGERS = 50  # wrong passwords for one account from wherever it never logged in
HOME = "198.51.100.1"  # where ann lives


@pytest.fixture(autouse=True)
def cheap_unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that nobody has cost as little as the others do in tests."""
    monkeypatch.setattr(models.accounts.passwords, "_UNKNOWN_USER_HASH", hash_password(WRONG))


@pytest.fixture
def config(config: Config) -> Config:
    """Behind a proxy, so that a test can come from any address."""
    return replace(config, behind_proxy=True)


async def log_in(
    client: Client,
    name: str = "ann",
    password: str = WRONG,
    *,
    address: str = HOME,
    field: str = "username",
) -> Answer:
    """One try to log in."""
    body = {field: name, "password": password}
    return await client.post(LOGIN, body, headers={"X-Forwarded-For": address})


async def make_account(client: Client, name: str = "ann", *, address: str = HOME) -> Answer:
    """Register with an e-mail address."""
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    return await client.post(REGISTRATION, body, headers={"X-Forwarded-For": address})


@pytest.fixture
async def home(anonymous: Client) -> Client:
    """ann, who registered at her own address."""
    answer = await make_account(anonymous)
    assert answer.status == 201, answer.text
    return replace(anonymous, key=answer.json["key"], user=answer.json["user"])


# -- one network is one address


async def test_the_addresses_of_an_ipv6_network_guess_as_one(
    home: Client, anonymous: Client
) -> None:
    answers = [await log_in(anonymous, address=f"2001:db8:1:2::{n:x}") for n in range(1, 41)]
    assert [answer.status for answer in answers] == TRIES * [400] + 30 * [429]


async def test_the_addresses_of_an_ipv6_network_register_as_one(anonymous: Client) -> None:
    answers = [
        await make_account(anonymous, f"user{n}", address=f"2001:db8:1:2:{n:x}::1")
        for n in range(70)
    ]
    assert [answer.status for answer in answers] == 60 * [201] + 10 * [429]


async def test_an_ipv4_address_written_as_ipv6_is_the_same(home: Client, anonymous: Client) -> None:
    for _ in range(TRIES):
        await log_in(anonymous, address="203.0.113.7")
    assert (await log_in(anonymous, address="::ffff:203.0.113.7")).status == 429


async def test_another_ipv6_network_has_tries_of_its_own(home: Client, anonymous: Client) -> None:
    for _ in range(TRIES):
        await log_in(anonymous, address="2001:db8:1:2::1")
    answer = await log_in(anonymous, password=PASSWORD, address="2001:db8:1:3::1")
    assert answer.status == 200


# -- an account, whatever it is called and wherever one comes from


async def test_the_name_and_the_email_of_an_account_share_the_tries(
    home: Client, anonymous: Client
) -> None:
    """The answer is that of a wrong password: a 429 would tell that both are one account."""
    for _ in range(TRIES):
        assert (await log_in(anonymous)).status == 400
    for name, field in (("ann@example.org", "username"), ("ANN@example.org", "email")):
        answer = await log_in(anonymous, name, PASSWORD, field=field)
        assert (answer.status, answer.json["code"]) == (400, "invalid_credentials")


async def test_strangers_share_the_guesses_at_the_name_and_the_email(
    home: Client, anonymous: Client
) -> None:
    await guess_from_everywhere(anonymous)
    stranger = await log_in(anonymous, "ann@example.org", PASSWORD, address="203.0.113.99")
    assert (stranger.status, stranger.json["code"]) == (400, "invalid_credentials")
    assert (await log_in(anonymous, "ann@example.org", PASSWORD)).status == 200


async def test_an_attempt_in_vain_is_checked_and_noted_with_its_reason(
    home: Client, anonymous: Client, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, check = [], models.accounts.passwords.check_password

    def noting(password: str, password_hash: str | None) -> bool:
        checked.append(password)
        return check(password, password_hash)

    for _ in range(TRIES):
        await log_in(anonymous)
    monkeypatch.setattr(models.accounts.passwords, "check_password", noting)
    assert (await log_in(anonymous, "ann@example.org", PASSWORD)).status == 400
    assert checked == [PASSWORD]
    query = Entry.select(Entry.details).order_by(Entry.id.desc())
    assert "too_many_attempts" in (await botyard.services.db.read(query.first)).details


async def guess_from_everywhere(client: Client, name: str = "ann") -> list[Answer]:
    """As many wrong passwords as strangers have, each from an address of its own."""
    return [await log_in(client, name, address=f"203.0.113.{n}") for n in range(STRANGERS)]


async def test_strangers_share_the_guesses_at_an_account(home: Client, anonymous: Client) -> None:
    answers = await guess_from_everywhere(anonymous)
    assert {answer.status for answer in answers} == {400}
    refused = await log_in(anonymous, address="203.0.113.99")
    assert (refused.status, refused.json["code"]) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= 900


async def test_where_one_has_logged_in_before_strangers_do_not_hold_one_up(
    home: Client, anonymous: Client
) -> None:
    assert (await home.post(LOGOUT)).status == 200
    await guess_from_everywhere(anonymous)
    assert (await log_in(anonymous, password=PASSWORD, address="203.0.113.99")).status == 429
    assert (await log_in(anonymous, password=PASSWORD)).status == 200


async def test_a_network_that_has_logged_in_is_known_by_all_its_addresses(
    home: Client, anonymous: Client
) -> None:
    await log_in(anonymous, password=PASSWORD, address="2001:db8:1:2::1")
    await guess_from_everywhere(anonymous)
    answer = await log_in(anonymous, password=PASSWORD, address="2001:db8:1:2:ffff::77")
    assert answer.status == 200


async def test_other_accounts_are_not_held_up(home: Client, anonymous: Client) -> None:
    assert (await make_account(anonymous, "bob", address="192.0.2.1")).status == 201
    await guess_from_everywhere(anonymous)
    answer = await log_in(anonymous, "bob", PASSWORD, address="203.0.113.99")
    assert answer.status == 200


async def test_right_passwords_do_not_count_against_an_account(
    home: Client, anonymous: Client
) -> None:
    for n in range(STRANGERS + 1):
        answer = await log_in(anonymous, password=PASSWORD, address=f"203.0.113.{n}")
        assert answer.status == 200


async def test_known_addresses_outlast_a_restart(
    config: Config, http: aiohttp.ClientSession, runner_tuning: RunnerTuning
) -> None:
    for begin in (True, False):
        running = await open_botyard(config, runner=runner_tuning)
        try:
            client = Client(http, running.url)
            if begin:
                assert (await make_account(client)).status == 201
                continue
            await guess_from_everywhere(client)
            stranger = await log_in(client, password=PASSWORD, address="203.0.113.99")
            assert stranger.status == 429
            assert (await log_in(client, password=PASSWORD)).status == 200
        finally:
            await running.drain(5)
            await running.close()


async def test_a_new_password_forgets_the_addresses_but_the_one_it_came_from(
    home: Client, anonymous: Client
) -> None:
    thief = "192.0.2.66"
    assert (await log_in(anonymous, password=PASSWORD, address=thief)).status == 200
    body = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    changed = await home.post(CHANGE, body, headers={"X-Forwarded-For": HOME})
    assert changed.status == 200
    await guess_from_everywhere(anonymous)
    assert (await log_in(anonymous, password=NEW, address=thief)).status == 429
    assert (await log_in(anonymous, password=NEW)).status == 200


async def test_strangers_do_not_keep_one_from_changing_the_password(
    home: Client, anonymous: Client
) -> None:
    await guess_from_everywhere(anonymous)
    body = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    answer = await home.post(CHANGE, body, headers={"X-Forwarded-For": "203.0.113.99"})
    assert answer.status == 200


# -- whether an account exists is nobody's business


FORMS = [  # of a name, and the field it is typed into
    ("{}", "username"),
    ("{}", "email"),
    ("{}@example.org", "username"),
    ("{}@example.org", "email"),
]


async def told(client: Client, name: str) -> list[tuple[int, object, set[str]]]:
    """All that the answers to guesses at a name say, up to both limits and beyond."""
    answers = [await log_in(client, name, address="192.0.2.1") for _ in range(TRIES + 2)]
    answers += await guess_from_everywhere(client, name)
    answers.append(await log_in(client, name, address="203.0.113.99"))
    return [
        (answer.status, answer.lasting if answer.status == 400 else "wait", set(answer.headers))
        for answer in answers
    ]


async def test_a_name_that_nobody_has_is_throttled_as_one_that_somebody_has(
    home: Client, anonymous: Client
) -> None:
    known, unknown = await told(anonymous, "ann"), await told(anonymous, "nobody")
    assert [status for status, *_ in known].count(429) > 2
    assert known == unknown


@pytest.mark.parametrize("forms", list(permutations(FORMS, 2)), ids=str)
async def test_no_two_forms_of_a_name_tell_whether_anybody_has_it(
    home: Client, anonymous: Client, forms: tuple[tuple[str, str], ...]
) -> None:
    """The second form was refused if there was the account, or if there was none."""
    told = []
    for name, address in (("ann", "192.0.2.1"), ("nobody", "192.0.2.2")):
        answers = [
            await log_in(anonymous, text.format(name), address=address, field=field)
            for text, field in forms
            for _ in range(TRIES + 1)
        ]
        told.append([answer.status for answer in answers])
    assert told[0] == told[1]


async def test_a_wrong_password_commits_as_often_for_a_name_that_nobody_has(
    home: Client, anonymous: Client, botyard: Botyard
) -> None:
    """The counter of commits was open to everybody, and grew for existing names alone."""
    await at_rest(botyard)
    commits = botyard.services.db.commits
    grown = []
    for name in ("ann", "nobody", "ann@example.org", "nobody@example.org"):
        before = sum(commits.counts)
        assert (await log_in(anonymous, name)).status == 400
        grown.append(sum(commits.counts) - before)
    assert grown == [1, 1, 1, 1]


async def test_a_wrong_password_runs_the_same_statements_for_a_name_that_nobody_has(
    home: Client, anonymous: Client, botyard: Botyard, caplog: pytest.LogCaptureFixture
) -> None:
    await at_rest(botyard)

    def statements() -> list[str]:
        """Those that have to do with accounts."""
        ran = [record.msg[0] for record in caplog.records if record.name == "peewee"]
        return [text for text in ran if re.search(r"\b(users|known_networks|audit)\b", text)]

    ran = []
    with caplog.at_level(logging.DEBUG, "peewee"):
        for name in ("ann", "nobody", "ann@example.org", "nobody@example.org"):
            caplog.clear()
            assert (await log_in(anonymous, name)).status == 400
            ran.append(statements())
    assert len(ran[0]) == 4
    assert ran[1:] == 3 * [ran[0]]


async def test_a_guess_at_no_account_leaves_no_entry(anonymous: Client, botyard: Botyard) -> None:
    assert (await log_in(anonymous, "nobody")).status == 400
    assert await botyard.services.db.read(Entry.select().count) == 0


# -- the queue before the hasher


class Gate:
    """Holds checks up, and notes the passwords in the order in which they are checked."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.checked: list[str] = []


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Checks wait until it is opened."""
    made, check = Gate(), models.accounts.passwords.check_password

    def slow(password: str, password_hash: str | None) -> bool:
        made.open.wait(60)
        made.checked.append(password)
        return check(password, password_hash)

    monkeypatch.setattr(models.accounts.passwords, "check_password", slow)
    yield made
    made.open.set()


@pytest.fixture
async def crowd(botyard: Botyard) -> AsyncIterator[Client]:
    """Somebody without a key, and as many connections as it takes."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield Client(session, botyard.url)


def start(client: Client, name: str, password: str, address: str) -> asyncio.Task[Answer]:
    """A try to log in that goes on beside."""
    trying = log_in(client, name, password, address=address)
    return asyncio.create_task(trying, name=f"{name} from {address}")


async def test_a_full_queue_is_no_failure_of_whoever_it_refuses(
    home: Client, crowd: Client, gate: Gate
) -> None:
    there = "203.0.113.7"
    flood = [start(crowd, f"n{n}", WRONG, there) for n in range(60)]
    await until(lambda: any(task.done() for task in flood), "a full queue")
    for _ in range(TRIES):
        answer = await log_in(crowd, password=PASSWORD, address=there)
        assert (answer.status, answer.json["code"]) == (429, "busy")
    gate.open.set()
    assert {answer.status for answer in await asyncio.gather(*flood)} == {400, 429}
    assert (await log_in(crowd, password=PASSWORD, address=there)).status == 200


ATTACKERS = 34


async def flood_from_everywhere(client: Client, gate: Gate) -> list[asyncio.Task[Answer]]:
    """Attackers who each have more in the queue than it takes of one."""
    flood = [
        start(client, f"n{n}", WRONG, f"203.0.113.{attacker}")
        for n in range(6)
        for attacker in range(ATTACKERS)
    ]
    await until(lambda: sum(task.done() for task in flood) > ATTACKERS, "a full queue")
    return flood


async def test_attackers_do_not_keep_the_right_password_out(
    home: Client, crowd: Client, gate: Gate, botyard: Botyard
) -> None:
    flood = await flood_from_everywhere(crowd, gate)
    victim = start(crowd, "ann", PASSWORD, "192.0.2.1")
    await until(
        lambda: "192.0.2.1" in botyard.services.logins.hasher._strangers._waiting, "its turn"
    )
    gate.open.set()
    assert (await victim).status == 200
    await asyncio.gather(*flood)
    assert gate.checked.index(PASSWORD) <= ATTACKERS + 2, "one turn each"


async def test_where_one_has_logged_in_before_one_hardly_waits_in_the_queue(
    home: Client, crowd: Client, gate: Gate, botyard: Botyard
) -> None:
    flood = await flood_from_everywhere(crowd, gate)
    victim = start(crowd, "ann", PASSWORD, HOME)
    await until(lambda: botyard.services.logins.hasher._known._waiting, "its turn")
    gate.open.set()
    assert (await victim).status == 200
    await asyncio.gather(*flood)
    assert gate.checked.index(PASSWORD) <= 2


async def test_accounts_known_in_many_networks_do_not_keep_the_known_out(
    home: Client, crowd: Client, gate: Gate, botyard: Botyard
) -> None:
    """Two accounts that had logged in from 40 addresses each took all of the queue."""
    gate.open.set()
    known = [(f"m{n % 2}", f"203.0.113.{n}") for n in range(80)]
    for name in ("m0", "m1"):
        assert (await make_account(crowd, name, address="192.0.2.1")).status == 201
    for name, address in known:
        assert (await log_in(crowd, name, PASSWORD, address=address)).status == 200
    gate.open.clear()
    gate.checked.clear()
    flood = [start(crowd, name, WRONG, address) for name, address in 2 * known]
    await until(lambda: sum(task.done() for task in flood) > len(flood) // 2, "a full queue")
    victim = start(crowd, "ann", PASSWORD, HOME)
    waiting, ann = botyard.services.logins.hasher._known._waiting, str(home.user["pk"])
    await until(lambda: victim.done() or ann in waiting or HOME in waiting, "its turn")
    gate.open.set()
    assert (await victim).status == 200
    await asyncio.gather(*flood)
    assert gate.checked.index(PASSWORD) <= 3, "one turn each"


# -- the clock


async def test_a_clock_that_is_set_back_makes_nobody_wait_longer(
    home: Client, anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(TRIES):
        await log_in(anonymous)
    present = time.time
    monkeypatch.setattr(time, "time", lambda: present() - 86400)
    assert int((await log_in(anonymous)).headers["Retry-After"]) <= 300


# -- what a text costs before it is refused


@pytest.fixture
def normalized(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the texts that were normalized."""
    lengths, normalize = [], unicodedata.normalize

    def noting(form: str, text: str) -> str:
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", noting)
    return lengths


LONG = "\ufdfa" * 20_000  # 60 KB; each becomes 18 characters


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", LOGIN, {"username": LONG, "password": WRONG}),
        ("POST", LOGIN, {"email": LONG, "password": WRONG}),
        ("POST", REGISTRATION, {"username": LONG, "password": PASSWORD}),
        ("POST", REGISTRATION, {"username": "x", "email": f"{LONG}@x.org", "password": PASSWORD}),
        ("PATCH", USER, {"username": LONG}),
        ("PATCH", USER, {"email": f"a@{LONG}.org"}),
        ("PUT", USER, {"username": "ann", "first_name": LONG}),
    ],
)
async def test_a_text_that_is_too_long_is_refused_before_it_is_normalized(
    home: Client, normalized: list[int], method: str, path: str, body: dict[str, str]
) -> None:
    raw = json.dumps(body, ensure_ascii=False).encode()
    answer = await home.request(
        method, path, data=raw, headers={"Content-Type": "application/json"}
    )
    (field,) = (name for name, text in body.items() if len(text) > 1000)
    assert (answer.status, list(answer.json["errors"])) == (400, [field])
    assert len(answer.json["errors"][field]) == 1
    assert max(normalized, default=0) <= 254


# -- names and addresses are asked for one by one


NAMES = 20  # changes of the name or the e-mail address an account may try in an hour


async def rename(client: Client, name: str, *, address: str = HOME) -> Answer:
    """Ask for another name."""
    return await client.patch(USER, {"username": name}, headers={"X-Forwarded-For": address})


async def test_whether_names_are_taken_cannot_be_asked_as_fast_as_one_likes(
    home: Client, anonymous: Client
) -> None:
    await make_account(anonymous, "bob")
    answers = [await rename(home, "bob") for _ in range(NAMES + 1)]
    assert [answer.status for answer in answers] == NAMES * [400] + [429]
    refused = await home.patch(USER, {"email": "bob@example.org"})
    assert (refused.status, refused.json["code"]) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600


async def test_accounts_of_one_address_share_the_changes_of_names(anonymous: Client) -> None:
    statuses = []
    for name in ("ann", "bob", "carl", "dora"):
        made = await make_account(anonymous, name)
        client = replace(anonymous, key=made.json["key"])
        statuses += [(await rename(client, f"{name}{n}")).status for n in range(NAMES - 1)]
    assert statuses == 60 * [200] + 16 * [429]


async def test_what_asks_for_no_other_name_is_not_counted(home: Client) -> None:
    shown = (await home.get(USER)).json
    for n in range(NAMES + 1):
        assert (await home.put(USER, shown | {"first_name": f"Ann {n}"})).status == 200


async def test_an_entry_of_a_wrong_password_is_there_when_the_answer_is(
    home: Client, anonymous: Client
) -> None:
    await log_in(anonymous)
    listed = (await home.get("/api/v1/audit/")).json["results"]
    assert listed[0]["action"] == "login_failed"
