"""Accounts over HTTP: register, log in and out, one's own data, password, sessions, the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, PASSWORD, Answer, Client, register, until

from models.accounts import sessions, users
from models.accounts.audit import OPERATOR
from models.accounts.users import User, _taken
from models.errors import EmailTaken, PasswordChanged, StorageUnavailable, UsernameTaken
from sandbox import Sandbox
from server.app import Botyard, open_botyard
from server.config import Config

REGISTRATION, LOGIN, LOGOUT = "/rest-auth/registration/", "/rest-auth/login/", "/rest-auth/logout/"
USER, SESSIONS, CHANGE = "/rest-auth/user/", "/rest-auth/sessions/", "/rest-auth/password/change/"
NEW_PASSWORD = "another horse, another battery"


def cookie_of(answer: Answer) -> str:
    """The session cookie an answer sets."""
    for header in answer.headers.getall("Set-Cookie"):
        if header.startswith("botyard_session="):
            value: str = header.partition("=")[2].partition(";")[0]
            return value
    raise AssertionError("no session cookie")


async def log_in(client: Client, name: str = "ann", password: str = PASSWORD) -> Client:
    """One more session of an account."""
    answer = await client.post(LOGIN, {"username": name, "password": password})
    assert answer.status == 200, answer.text
    return replace(client, key=answer.json["key"], user=answer.json["user"])


# -- registration


@pytest.mark.parametrize(
    "passwords",
    [{"password": PASSWORD}, {"password1": PASSWORD, "password2": PASSWORD}],
    ids=["once", "twice"],
)
async def test_registration_answers_a_key_that_works(
    anonymous: Client, passwords: dict[str, str]
) -> None:
    body = {"username": "Ann", "email": "Ann@example.org", **passwords}
    answer = await anonymous.post(REGISTRATION, body)
    user = answer.json["user"]
    assert answer.status == 201
    assert set(answer.json) == {"key", "token_type", "expires_at", "user"}
    assert answer.json["token_type"] == "Bearer"
    assert user == {
        "pk": user["pk"],
        "username": "Ann",
        "email": "Ann@example.org",
        "first_name": "",
        "last_name": "",
    }
    assert (await replace(anonymous, key=answer.json["key"]).get(USER)).json == user


async def test_a_key_says_when_it_expires(anonymous: Client) -> None:
    answer = await anonymous.post(REGISTRATION, {"username": "ann", "password": PASSWORD})
    left = datetime.fromisoformat(answer.json["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=14) - timedelta(minutes=1) < left <= timedelta(days=14)


@pytest.mark.parametrize(
    ("passwords", "field"),
    [
        ({}, "password"),
        ({"password": ""}, "password"),
        ({"password": "short77"}, "password"),
        ({"password": "4815162342108"}, "password"),
        ({"password": "iloveyou"}, "password"),
        ({"password": "PassWord1"}, "password"),
        ({"password": "anna.smith"}, "password"),
        ({"password": "ANNA@example.org"}, "password"),
        ({"password": "x1" * 513}, "password"),
        ({"password": None}, "password"),
        ({"password1": "short77", "password2": "short77"}, "password1"),
        ({"password1": PASSWORD}, "password2"),
        ({"password2": PASSWORD}, "password1"),
        ({"password1": PASSWORD, "password2": PASSWORD + "!"}, "password2"),
    ],
)
async def test_a_weak_password_is_refused_at_its_field(
    anonymous: Client, passwords: dict[str, Any], field: str
) -> None:
    body = {"username": "Anna.Smith", "email": "anna@example.org", **passwords}
    answer = await anonymous.post(REGISTRATION, body)
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    assert list(answer.json["errors"]) == [field]


async def test_the_part_before_the_at_sign_is_no_password(anonymous: Client) -> None:
    body = {"username": "ann", "email": "annabelle77@example.org", "password": "annabelle77"}
    answer = await anonymous.post(REGISTRATION, body)
    assert list(answer.json["errors"]) == ["password"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": "BOB"}, "username"),
        ({"username": "ｂｏｂ"}, "username"),
        ({"username": "robert", "email": "BOB@Example.ORG"}, "email"),
    ],
)
async def test_names_and_addresses_are_taken_without_regard_to_case(
    anonymous: Client, fields: dict[str, str], field: str
) -> None:
    first = {"username": "bob", "email": "bob@example.org", "password": PASSWORD}
    await anonymous.post(REGISTRATION, first)
    answer = await anonymous.post(REGISTRATION, {"password": PASSWORD, **fields})
    assert (answer.status, list(answer.json["errors"])) == (400, [field])


async def test_many_may_register_without_an_address(anonymous: Client) -> None:
    for name in ("ann", "bob"):
        body = {"username": name, "email": "", "password": PASSWORD}
        assert (await anonymous.post(REGISTRATION, body)).status == 201


async def test_of_many_who_register_a_name_at_once_one_gets_it(anonymous: Client) -> None:
    body = {"username": "ann", "password": PASSWORD}
    answers = await asyncio.gather(*(anonymous.post(REGISTRATION, body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + 7 * [400]


def test_a_race_that_the_database_decides_names_the_field() -> None:
    constraint = "UNIQUE constraint failed: users."
    assert isinstance(_taken(_integrity(constraint + "email_key")), EmailTaken)
    assert isinstance(_taken(_integrity(constraint + "username_key")), UsernameTaken)


def _integrity(text: str) -> Any:
    import peewee  # noqa: PLC0415 - for this alone

    return peewee.IntegrityError(text)


@pytest.mark.parametrize("name", ["", "two words", "tab\t", "semi;colon", "x" * 151, "ﷺ" * 150])
async def test_a_user_name_that_cannot_be_used_is_refused(anonymous: Client, name: str) -> None:
    answer = await anonymous.post(REGISTRATION, {"username": name, "password": PASSWORD})
    assert (answer.status, list(answer.json["errors"])) == (400, ["username"])


@pytest.mark.parametrize("name", ["Ünïcødé", "анна", "a.b@c+d-e_f", "x" * 150, "李"])
async def test_user_names_of_all_scripts_can_log_in(anonymous: Client, name: str) -> None:
    await register(anonymous, name)
    assert (await log_in(anonymous, name)).user["username"] == name


@pytest.mark.parametrize("email", ["no-at-sign", "a@b", "two words@example.org", "x@y.zz" * 60])
async def test_an_address_that_is_none_is_refused(anonymous: Client, email: str) -> None:
    body = {"username": "ann", "email": email, "password": PASSWORD}
    answer = await anonymous.post(REGISTRATION, body)
    assert (answer.status, list(answer.json["errors"])) == (400, ["email"])


class TestClosed:
    """Where the operator has closed registration."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """Closed."""
        return replace(config, registration=False)

    async def test_registration_is_refused_with_a_code(self, anonymous: Client) -> None:
        answer = await anonymous.post(REGISTRATION, {"username": "ann", "password": PASSWORD})
        assert (answer.status, answer.json["code"]) == (403, "registration_closed")

    async def test_accounts_that_are_there_log_in(
        self, botyard: Botyard, anonymous: Client
    ) -> None:
        hashed = await botyard.services.logins.hasher.hash(PASSWORD)
        await botyard.services.db.write(
            users.create, username="ann", email="", password_hash=hashed, by=OPERATOR
        )
        assert (await log_in(anonymous)).key


# -- login


@pytest.mark.parametrize(
    "who", [{"username": "ann"}, {"username": "ANN"}, {"email": "Ann@Example.org"}]
)
async def test_login_by_name_or_address(anonymous: Client, who: dict[str, str]) -> None:
    body = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}
    made = await anonymous.post(REGISTRATION, body)
    answer = await anonymous.post(LOGIN, {**who, "password": PASSWORD})
    assert answer.status == 200
    assert set(answer.json) == {"key", "token_type", "expires_at", "user"}
    assert answer.json["user"] == made.json["user"]


async def test_each_login_has_a_key_of_its_own(ann: Client, anonymous: Client) -> None:
    assert (await log_in(anonymous)).key != ann.key


async def test_forms_that_send_an_empty_address_log_in_by_name(
    ann: Client, anonymous: Client
) -> None:
    body = {"username": "ann", "email": "", "password": PASSWORD}
    assert (await anonymous.post(LOGIN, body)).status == 200


def _urlencoded(fields: dict[str, str]) -> Any:
    return fields


def _multipart(fields: dict[str, str]) -> Any:
    form = aiohttp.FormData(fields)
    form._is_multipart = True
    return form


@pytest.mark.parametrize("encode", [_urlencoded, _multipart])
@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        (REGISTRATION, {"username": "жанна", "password": PASSWORD}, 201),
        (LOGIN, {"username": "ann", "password": PASSWORD}, 200),
        (
            CHANGE,
            {
                "old_password": PASSWORD,
                "new_password1": NEW_PASSWORD,
                "new_password2": NEW_PASSWORD,
            },
            200,
        ),
        (LOGOUT, {}, 200),
    ],
)
async def test_the_auth_calls_take_forms(
    ann: Client, encode: Any, path: str, fields: dict[str, str], status: int
) -> None:
    answer = await ann.post(path, data=encode(fields))
    assert answer.status == status, answer.text


async def test_login_without_a_name_says_so(anonymous: Client) -> None:
    answer = await anonymous.post(LOGIN, {"password": PASSWORD})
    assert (answer.status, list(answer.json["errors"])) == (400, ["non_field_errors"])


# -- logout


async def test_logout_makes_the_key_worthless(ann: Client) -> None:
    answer = await ann.post(LOGOUT)
    assert (answer.status, list(answer.json)) == (200, ["detail"])
    assert (await ann.get(USER)).json["code"] == "invalid_key"


async def test_logout_makes_the_cookie_worthless_and_takes_it_back(anonymous: Client) -> None:
    login = await anonymous.post(REGISTRATION, {"username": "ann", "password": PASSWORD})
    cookie = cookie_of(login)
    answer = await replace(anonymous, key=login.json["key"]).post(LOGOUT)
    assert cookie_of(answer) == '""'
    after = await anonymous.get(USER, headers={"Cookie": f"botyard_session={cookie}"})
    assert after.json["code"] == "invalid_key"


async def test_logout_leaves_other_sessions(ann: Client, anonymous: Client) -> None:
    other = await log_in(anonymous)
    await ann.post(LOGOUT)
    assert (await other.get(USER)).status == 200


async def test_logout_takes_an_empty_body_announced_as_json(ann: Client) -> None:
    answer = await ann.post(LOGOUT, headers={"Content-Type": "application/json"})
    assert answer.status == 200


# -- one's own data


async def test_patch_changes_only_what_it_names(ann: Client) -> None:
    await ann.patch(USER, {"first_name": "Ann", "email": "ann@example.org"})
    answer = await ann.patch(USER, {"last_name": "Lee"})
    assert answer.status == 200
    assert answer.json == {
        "pk": ann.user["pk"],
        "username": "ann",
        "email": "ann@example.org",
        "first_name": "Ann",
        "last_name": "Lee",
    }


async def test_put_keeps_what_it_leaves_out(ann: Client) -> None:
    before = (await ann.patch(USER, {"first_name": "Ann", "email": "ann@example.org"})).json
    answer = await ann.put(USER, {"username": "Anna"})
    assert answer.json == before | {"username": "Anna"}
    assert (await ann.get(USER)).json == answer.json
    answer = await ann.put(USER, {"username": "Anna", "email": ""})
    assert (answer.json["email"], answer.json["first_name"]) == ("", "Ann")


async def test_put_needs_the_user_name(ann: Client) -> None:
    answer = await ann.put(USER, {"first_name": "Ann"})
    assert answer.json["errors"] == {"username": ["Missing data for required field."]}


async def test_put_of_what_get_gave_changes_nothing(ann: Client) -> None:
    before = (await ann.get(USER)).json
    assert (await ann.put(USER, before)).json == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_nobody_takes_another_ones_name(ann: Client, bob: Client, method: str) -> None:
    answer = await ann.request(method, USER, {"username": "BOB"})
    assert (answer.status, list(answer.json["errors"])) == (400, ["username"])


async def test_nobody_takes_another_ones_address(ann: Client, bob: Client) -> None:
    await bob.patch(USER, {"email": "bob@example.org"})
    answer = await ann.patch(USER, {"email": "Bob@Example.org"})
    assert (answer.status, list(answer.json["errors"])) == (400, ["email"])


async def test_the_case_of_ones_own_name_can_change(ann: Client) -> None:
    assert (await ann.patch(USER, {"username": "ANN"})).json["username"] == "ANN"


async def test_a_name_that_was_given_up_is_free(ann: Client, anonymous: Client) -> None:
    await ann.patch(USER, {"username": "anna"})
    assert (await register(anonymous, "ann")).key


# -- password


async def change(client: Client, old: str = PASSWORD, new: str = NEW_PASSWORD) -> Answer:
    """Change the password."""
    body = {"old_password": old, "new_password1": new, "new_password2": new}
    return await client.post(CHANGE, body)


async def test_after_a_change_only_the_new_password_logs_in(ann: Client, anonymous: Client) -> None:
    assert (await change(ann)).status == 200
    old = await anonymous.post(LOGIN, {"username": "ann", "password": PASSWORD})
    assert old.json["code"] == "invalid_credentials"
    assert (await log_in(anonymous, password=NEW_PASSWORD)).key


async def test_a_change_of_password_ends_every_other_session(
    ann: Client, anonymous: Client
) -> None:
    other = await log_in(anonymous)
    await change(ann)
    assert (await other.get(USER)).status == 401


async def test_a_change_of_password_keeps_this_session(ann: Client) -> None:
    await change(ann)
    assert (await ann.get(USER)).status == 200


async def test_a_change_of_password_leaves_other_accounts(ann: Client, bob: Client) -> None:
    await change(ann)
    assert (await bob.get(USER)).status == 200


async def test_the_old_password_is_needed_to_change_it(ann: Client, anonymous: Client) -> None:
    answer = await change(ann, old="not my password")
    assert (answer.status, list(answer.json["errors"])) == (400, ["old_password"])
    assert (await log_in(anonymous)).key


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"old_password": None}, "old_password"),
        ({"new_password1": "short77"}, "new_password1"),
        ({"new_password1": "12345678901", "new_password2": "12345678901"}, "new_password1"),
        ({"new_password1": "iloveyou", "new_password2": "iloveyou"}, "new_password1"),
        ({"new_password1": "Annabelle", "new_password2": "Annabelle"}, "new_password1"),
        ({"new_password1": "BELLE@example.org", "new_password2": "BELLE@example.org"},
         "new_password1"),
        ({"new_password2": NEW_PASSWORD + "!"}, "new_password2"),
    ],
)  # fmt: skip
async def test_the_rules_hold_for_a_new_password_too(
    anonymous: Client, fields: dict[str, Any], field: str
) -> None:
    client = await register(anonymous, "annabelle")
    await client.patch(USER, {"email": "belle@example.org"})
    good = {
        "old_password": PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    }
    if field == "new_password1":
        fields = {"new_password2": fields["new_password1"], **fields}
    answer = await client.post(CHANGE, good | fields)
    assert (answer.status, list(answer.json["errors"])) == (400, [field])


async def test_of_two_changes_at_once_one_is_told_that_it_came_too_late(
    ann: Client, anonymous: Client
) -> None:
    """Both were answered 200, and the later won."""
    password = PASSWORD
    for n in range(4):
        new = [f"{NEW_PASSWORD} {n}", f"{NEW_PASSWORD} {n}!"]
        answers = await asyncio.gather(*(change(ann, password, one) for one in new))
        assert sorted(answer.status for answer in answers) == [200, 400]
        won = 0 if answers[0].status == 200 else 1
        assert list(answers[1 - won].json["errors"]) == ["old_password"]
        assert (await log_in_raw(anonymous, new[won])).status == 200
        assert (await log_in_raw(anonymous, new[1 - won])).json["code"] == "invalid_credentials"
        password = new[won]


async def test_a_change_that_another_session_was_faster_with_changes_nothing(
    ann: Client, anonymous: Client
) -> None:
    other = await log_in(anonymous)
    answers = await asyncio.gather(change(ann), change(other, new=f"{NEW_PASSWORD}!"))
    statuses = sorted(answer.status for answer in answers)
    assert statuses[0] == 200
    assert statuses[1] in (400, 401)
    won = NEW_PASSWORD if answers[0].status == 200 else f"{NEW_PASSWORD}!"
    assert (await log_in(anonymous, password=won)).key


async def test_a_password_is_changed_only_from_the_one_that_was_checked(
    ann: Client, botyard: Botyard
) -> None:
    user = (await botyard.services.db.read(users.credentials, ann.user["pk"])).user
    with pytest.raises(PasswordChanged):
        await botyard.services.db.write(
            sessions.change_password, user, "new", checked_hash="old", keep=None, by=OPERATOR
        )
    assert (await ann.get(USER)).status == 200


async def test_of_a_login_and_a_change_at_once_no_session_outlives_the_change(
    ann: Client, anonymous: Client
) -> None:
    """A login with the old password either fails or is ended."""
    tries = [log_in_raw(anonymous, PASSWORD) for _ in range(6)]
    changed, *logins = await asyncio.gather(change(ann), *tries)
    assert changed.status == 200
    for login in logins:
        if login.status == 200:
            assert (await replace(anonymous, key=login.json["key"]).get(USER)).status == 401
        else:
            assert login.json["code"] == "invalid_credentials"


async def log_in_raw(client: Client, password: str) -> Answer:
    """A try to log in, whatever comes of it."""
    return await client.post(LOGIN, {"username": "ann", "password": password})


# -- sessions


async def test_sessions_are_listed_the_latest_first_and_this_one_marked(
    ann: Client, anonymous: Client
) -> None:
    answer = await anonymous.post(
        LOGIN, {"username": "ann", "password": PASSWORD}, headers={"User-Agent": "Phone/1.0"}
    )
    listed = (await ann.get(SESSIONS)).json
    assert [row["current"] for row in listed] == [False, True]
    assert (listed[0]["user_agent"], listed[0]["address"]) == ("Phone/1.0", "127.0.0.1")
    assert listed[0]["expires_at"] == answer.json["expires_at"]


async def test_a_listed_session_shows_nothing_but_its_fields(ann: Client) -> None:
    (row,) = (await ann.get(SESSIONS)).json
    assert set(row) == {
        "id",
        "current",
        "user_agent",
        "address",
        "created_at",
        "last_used_at",
        "expires_at",
    }


async def test_ending_a_session_makes_its_key_worthless(ann: Client, anonymous: Client) -> None:
    other = await log_in(anonymous)
    ended = next(row for row in (await ann.get(SESSIONS)).json if not row["current"])
    assert (await ann.delete(f"{SESSIONS}{ended['id']}/")).status == 204
    assert (await other.get(USER)).json["code"] == "invalid_key"
    assert (await ann.get(USER)).status == 200


async def test_another_ones_session_is_not_there(ann: Client, bob: Client) -> None:
    (row,) = (await bob.get(SESSIONS)).json
    assert (await ann.delete(f"{SESSIONS}{row['id']}/")).status == 404
    assert (await bob.get(USER)).status == 200


async def stored_hash(botyard: Botyard, user_id: int) -> str:
    """The hash of an account's password."""
    return (await botyard.services.db.read(User.get_by_id, user_id)).password_hash


async def test_a_login_that_raced_a_password_change_begins_no_session(
    botyard: Botyard, ann: Client
) -> None:
    with pytest.raises(PasswordChanged):
        await botyard.services.db.write(
            sessions.create,
            ann.user["pk"],
            password_hash="old",
            lifetime=timedelta(days=1),
            by=OPERATOR,
        )


async def test_an_expired_session_is_not_listed(
    botyard: Botyard, ann: Client, anonymous: Client
) -> None:
    await botyard.services.db.write(
        sessions.create,
        ann.user["pk"],
        password_hash=await stored_hash(botyard, ann.user["pk"]),
        lifetime=timedelta(seconds=-1),
        by=OPERATOR,
    )
    assert len((await ann.get(SESSIONS)).json) == 1


# -- the end of an account


async def test_deleting_the_account_ends_its_sessions_and_logins(
    ann: Client, anonymous: Client
) -> None:
    other = await log_in(anonymous)
    assert (await ann.delete(USER)).status == 204
    assert (await ann.get(USER)).status == 401
    assert (await other.get(USER)).status == 401
    answer = await anonymous.post(LOGIN, {"username": "ann", "password": PASSWORD})
    assert answer.json["code"] == "invalid_credentials"


async def test_deleting_the_account_stops_its_bots_for_good(ann: Client, telegram: Sandbox) -> None:
    bots = [telegram.add_bot() for _ in range(2)]
    for bot in bots:
        await ann.add_bot(bot)
        await until(lambda bot=bot: telegram.polling(bot.id), "the poll")
    await ann.delete(USER)
    polls = [len(telegram.calls(bot.id, method="getUpdates")) for bot in bots]
    for bot in bots:
        telegram.send_message(bot.id, text="anybody there?")
        await until(lambda bot=bot: not telegram.polling(bot.id), "the end of the poll")
    assert polls == [len(telegram.calls(bot.id, method="getUpdates")) for bot in bots]


async def test_an_account_that_the_database_does_not_delete_keeps_its_bots(
    ann: Client, botyard: Botyard, monkeypatch: pytest.MonkeyPatch, telegram: Sandbox
) -> None:
    shown = await ann.add_bot(telegram.add_bot())
    off = await ann.add_bot(telegram.add_bot(), active=False)

    def fails(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr(users, "delete", fails)
    assert (await ann.delete(USER)).status == 503
    running = await ann.until_state(shown, "running")
    assert running["reason"] is None
    assert (await ann.status_of(off))["state"] == "stopped"
    assert list(botyard.services.runner.manager._bots) == [shown["id"]]


async def test_a_deleted_accounts_bot_can_be_registered_by_another(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    await ann.delete(USER)
    assert (await bob.add_bot(bot))["status"]["state"] == "running"


async def test_deleting_an_account_leaves_others_bots(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    shown = await bob.add_bot(telegram.add_bot())
    await ann.delete(USER)
    assert (await bob.status_of(shown))["state"] == "running"


@pytest.mark.parametrize(
    "change",
    [
        ("PATCH", USER, {"first_name": "Ann"}),
        ("POST", BOTS, {"token": "123456789:AAE" + "x" * 32, "active": False}),
    ],
    ids=["data", "bot"],
)
async def test_a_change_to_an_account_deleted_meanwhile_is_unauthorized(
    ann: Client,
    botyard: Botyard,
    monkeypatch: pytest.MonkeyPatch,
    telegram: Sandbox,
    change: tuple[str, str, Any],
) -> None:
    telegram.inject(kind="status", method="getMe", status=502)
    db = botyard.services.db
    write = db.write

    async def delete_first(fn: Any, *args: Any, **kwargs: Any) -> Any:
        await write(users.delete, ann.user["pk"], by=OPERATOR)
        return await write(fn, *args, **kwargs)

    monkeypatch.setattr(db, "write", delete_first)
    answer = await ann.request(*change)
    assert (answer.status, answer.json["code"]) == (401, "invalid_key")


async def test_a_session_of_a_deleted_account_is_not_begun(botyard: Botyard) -> None:
    with pytest.raises(User.DoesNotExist):
        await botyard.services.db.write(
            sessions.create, 77, password_hash="", lifetime=timedelta(days=1), by=OPERATOR
        )


async def test_accounts_and_sessions_outlast_a_restart(
    config: Config, http: aiohttp.ClientSession
) -> None:
    first = await open_botyard(config)
    client = await register(Client(http, first.url), "ann")
    await first.close()
    second = await open_botyard(config)
    try:
        assert (await replace(client, url=second.url).get(USER)).json == client.user
    finally:
        await second.close()


async def test_nobody_takes_anothers_address_for_a_name_or_the_other_way_round(
    anonymous: Client,
) -> None:
    """People log in with both in one field."""
    path = "/rest-auth/registration/"
    carl = {"username": "carl", "email": "Carl@Example.org", "password": PASSWORD}
    dora = {"username": "dora@example.org", "password": PASSWORD}
    for body in (carl, dora):
        assert (await anonymous.post(path, body)).status == 201
    name = await anonymous.post(path, {"username": "carl@example.org", "password": PASSWORD})
    assert (name.status, list(name.json["errors"])) == (400, ["username"])
    address = {"username": "eve", "email": "DORA@example.org", "password": PASSWORD}
    refused = await anonymous.post(path, address)
    assert (refused.status, list(refused.json["errors"])) == (400, ["email"])
    both = {"username": "f@example.org", "email": "f@example.org", "password": PASSWORD}
    assert (await anonymous.post(path, both)).status == 201


@pytest.mark.parametrize(
    ("password", "sentence"),
    [("x" * 1025, "Longer than maximum length 1024."), (None, "Field may not be null.")],
)
async def test_a_password_that_is_there_is_not_called_missing(
    anonymous: Client, password: str | None, sentence: str
) -> None:
    body = {"username": "ann", "password": password}
    answer = await anonymous.post("/rest-auth/registration/", body)
    assert (answer.status, answer.json["errors"]) == (400, {"password": [sentence]})
