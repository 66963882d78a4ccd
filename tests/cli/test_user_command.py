"""`botyard user` beside a running server: what it does there, and what it prints."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.client import (
    ADMIN_USERS,
    BOTS,
    DEADLINE,
    PASSWORD,
    QUICK,
    Answer,
    Client,
    register,
    until,
)
from support.commands import Ended, botyard_command, only_line

from models.accounts.audit import OPERATOR
from models.bots import bots
from models.engine import change_marker
from models.engine.migration import Migrations
from sandbox import Sandbox
from server.app import Botyard, open_botyard
from server.config import Config

LOGIN = "/rest-auth/login/"


@pytest.fixture
def command(config: Config) -> Any:
    """Run `botyard user ...` on the server's database, as a process of its own."""

    async def run(*args: str, stdin: str = "") -> Ended:
        ended = await botyard_command(
            "user", *args, stdin=stdin,
            BOTYARD_DATA_DIR=str(config.data_dir), BOTYARD_DATABASE_URL=config.database_url,
        )  # fmt: skip
        assert "Traceback" not in ended.err
        return ended

    return run


async def log_in(client: Client, name: str = "ann", password: str = PASSWORD) -> Any:
    """The answer to a login."""
    body = {"username": name, "password": password}
    return await replace(client, key=None).post(LOGIN, body)


async def until_status(client: Client, path: str, status: int) -> Answer:
    """The answer with this status: a running server learns of a command within two seconds."""
    async with asyncio.timeout(DEADLINE):
        while (answer := await client.get(path)).status != status:
            await asyncio.sleep(0.01)
    return answer


# -- passwords


async def test_without_a_terminal_the_way_to_give_a_password_is_told(
    config: Config, command: Any
) -> None:
    await asyncio.to_thread(Migrations(config.database_url).up)
    ended = await command("create", "ann")
    assert only_line(ended) == (
        "Error: there is no terminal to ask for the password: use --password-stdin"
    )


# -- staff


async def test_staff_is_given_and_taken_beside_a_running_server(ann: Client, command: Any) -> None:
    assert (await ann.get(ADMIN_USERS)).status == 403
    assert (await command("staff", "ann")).out == (
        "ann is staff; this takes effect within two seconds\n"
    )
    await until_status(ann, ADMIN_USERS, 200)
    removed = await command("staff", "ann", "--remove")
    assert removed.out == "ann is no longer staff; this takes effect within two seconds\n"
    await until_status(ann, ADMIN_USERS, 403)
    assert (await command("staff", "nobody")).err == "Error: there is no user 'nobody'\n"


# -- disable, enable


async def test_disabling_ends_the_sessions(ann: Client, command: Any) -> None:
    assert (await command("disable", "ann")).code == 0
    answer = await until_status(ann, "/rest-auth/user/", 401)
    assert answer.json["code"] == "invalid_key"


async def test_disabling_stops_the_bots_of_a_running_server(
    botyard: Botyard, ann: Client, telegram: Sandbox, command: Any
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    await command("disable", "ann")
    await until(lambda: not botyard.services.runner.states(), "no bot running")
    await until(lambda: not telegram.polling(bot.id), "the end of the poll")


async def test_disabling_leaves_other_accounts_bots_alone(
    botyard: Botyard, ann: Client, bob: Client, telegram: Sandbox, command: Any
) -> None:
    await ann.add_bot(telegram.add_bot())
    kept = await bob.add_bot(telegram.add_bot())
    since = (await bob.status_of(kept))["since"]
    await command("disable", "ann")
    manager = botyard.services.runner.manager
    await until(lambda: sum(manager.states().values()) == 1, "one bot")
    shown = await bob.status_of(kept)
    assert (shown["state"], shown["since"]) == ("running", since)


async def test_the_bots_of_a_disabled_account_stay_active_as_wanted(
    ann: Client, telegram: Sandbox, command: Any
) -> None:
    bot = await ann.add_bot(telegram.add_bot())
    await command("disable", "ann")
    await command("enable", "ann")
    ann.key = (await log_in(ann)).json["key"]
    assert (await ann.get(f"{BOTS}{bot['id']}/")).json["active"] is True


async def test_enabling_starts_the_active_bots_again_and_no_others(
    botyard: Botyard, ann: Client, telegram: Sandbox, command: Any
) -> None:
    on, off = telegram.add_bot(), telegram.add_bot()
    await ann.add_bot(on)
    await ann.add_bot(off, active=False)
    await command("disable", "ann")
    await until(lambda: not botyard.services.runner.states(), "no bot running")
    await command("enable", "ann")
    await until(lambda: telegram.polling(on.id), "the active bot")
    assert not telegram.polling(off.id)
    assert sum(botyard.services.runner.states().values()) == 1


async def test_the_bots_of_a_disabled_account_do_not_run_after_a_restart(
    config: Config, http: Any, telegram: Sandbox, command: Any
) -> None:
    first = await open_botyard(config, runner=QUICK)
    try:
        ann = await register(Client(http, first.url), "ann")
        bob = await register(Client(http, first.url), "bob")
        await ann.add_bot(telegram.add_bot())
        await bob.add_bot(telegram.add_bot())
    finally:
        await first.close()
    await command("disable", "ann")
    second = await open_botyard(config, runner=QUICK)
    try:
        await until(lambda: second.services.runner.reconciler.boot.ready, "readiness")
        assert sum(second.services.runner.states().values()) == 1
    finally:
        await second.close()


async def test_a_disabled_account_is_told_so_only_after_the_right_password(
    ann: Client, command: Any
) -> None:
    await command("disable", "ann")
    right, wrong = await log_in(ann), await log_in(ann, password="something else")
    assert (right.status, right.json["code"]) == (400, "account_disabled")
    assert (wrong.status, wrong.json["code"]) == (400, "invalid_credentials")


async def test_an_enabled_account_logs_in_again(ann: Client, command: Any) -> None:
    await command("disable", "ann")
    await command("enable", "ann")
    assert (await log_in(ann)).status == 200


async def test_a_bot_of_a_disabled_account_does_not_start_because_it_is_changed(
    botyard: Botyard, ann: Client, telegram: Sandbox, command: Any
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    await command("disable", "ann")
    manager, services = botyard.services.runner.manager, botyard.services
    await until(lambda: not manager.states(), "no bot running")
    record = await services.db.read(bots.get, services.vault, made["id"])
    assert record is not None
    await services.bots.update(record, {"active": True}, by=OPERATOR)
    assert not manager.states()


# -- delete


async def test_deleting_an_account_stops_its_bots_and_ends_its_sessions(
    botyard: Botyard, ann: Client, telegram: Sandbox, command: Any
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    ended = await command("delete", "ann", "--yes")
    assert (ended.code, ended.out) == (0, "ann and 1 bot are deleted\n")
    await until(lambda: not botyard.services.runner.states(), "no bot running")
    await until_status(ann, "/rest-auth/user/", 401)
    assert (await log_in(ann)).status == 400


async def test_deleting_asks_first(ann: Client, command: Any) -> None:
    ended = await command("delete", "ann", stdin="n\n")
    assert (ended.code, ended.out) == (1, "Delete ann with all bots? [y/N]: ")
    assert (await ann.get("/rest-auth/user/")).status == 200


@pytest.mark.parametrize("what", ["disable", "enable", "delete"])
async def test_an_unknown_account_is_one_line(botyard: Botyard, command: Any, what: str) -> None:
    ended = await command(what, "nobody")
    assert (ended.code, ended.err) == (1, "Error: there is no user 'nobody'\n")


# -- the notice


async def test_a_notice_is_not_lost_while_the_comparison_fails(
    botyard: Botyard, ann: Client, telegram: Sandbox, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ann.add_bot(telegram.add_bot())
    manager = botyard.services.runner.manager
    reconciler = botyard.services.runner.reconciler
    right, tries = reconciler.reconcile_all, []

    async def broken() -> None:
        tries.append(1)
        raise RuntimeError("not now")

    monkeypatch.setattr(reconciler, "reconcile_all", broken)
    await command("disable", "ann")
    await until(lambda: len(tries) > 1, "a second try")
    assert manager.states() or botyard.cluster is not None  # several servers ring a bell, too
    monkeypatch.setattr(reconciler, "reconcile_all", right)
    await until(lambda: not manager.states(), "no bot running")


async def test_without_a_change_nothing_is_compared(
    botyard: Botyard, ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, looks = botyard.services, []
    watch = botyard.routines[0]._work.__self__  # type: ignore[attr-defined]
    await until(lambda: services.runner.reconciler.boot.ready, "the end of the boot")
    await watch.poll()  # the first one compares whatever there is

    async def counted() -> None:
        looks.append(1)

    monkeypatch.setattr(services.runner.reconciler, "reconcile_all", counted)
    before = await services.db.read(change_marker.current)
    await ann.patch("/rest-auth/user/", {"first_name": "Ann"})
    assert await services.db.read(change_marker.current) == before
    await watch.poll()
    assert looks == []


# -- list


async def test_the_list_counts_bots_and_active_ones(
    ann: Client, bob: Client, telegram: Sandbox, command: Any
) -> None:
    await ann.add_bot(telegram.add_bot())
    await ann.add_bot(telegram.add_bot(), active=False)
    listed = json.loads((await command("list", "--json")).out)
    counts = [(row["username"], row["bots"], row["active_bots"]) for row in listed]
    assert counts == [("ann", 2, 1), ("bob", 0, 0)]


async def test_the_list_holds_no_password(ann: Client, command: Any) -> None:
    for args in (("list",), ("list", "--json")):
        assert "$2b$" not in (await command(*args)).out


async def test_the_list_marks_staff_and_disabled_accounts(config: Config, command: Any) -> None:
    await asyncio.to_thread(Migrations(config.database_url).up)
    await command("create", "root", "--staff", "--password-stdin", stdin=PASSWORD)
    await command("create", "eve", "--password-stdin", stdin=PASSWORD)
    await command("disable", "eve")
    lines = (await command("list")).out.splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["staff", "disabled"]
    rows = json.loads((await command("list", "--json")).out)
    assert [(row["is_staff"], bool(row["disabled_at"])) for row in rows] == [
        (True, False),
        (False, True),
    ]


async def test_the_status_of_migrations_is_there_for_programs(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    await botyard_command("migrate", "up", "001_initial", *data)
    shown = json.loads((await botyard_command("migrate", "status", "--json", *data)).out)
    assert (shown["done"], shown["unknown"]) == (["001_initial"], [])
    assert shown["left"][0].startswith("002_")


async def test_a_mistyped_folder_does_not_become_an_installation(tmp_path: Path) -> None:
    folder = tmp_path / "typo"
    for name in ("list", "enable"):
        args = [name] if name == "list" else [name, "ann"]
        line = only_line(await botyard_command("user", *args, "--data-dir", str(folder)))
        assert line.startswith(f"Error: no database at {folder}/botyard.db; set --data-dir")
    assert not folder.exists()
