"""An attack by an account: as many sessions as it likes, each a row that is read and listed."""

from __future__ import annotations

from datetime import timedelta

from support.client import PASSWORD, Client

from models.accounts.sessions import KEPT, Session
from models.engine.base import now
from server.app import Botyard

LOGIN, SESSIONS, USER = "/rest-auth/login/", "/rest-auth/sessions/", "/rest-auth/user/"


def add_sessions(user_id: int, count: int) -> None:
    """Sessions that an older version let an account have, each used a minute after the last."""
    begin = now() - timedelta(days=7)
    for n in range(count):
        used = begin + timedelta(minutes=n)
        Session.create(
            id=f"old{n}",
            user=user_id,
            created_at=begin,
            last_used_at=used,
            expires_at=now() + timedelta(days=7),
        )


def living(user_id: int) -> set[str]:
    """The ids of an account's sessions."""
    query = Session.select(Session.id).where(Session.user == user_id)
    return {session_id for (session_id,) in query.tuples()}


async def log_in(client: Client) -> Client:
    """Another session of ann's."""
    answer = await client.post(LOGIN, {"username": "ann", "password": PASSWORD})
    assert answer.status == 200, answer.text
    return Client(client.http, client.url, answer.json["key"], user=answer.json["user"])


async def test_an_account_that_logs_in_for_ever_has_no_more_sessions_for_it(
    ann: Client, bob: Client, anonymous: Client, botyard: Botyard
) -> None:
    db, me = botyard.services.db, ann.user["pk"]
    await db.write(add_sessions, me, 4 * KEPT)
    latest = await log_in(anonymous)
    left = await db.read(living, me)
    assert len(left) == KEPT
    assert {f"old{n}" for n in range(4 * KEPT) if f"old{n}" in left} == {
        f"old{n}" for n in range(3 * KEPT + 2, 4 * KEPT)
    }, "those that were used last"
    assert [(await client.get(USER)).status for client in (ann, latest, bob)] == [200, 200, 200]


async def test_the_session_that_was_used_longest_ago_ends_when_a_new_one_begins(
    ann: Client, anonymous: Client
) -> None:
    first = await log_in(anonymous)
    others = [await log_in(anonymous) for _ in range(KEPT - 2)]
    assert (await first.get(USER)).status == (await ann.get(USER)).status == 200
    await log_in(anonymous)
    assert (await ann.get(USER)).json["code"] == "invalid_key"
    assert {(await client.get(USER)).status for client in (first, *others)} == {200}


async def test_the_list_of_sessions_is_never_longer_than_an_account_may_have(
    ann: Client, botyard: Botyard
) -> None:
    await botyard.services.db.write(add_sessions, ann.user["pk"], 4 * KEPT)
    listed = (await ann.get(SESSIONS)).json
    assert len(listed) == KEPT
    assert listed[0]["current"]
