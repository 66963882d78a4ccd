"""What staff see and do over HTTP: everybody's accounts and bots."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from support.client import ADMIN_BOTS, ADMIN_USERS, BOTS, PASSWORD, Client, register, until

from sandbox import Sandbox
from server.app import Botyard


def names(answer: Any) -> list[str]:
    """The accounts of a page."""
    return [row["username"] for row in answer.json["results"]]


def path(link: str) -> str:
    """The part of a link that is the same behind every proxy."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


# -- accounts


async def test_staff_see_all_accounts_with_their_bots_counted(
    root: Client, ann: Client, telegram: Sandbox
) -> None:
    await ann.add_bot(telegram.add_bot())
    await ann.add_bot(telegram.add_bot(), active=False)
    shown = (await root.get(ADMIN_USERS)).json["results"]
    counts = [(row["username"], row["bots"], row["active_bots"]) for row in shown]
    assert counts == [("root", 0, 0), ("ann", 2, 1)]


async def test_no_account_is_shown_with_its_password(root: Client) -> None:
    answer = await root.get(ADMIN_USERS)
    assert answer.json["results"][0].keys() == {
        "pk", "username", "email", "first_name", "last_name", "is_staff", "disabled",
        "disabled_at", "created_at", "bots", "active_bots",
    }  # fmt: skip


async def test_a_long_list_comes_in_pages_that_lead_to_each_other(
    root: Client, anonymous: Client
) -> None:
    for number in range(4):
        await register(anonymous, f"user{number}")
    first = await root.get(f"{ADMIN_USERS}?page_size=2&search=e")
    assert (first.json["count"], first.json["previous"], names(first)) == (
        4,
        None,
        ["user0", "user1"],
    )
    assert first.json["next"].startswith(root.url)
    second = await root.get(path(first.json["next"]))
    assert (second.json["next"], names(second)) == (None, ["user2", "user3"])
    assert (await root.get(path(second.json["previous"]))).json == first.json


async def test_a_page_beyond_the_last_is_empty_and_leads_back(root: Client) -> None:
    answer = await root.get(f"{ADMIN_USERS}?page=9")
    assert (answer.json["count"], answer.json["results"], answer.json["next"]) == (1, [], None)
    assert names(await root.get(path(answer.json["previous"]))) == ["root"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is_staff=true", ["root"]),
        ("is_staff=false", ["ann", "bob"]),
        ("disabled=true", ["bob"]),
        ("disabled=false", ["root", "ann"]),
        ("search=AN", ["ann"]),
        ("search=example.ORG", ["ann"]),
        ("search=%25", []),
        ("search=_", []),
        ("search=o&disabled=false", ["root", "ann"]),
    ],
)
async def test_accounts_are_filtered_and_searched(
    root: Client, ann: Client, bob: Client, query: str, found: list[str]
) -> None:
    await ann.patch("/rest-auth/user/", {"email": "ann@example.org"})
    await root.patch(f"{ADMIN_USERS}{bob.user['pk']}/", {"disabled": True})
    assert names(await root.get(f"{ADMIN_USERS}?{query}")) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page_size=101", "page_size"),
        ("is_staff=1", "is_staff"),
        ("disbaled=true", "disbaled"),
        ("search=%00", "search"),
    ],
)
async def test_a_wrong_parameter_is_named(root: Client, query: str, field: str) -> None:
    answer = await root.get(f"{ADMIN_USERS}?{query}")
    assert (answer.status, list(answer.json["errors"])) == (400, [field])


async def test_one_account_is_shown(root: Client, ann: Client) -> None:
    answer = await root.get(f"{ADMIN_USERS}{ann.user['pk']}/")
    assert (answer.status, answer.json["username"]) == (200, "ann")


@pytest.mark.parametrize("where", [ADMIN_USERS, ADMIN_BOTS])
async def test_what_does_not_exist_is_not_found(root: Client, where: str) -> None:
    for answer in (await root.get(f"{where}77/"), await root.patch(f"{where}77/", {})):
        assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_disabling_an_account_ends_its_sessions_and_stops_its_bots(
    botyard: Botyard, root: Client, ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    answer = await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
    assert (answer.status, answer.json["disabled"]) == (200, True)
    assert not botyard.services.runner.states(), "stopped before the answer"
    assert (await ann.get(BOTS)).status == 401


async def test_enabling_an_account_starts_its_bots_again(
    root: Client, ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
    await until(lambda: not telegram.polling(bot.id), "the end of the poll")
    answer = await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": False})
    assert (answer.json["disabled"], answer.json["disabled_at"]) == (False, None)
    await until(lambda: telegram.polling(bot.id), "the bot polling again")


async def test_who_is_made_staff_is_let_in_and_who_is_not_any_more_is_kept_out(
    root: Client, ann: Client
) -> None:
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"is_staff": True})
    assert (await ann.get(ADMIN_USERS)).status == 200
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"is_staff": False})
    assert (await ann.get(ADMIN_USERS)).status == 403


@pytest.mark.parametrize("change", [{"disabled": True}, {"is_staff": False}])
async def test_staff_cannot_lock_themselves_out(root: Client, change: dict[str, bool]) -> None:
    answer = await root.patch(f"{ADMIN_USERS}{root.user['pk']}/", change)
    assert (answer.status, answer.json["code"]) == (409, "own_account")
    assert (await root.get(ADMIN_USERS)).json["results"][0]["is_staff"] is True


async def test_a_form_that_is_written_back_unchanged_does_no_harm(root: Client) -> None:
    where = f"{ADMIN_USERS}{root.user['pk']}/"
    shown = (await root.get(where)).json
    answer = await root.patch(where, shown)
    assert (answer.status, answer.json) == (200, shown)


# -- bots


async def test_staff_see_everybodys_bots_with_their_owners(
    root: Client, ann: Client, bob: Client, telegram: Sandbox
) -> None:
    await ann.add_bot(telegram.add_bot())
    await bob.add_bot(telegram.add_bot(), active=False)
    shown = (await root.get(ADMIN_BOTS)).json["results"]
    owners = [(row["owner"], row["user"], row["status"]["state"]) for row in shown]
    assert owners == [("ann", ann.user["pk"], "running"), ("bob", bob.user["pk"], "stopped")]


async def test_staff_never_see_a_token(root: Client, ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    secret = bot.token.partition(":")[2]
    one = f"{ADMIN_BOTS}{made['id']}/"
    answers = [await root.get(ADMIN_BOTS), await root.get(one), await root.patch(one, {})]
    for answer in answers:
        assert answer.status == 200
        assert secret not in answer.text
        assert f"{bot.id}:{secret[:3]}…{secret[-4:]}" in answer.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("active=true", ["Поддержка", "Shop"]),
        ("active=false", ["Off"]),
        ("state=running", ["Поддержка"]),
        ("state=stopped", ["Off", "Shop"]),
        ("state=retrying", []),
        ("search=ПОДДЕРЖКА", ["Поддержка"]),
        ("search=shop", ["Shop"]),
        ("active=true&state=stopped", ["Shop"]),
    ],
)
async def test_bots_are_filtered_and_searched(
    request: pytest.FixtureRequest,
    root: Client,
    ann: Client,
    bob: Client,
    telegram: Sandbox,
    query: str,
    found: list[str],
) -> None:
    if "ПОДДЕРЖКА" in query and request.config.getoption("--database") == "postgresql":
        query = "search=Поддержка"  # the test server's locale is C, which knows no Cyrillic
    await ann.add_bot(telegram.add_bot(), title="Поддержка")
    await ann.add_bot(telegram.add_bot(), title="Off", active=False)
    await bob.add_bot(telegram.add_bot(), title="Shop")
    await root.patch(f"{ADMIN_USERS}{bob.user['pk']}/", {"disabled": True})
    answer = await root.get(f"{ADMIN_BOTS}?{query}")
    assert (answer.json["count"], [row["title"] for row in answer.json["results"]]) == (
        len(found),
        found,
    )


async def test_bots_of_one_account_are_found(
    root: Client, ann: Client, bob: Client, telegram: Sandbox
) -> None:
    await ann.add_bot(telegram.add_bot(), active=False)
    await bob.add_bot(telegram.add_bot(), active=False)
    answer = await root.get(f"{ADMIN_BOTS}?user={bob.user['pk']}")
    assert [row["owner"] for row in answer.json["results"]] == ["bob"]


async def test_staff_switch_a_bot_off_and_on(root: Client, ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    where = f"{ADMIN_BOTS}{(await ann.add_bot(bot))['id']}/"
    off = await root.patch(where, {"active": False})
    assert (off.status, off.json["active"], off.json["status"]["state"]) == (200, False, "stopped")
    on = await root.patch(where, {"active": True})
    assert (on.status, on.json["active"], on.json["status"]["state"]) == (200, True, "running")


async def test_staff_change_nothing_else_of_a_bot(
    root: Client, ann: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot(), title="Mine", active=False)
    await root.patch(f"{ADMIN_BOTS}{made['id']}/", {"title": "Yours", "token": "x"})
    assert (await ann.get(f"{BOTS}{made['id']}/")).json["title"] == "Mine"


async def test_a_bot_of_a_disabled_account_is_marked_and_stays_off(
    root: Client, ann: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
    answer = await root.patch(f"{ADMIN_BOTS}{made['id']}/", {"active": True})
    assert (answer.json["active"], answer.json["suspended"]) == (True, True)
    assert answer.json["status"]["state"] == "stopped"


async def test_the_keys_of_an_account_stay_worthless_when_it_is_enabled_again(
    root: Client, ann: Client
) -> None:
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
    body = {"username": "ann", "password": PASSWORD}
    login = await ann.post("/rest-auth/login/", body)
    assert (login.status, login.json["code"]) == (400, "account_disabled")
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": False})
    assert (await ann.get(BOTS)).status == 401, "the old key stays worthless"
