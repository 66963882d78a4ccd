"""The audit log: what gets into it, who sees it, and that it cannot be changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import peewee
import pytest
from support.client import ADMIN_BOTS, ADMIN_USERS, BOTS, DEADLINE, PASSWORD, QUICK, Client
from support.commands import botyard_command

from models.accounts import audit
from models.accounts.audit import OPERATOR, Action, Entry
from models.bots import bots
from models.engine.base import now
from models.messaging import updates
from runner.settings import RunnerTuning
from sandbox import Sandbox
from server.app import Botyard
from server.config import Config

AUDIT = "/api/v1/audit/"
LOGIN = "/rest-auth/login/"
NEW = "staple battery horse"


async def entries(client: Client, query: str = "") -> list[dict[str, Any]]:
    """What a client sees of the log, the latest first."""
    answer = await client.get(f"{AUDIT}?page_size=100&{query}")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json["results"]
    return found


async def actions(client: Client) -> list[str]:
    """What was done, the latest first."""
    return [entry["action"] for entry in await entries(client)]


# -- what gets into it: accounts


async def test_registering_and_logging_in_are_noted_with_who_and_from_where(ann: Client) -> None:
    login, registered = await entries(ann)
    assert (registered["action"], login["action"]) == ("account_registered", "login")
    assert (login["actor"], login["actor_id"], login["user"]) == (
        "ann",
        ann.user["pk"],
        ann.user["pk"],
    )
    assert login["address"] in ("127.0.0.1", "::1")
    assert now() - datetime.fromisoformat(login["at"]) < timedelta(minutes=1)


async def test_a_change_of_the_account_is_noted_with_its_fields(ann: Client) -> None:
    await ann.patch("/rest-auth/user/", {"first_name": "Ann", "last_name": ""})
    entry = (await entries(ann))[0]
    assert (entry["action"], entry["details"]) == ("account_changed", {"fields": ["first_name"]})


async def test_a_change_to_what_is_there_already_is_not_noted(ann: Client) -> None:
    before = await actions(ann)
    await ann.patch("/rest-auth/user/", {"username": "ann"})
    assert await actions(ann) == before


async def test_a_change_of_the_password_is_noted_without_it(ann: Client) -> None:
    body = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    await ann.post("/rest-auth/password/change/", body)
    answer = await ann.get(AUDIT)
    assert answer.json["results"][0]["action"] == "password_changed"
    assert NEW not in answer.text


async def test_a_failed_login_is_noted_without_what_was_entered(ann: Client) -> None:
    await ann.post(LOGIN, {"username": "ann", "password": NEW})
    answer = await ann.get(AUDIT)
    entry = answer.json["results"][0]
    assert (entry["action"], bool(entry["address"])) == ("login_failed", True)
    assert NEW not in answer.text


async def test_a_failed_login_to_no_account_is_not_noted(root: Client) -> None:
    before = await actions(root)
    await root.post(LOGIN, {"username": "nobody", "password": NEW})
    assert await actions(root) == before


async def test_a_login_to_a_disabled_account_is_noted_as_failed(root: Client, ann: Client) -> None:
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
    await replace(ann, key=None).post(LOGIN, {"username": "ann", "password": PASSWORD})
    entry = (await entries(root))[0]
    assert (entry["action"], entry["details"]) == ("login_failed", {"reason": "account_disabled"})


async def test_logging_out_is_noted(ann: Client) -> None:
    again = await ann.post(LOGIN, {"username": "ann", "password": PASSWORD})
    await replace(ann, key=again.json["key"]).post("/rest-auth/logout/")
    assert (await actions(ann))[0] == "logout"


async def test_ending_a_session_is_noted(ann: Client) -> None:
    await ann.post(LOGIN, {"username": "ann", "password": PASSWORD})
    listed = (await ann.get("/rest-auth/sessions/")).json
    other = next(session["id"] for session in listed if not session["current"])
    await ann.delete(f"/rest-auth/sessions/{other}/")
    assert (await actions(ann))[0] == "session_ended"


async def test_what_did_not_happen_is_not_noted(ann: Client) -> None:
    before = await actions(ann)
    assert (await ann.delete("/rest-auth/sessions/nosuchsession/")).status == 404
    assert await actions(ann) == before


@pytest.mark.parametrize(
    ("changes", "noted"),
    [
        ({"disabled": True}, ["account_disabled"]),
        ({"is_staff": True}, ["staff_given"]),
        ({"is_staff": False, "disabled": False}, []),
    ],
)
async def test_what_staff_do_to_an_account_is_noted_with_both_names(
    root: Client, ann: Client, changes: dict[str, bool], noted: list[str]
) -> None:
    before = len(await entries(root))
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", changes)
    new = (await entries(root))[: len(await entries(root)) - before]
    assert [entry["action"] for entry in new] == noted
    assert all((entry["actor"], entry["username"]) == ("root", "ann") for entry in new)


async def test_taking_it_back_is_noted(root: Client, ann: Client) -> None:
    where = f"{ADMIN_USERS}{ann.user['pk']}/"
    for value in (True, False):
        await root.patch(where, {"disabled": value, "is_staff": value})
    assert set((await actions(root))[:2]) == {"account_enabled", "staff_taken"}


async def test_the_log_survives_the_account_with_its_name(root: Client, ann: Client) -> None:
    await ann.delete("/rest-auth/user/")
    kept = await entries(root, f"user={ann.user['pk']}")
    assert [entry["action"] for entry in kept] == ["account_deleted", "login", "account_registered"]
    assert {entry["username"] for entry in kept} == {"ann"}


@pytest.mark.parametrize(
    ("args", "noted"),
    [
        (("set-password", "ann", "--password-stdin"), "password_changed"),
        (("disable", "ann"), "account_disabled"),
        (("delete", "ann", "--yes"), "account_deleted"),
    ],
)
async def test_what_the_command_line_does_is_the_operators(
    root: Client, ann: Client, config: Config, args: tuple[str, ...], noted: str
) -> None:
    ended = await botyard_command(
        "user", *args, stdin=NEW,
        BOTYARD_DATA_DIR=str(config.data_dir), BOTYARD_DATABASE_URL=config.database_url,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    entry = (await entries(root))[0]
    assert (entry["action"], entry["username"]) == (noted, "ann")
    assert (entry["actor"], entry["actor_id"], entry["address"]) == ("operator", None, "")


# -- what gets into it: bots


async def test_the_life_of_a_bot_is_noted_without_its_token(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, title="One", active=False)
    where = f"{BOTS}{made['id']}/"
    await ann.patch(where, {"title": "Two"})
    await ann.patch(where, {"active": True})
    await ann.patch(where, {"active": False})
    await ann.delete(where)
    answer = await ann.get(AUDIT)
    noted = [(row["action"], row["bot"]) for row in answer.json["results"][:5]]
    assert noted == [
        ("bot_deleted", made["id"]),
        ("bot_switched_off", made["id"]),
        ("bot_switched_on", made["id"]),
        ("bot_changed", made["id"]),
        ("bot_created", made["id"]),
    ]
    assert bot.token.partition(":")[2] not in answer.text


async def test_a_new_token_is_noted_by_its_field_alone(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    other = telegram.add_bot()
    await ann.patch(f"{BOTS}{made['id']}/", {"token": other.token, "title": "T"})
    entry = (await entries(ann))[0]
    assert (entry["action"], entry["details"]) == ("bot_changed", {"fields": ["title", "token"]})


async def test_writing_a_bot_back_unchanged_is_not_noted(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    before = await actions(ann)
    where = f"{BOTS}{made['id']}/"
    assert (await ann.put(where, (await ann.get(where)).json)).status == 200
    assert await actions(ann) == before


async def test_what_staff_do_to_a_bot_is_shown_to_its_owner_without_their_address(
    root: Client, ann: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    await root.patch(f"{ADMIN_BOTS}{made['id']}/", {"active": False})
    seen, known = (await entries(ann))[0], (await entries(root))[0]
    assert (seen["action"], seen["actor"], seen["address"]) == ("bot_switched_off", "root", "")
    assert known["address"] != ""


async def test_dead_updates_that_are_replayed_or_deleted_are_noted(
    botyard: Botyard, ann: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)

    def die() -> None:
        for number in (1, 2):
            updates.Update.create(
                bot=made["id"], update_id=number, payload=b"{}", received_at=now(), dead_at=now()
            )

    await botyard.services.db.write(die)
    where = f"{BOTS}{made['id']}/dead_updates/"
    assert (await ann.post(f"{where}1/replay/")).status == 202
    assert (await ann.delete(f"{where}2/")).status == 204
    noted = [(row["action"], row["details"]) for row in (await entries(ann))[:2]]
    assert noted == [
        ("dead_update_deleted", {"update_id": 2}),
        ("dead_update_replayed", {"update_id": 1}),
    ]


# -- with the change or not at all


async def test_a_change_that_is_not_stored_is_not_noted(botyard: Botyard, root: Client) -> None:
    before = await actions(root)

    def fails() -> None:
        audit.record(Action.CHANGED, OPERATOR, user_id=1, username="root")
        raise RuntimeError("after the note")

    with pytest.raises(RuntimeError):
        await botyard.services.db.write(fails)
    assert await actions(root) == before


async def test_a_change_whose_note_fails_is_not_stored(
    ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(bots.audit, "record", fails)
    answer = await ann.post(BOTS, {"token": telegram.add_bot().token, "active": False})
    assert answer.status == 500
    assert (await ann.get(BOTS)).json == []


async def test_an_entry_cannot_be_changed(botyard: Botyard, ann: Client) -> None:
    with pytest.raises(peewee.DatabaseError, match="append only"):
        await botyard.services.db.write(lambda: Entry.update(actor="eve").execute())


# -- who sees it


async def test_one_sees_ones_own_and_staff_see_everything(
    root: Client, ann: Client, bob: Client
) -> None:
    assert {entry["username"] for entry in await entries(ann)} == {"ann"}
    assert {entry["username"] for entry in await entries(root)} == {"root", "ann", "bob"}


async def test_asking_for_another_account_shows_nothing_of_it(ann: Client, bob: Client) -> None:
    assert await entries(ann, f"user={bob.user['pk']}") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("action=login", ["login"]),
        ("since=2000-01-01T00:00:00Z", ["login", "account_registered"]),
        ("since=2999-01-01T00:00:00%2B00:00", []),
        ("since=9999-12-31T23:59:59Z", []),
        ("since=0001-01-01T00:00:00Z", ["login", "account_registered"]),
    ],
)
async def test_the_log_is_filtered(ann: Client, query: str, found: list[str]) -> None:
    assert [entry["action"] for entry in await entries(ann, query)] == found


@pytest.mark.parametrize("query", ["action=nothing", "since=yesterday", "user=x", "who=ann"])
async def test_a_wrong_filter_is_refused(ann: Client, query: str) -> None:
    assert (await ann.get(f"{AUDIT}?{query}")).status == 400


@pytest.mark.parametrize(
    "since",
    [
        "2026-01-31T12:00:00+01:00",
        "2026-01-31T12:00:00",
        "yesterday",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
async def test_a_time_that_cannot_be_read_is_told_how_to_be_written(
    ann: Client, since: str
) -> None:
    answer = await ann.get(f"{AUDIT}?since={since}")
    assert answer.status == 400
    (told,) = answer.json["errors"]["since"]
    assert "such as 2026-01-31T12:00:00Z (encode + as %2B)" in told


async def test_the_log_comes_in_pages(ann: Client) -> None:
    answer = (await ann.get(f"{AUDIT}?page_size=1")).json
    assert (answer["count"], len(answer["results"])) == (2, 1)
    assert "page=2" in answer["next"]


# -- how long


class TestPruning:
    """A server that keeps the log for a day, and prunes all the time, two entries a step."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """How long it is kept."""
        return replace(config, audit_days=1)

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        """How often, and how much at once."""
        return replace(QUICK, prune_interval=0.05, prune_step=2)

    async def test_old_entries_are_pruned_and_young_ones_kept(
        self, botyard: Botyard, ann: Client
    ) -> None:
        def age() -> None:
            old = {"action": Action.CHANGED, "actor": "ann", "user_id": ann.user["pk"]}
            for hours in (25, 26, 27, 23):
                Entry.insert(at=now() - timedelta(hours=hours), **old).execute()

        await botyard.services.db.write(age)
        async with asyncio.timeout(DEADLINE):
            while (await actions(ann)).count("account_changed") > 1:
                await asyncio.sleep(0.01)
        assert sorted(await actions(ann)) == ["account_changed", "account_registered", "login"]
