"""Passwords: hashing, the queue before it, and what happens to those who guess."""

from __future__ import annotations

import ast
import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from support.client import PASSWORD, Answer, Client, Clock, register, until

import models.accounts.passwords
from models.accounts.address import network_of
from models.accounts.fair_queue import FairQueue
from models.accounts.passwords import (
    HasherBusy,
    PasswordHasher,
    check_password,
    hash_password,
    weaknesses,
)
from server.app import Botyard
from services.errors import TooFast
from services.throttle import _ACCOUNT_FROM_STRANGERS, _ADDRESS, LoginThrottle
from services.windows import LocalWindows

LOGIN, REGISTRATION = "/rest-auth/login/", "/rest-auth/registration/"
CHANGE = "/rest-auth/password/change/"
TRIES = 10  # wrong passwords for one name before the 429


async def guess(client: Client, name: str = "ann", password: str = "not the password") -> Answer:
    """One try to log in."""
    return await client.post(LOGIN, {"username": name, "password": password})


class Checks(list[threading.Thread]):
    """The threads that bcrypt ran in, one entry a check or hash."""


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """Count what bcrypt does."""
    counted = Checks()
    check, make = bcrypt.checkpw, bcrypt.hashpw

    def checkpw(password: bytes, hashed: bytes) -> bool:
        counted.append(threading.current_thread())
        return check(password, hashed)

    def hashpw(password: bytes, salt: bytes) -> bytes:
        counted.append(threading.current_thread())
        return make(password, salt)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    monkeypatch.setattr(bcrypt, "hashpw", hashpw)
    return counted


# -- hashes


def constant(name: str) -> Any:
    """A constant of the module as it is in production."""
    tree = ast.parse(Path(models.accounts.passwords.__file__).read_text())
    (value,) = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.targets[0].id == name  # type: ignore[attr-defined]
    ]
    return value


def test_hashes_cost_twelve_in_production() -> None:
    assert constant("COST") == 12


def test_the_cost_is_that_of_the_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.accounts.passwords, "COST", 5)
    assert hash_password(PASSWORD).startswith("$2b$05$")


def test_a_name_that_nobody_has_costs_as_much_as_one_that_somebody_has() -> None:
    assert constant("_UNKNOWN_USER_HASH").startswith("$2b$12$")


def test_one_password_has_many_hashes() -> None:
    assert hash_password(PASSWORD) != hash_password(PASSWORD)


@pytest.mark.parametrize("place", [0, 71, 72, 100, 999])
def test_every_character_of_a_long_password_counts(place: int) -> None:
    password = "x" * 1000
    other = password[:place] + "y" + password[place + 1 :]
    assert not check_password(other, hash_password(password))


@pytest.mark.parametrize(
    "password",
    ["nul\x00 in the middle", "\x00" * 8, "пароль 🔑 密码", "x" * 1024],
)
def test_any_text_can_be_a_password(password: str) -> None:
    assert check_password(password, hash_password(password))


def test_what_follows_a_nul_counts() -> None:
    assert not check_password("nul\x00 there", hash_password("nul\x00 here"))


def test_nothing_fits_the_hash_of_nobody() -> None:
    assert not check_password(PASSWORD, None)


@pytest.mark.parametrize("password", ["\x00nul\x00nul\x00", "пароль 🔑 密码 и ещё", "é" * 500])
async def test_any_text_logs_in_over_http(anonymous: Client, password: str) -> None:
    await anonymous.post(REGISTRATION, {"username": "ann", "password": password})
    assert (await guess(anonymous, password=password)).status == 200


@pytest.mark.parametrize("password", ["Tr0ub4dor & three", "ééééééé8", "        "])
def test_an_unusual_password_is_accepted(password: str) -> None:
    assert weaknesses(password, username="ann", email="ann@example.org") == []


def test_each_broken_rule_has_a_sentence() -> None:
    assert len(weaknesses("1234567")) == 3  # short, digits only, common


# -- one check, whoever it is


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_a_wrong_login_runs_exactly_one_check(
    ann: Client, anonymous: Client, checks: Checks, name: str
) -> None:
    await guess(anonymous, name)
    assert len(checks) == 1


async def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(
    ann: Client, anonymous: Client
) -> None:
    known, unknown = await guess(anonymous, "ann"), await guess(anonymous, "nobody")
    assert (known.status, known.json["code"]) == (400, "invalid_credentials")
    assert (known.status, known.lasting) == (unknown.status, unknown.lasting)
    assert set(known.headers) == set(unknown.headers)


async def test_an_unknown_address_gets_that_answer_too(ann: Client, anonymous: Client) -> None:
    body = {"email": "nobody@example.org", "password": "not the password"}
    assert (await anonymous.post(LOGIN, body)).lasting == (await guess(anonymous)).lasting


async def test_hashing_never_runs_on_the_loops_thread(anonymous: Client, checks: Checks) -> None:
    client = await register(anonymous, "ann")
    await guess(client, password=PASSWORD)
    body = {"old_password": PASSWORD, "new_password1": "x7" * 9, "new_password2": "x7" * 9}
    assert (await client.post(CHANGE, body)).status == 200
    assert len(checks) == 4  # hash; check; check and hash
    assert threading.main_thread() not in checks


# -- the queue


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hashing waits until it is set."""
    opened = threading.Event()
    check = models.accounts.passwords.check_password

    def slow(password: str, password_hash: str | None) -> bool:
        opened.wait(20)
        return check(password, password_hash)

    monkeypatch.setattr(models.accounts.passwords, "check_password", slow)
    yield opened
    opened.set()


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    """One that lets four wait, two from one address."""
    made = PasswordHasher(queue=4, each=2, known=4)
    yield made
    made.close()


def ask(hasher: PasswordHasher, source: str, *, known: bool = False) -> asyncio.Task[bool]:
    """A check that goes on beside."""
    check = hasher.check(PASSWORD, hash_password(PASSWORD), source=source, known=known)
    return asyncio.create_task(check, name=f"check from {source}")


async def test_an_address_that_has_its_share_of_the_queue_is_refused_at_once(
    hasher: PasswordHasher, gate: threading.Event
) -> None:
    tasks = [ask(hasher, "a") for _ in range(3)]
    await until(lambda: hasher.waiting == 2, "one under way and two that wait")
    with pytest.raises(HasherBusy):
        await ask(hasher, "a")
    tasks.append(ask(hasher, "b"))
    await until(lambda: hasher.waiting == 3, "room for another")
    gate.set()
    assert await asyncio.gather(*tasks) == 4 * [True]


async def test_who_has_most_in_a_full_queue_makes_room_for_who_has_nothing(
    hasher: PasswordHasher, gate: threading.Event
) -> None:
    crowd = [ask(hasher, address) for address in ("first", "a", "a", "b", "c")]
    await until(lambda: hasher.waiting == 4, "a full queue")
    late = ask(hasher, "d")
    await until(crowd[2].done, "the second of the same address to be refused")
    with pytest.raises(HasherBusy):
        await ask(hasher, "e")  # of each address one waits now
    gate.set()
    assert await late
    assert [type(task.exception()) for task in crowd] == [*2 * [type(None)], HasherBusy] + 2 * [
        type(None)
    ]


async def test_a_flood_of_strangers_does_not_refuse_the_known(
    hasher: PasswordHasher, gate: threading.Event
) -> None:
    crowd = [ask(hasher, address) for address in ("first", "a", "b", "c", "d")]
    await until(lambda: hasher.waiting == 4, "a full queue")
    known = ask(hasher, "a", known=True)
    await until(lambda: hasher.waiting == 5, "the queue of the known")
    gate.set()
    assert await asyncio.gather(*crowd, known) == 6 * [True]


async def test_half_of_the_queue_is_for_those_who_log_in(
    hasher: PasswordHasher, gate: threading.Event
) -> None:
    crowd = [ask(hasher, address) for address in ("first", "a", "b")]
    await until(lambda: hasher.waiting == 2, "a queue that is half full")
    with pytest.raises(HasherBusy):
        await hasher.hash(PASSWORD, source="c")
    gate.set()
    await asyncio.gather(*crowd)


async def test_the_queue_takes_more_when_it_has_emptied(
    hasher: PasswordHasher, gate: threading.Event
) -> None:
    gate.set()
    for _ in range(9):
        assert await ask(hasher, "a")


async def test_who_gave_up_waiting_is_passed_over(
    hasher: PasswordHasher, gate: threading.Event
) -> None:
    tasks = [ask(hasher, address) for address in ("first", "a", "b")]
    await until(lambda: hasher.waiting == 2, "two that wait")
    tasks[1].cancel()
    gate.set()
    assert await tasks[2]
    assert (await asyncio.gather(*tasks, return_exceptions=True))[0] is True


def test_each_source_of_a_fair_queue_has_a_turn() -> None:
    fair: FairQueue[str] = FairQueue(limit=10, each=4)
    for source, item in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")):
        assert fair.put(source, item) is None
    assert [fair.pop() for _ in range(2)] == ["a1", "b1"]
    fair.put("b", "b2")
    assert [fair.pop() for _ in range(len(fair))] == ["c1", "a2", "b2", "a3"]


async def test_people_beyond_the_queue_are_asked_to_come_back(
    ann: Client, anonymous: Client, botyard: Botyard, gate: threading.Event
) -> None:
    hasher = botyard.services.logins.hasher
    waiting = [ask(hasher, f"{n}") for n in range(65)]
    await until(lambda: hasher.waiting == 64, "a full queue")
    answer = await guess(anonymous, "nobody")
    assert (answer.status, answer.json["code"]) == (429, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    gate.set()
    await asyncio.gather(*waiting)


# -- those who guess


@pytest.fixture
async def guessed(ann: Client, anonymous: Client) -> Client:
    """Somebody who has had all his tries at ann's password."""
    for _ in range(TRIES):
        assert (await guess(anonymous)).status == 400
    return anonymous


async def test_too_many_guesses_at_a_name_have_to_wait(guessed: Client) -> None:
    answer = await guess(guessed)
    assert (answer.status, answer.json["code"]) == (429, "too_many_attempts")
    assert 0 < int(answer.headers["Retry-After"]) <= 300


async def test_while_one_waits_the_right_password_does_not_help(guessed: Client) -> None:
    assert (await guess(guessed, password=PASSWORD)).status == 429


async def test_a_guess_that_has_to_wait_costs_no_check(guessed: Client, checks: Checks) -> None:
    await guess(guessed)
    assert not checks


async def test_the_case_of_the_name_gives_no_more_guesses(guessed: Client) -> None:
    assert (await guess(guessed, "ANN")).status == 429


async def test_other_names_still_log_in(guessed: Client) -> None:
    await register(guessed, "bob")
    assert (await guess(guessed, "bob", PASSWORD)).status == 200


async def test_who_is_logged_in_goes_on(guessed: Client, ann: Client) -> None:
    assert (await ann.get("/rest-auth/user/")).status == 200


async def test_an_unknown_name_has_to_wait_as_well(
    anonymous: Client, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.accounts.passwords, "_UNKNOWN_USER_HASH", hash_password(PASSWORD))
    answers = [await guess(anonymous, "nobody") for _ in range(TRIES + 1)]
    assert [answer.status for answer in answers] == TRIES * [400] + [429]


async def test_a_right_password_gives_the_tries_back(ann: Client, anonymous: Client) -> None:
    for _ in range(2):
        for _ in range(TRIES - 1):
            await guess(anonymous)
        assert (await guess(anonymous, password=PASSWORD)).status == 200


async def test_the_old_password_cannot_be_guessed_either(ann: Client) -> None:
    body: dict[str, Any] = {
        "old_password": "not the password",
        "new_password1": "x7" * 9,
        "new_password2": "x7" * 9,
    }
    answers = [await ann.post(CHANGE, body) for _ in range(TRIES + 1)]
    assert [answer.status for answer in answers] == TRIES * [400] + [429]


async def attempt(throttle: LoginThrottle, name: str, address: str = "203.0.113.7") -> None:
    """A try at a name that nobody has."""
    await throttle.login(name, address, user_id=None, known=False)


async def test_an_address_that_guesses_at_many_names_has_to_wait() -> None:
    throttle = LoginThrottle(LocalWindows())
    for n in range(100):
        await attempt(throttle, f"name{n}")
    with pytest.raises(TooFast):
        await attempt(throttle, "another")
    with pytest.raises(TooFast):
        await throttle.check_address("203.0.113.7")
    await throttle.check_address("203.0.113.8")


async def test_guesses_from_one_address_do_not_lock_another_out() -> None:
    throttle = LoginThrottle(LocalWindows())
    for _ in range(TRIES):
        await attempt(throttle, "ann")
    with pytest.raises(TooFast):
        await attempt(throttle, "ann")
    await attempt(throttle, "ann", "198.51.100.9")


async def test_after_the_wait_there_are_tries_again_and_nothing_is_kept_of_the_old_ones() -> None:
    clock = Clock()
    windows = LocalWindows(clock=clock)
    throttle = LoginThrottle(windows)
    for _ in range(TRIES):
        await attempt(throttle, "ann")
    with pytest.raises(TooFast) as refused:
        await attempt(throttle, "ann")
    clock.now += refused.value.seconds
    await attempt(throttle, "ann")
    clock.now += 3600
    await attempt(throttle, "bob")
    assert [len(windows.of(limit)) for limit in (_ADDRESS, _ACCOUNT_FROM_STRANGERS)] == [1, 1]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("64:ff9b::203.0.113.7", "203.0.113.7"),  # NAT64
        ("64:ff9b::cb00:7108", "203.0.113.8"),
        ("64:ff9b:0:0:1::cb00:7108", "64:ff9b::/64"),
        ("2002:cb00:7107:1::1", "203.0.113.7"),  # 6to4
        ("2001:0:4136:e378:8000:63bf:34ff:8ef8", "203.0.113.7"),  # Teredo (RFC 4380, section 4)
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("not an address", "not an address"),
    ],
)
def test_an_address_counts_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
