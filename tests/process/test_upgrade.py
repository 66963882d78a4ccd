"""An installation of the first release, brought to this one, back, and here again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, PASSWORD, QUICK, Client
from support.commands import botyard_command, only_line
from support.server_process import ROOT

from models.accounts.passwords import hash_password
from models.bots.vault import Vault, mask
from models.engine.base import now
from models.engine.connection import connect
from models.engine.migration import Migrations
from sandbox import Sandbox, SandboxBot
from server.app import open_botyard
from server.config import Config
from server.installation_lock import InstallationLock

STEPS = [path.stem for path in sorted((ROOT / "models/migrations").glob("[0-9]*.py"))]


def first_release(url: str, vault: Vault, bot: SandboxBot) -> None:
    """A database as the first migration makes it, with an account and a bot."""
    Migrations(url).up(STEPS[0])
    database = connect(url)
    moment = now().replace(tzinfo=None)
    user = {
        "username": "Ann",
        "username_key": "ann",
        "email": "",
        "first_name": "Ann",
        "last_name": "",
        "password_hash": hash_password(PASSWORD),
        "is_staff": False,
        "created_at": moment,
        "updated_at": moment,
    }
    row = {
        "user_id": 1,
        "slot": 1,
        "title": "From the first release",
        "active": True,
        "token_encrypted": vault.encrypt(bot.token),
        "token_fingerprint": vault.fingerprint(bot.token),
        "telegram_id": bot.id,
        "username": bot.username,
        "failure_reason": "",
        "failure_detail": "",
        "created_at": moment,
        "updated_at": moment,
    }
    with database.connection_context():
        insert(database, "users", user)
        insert(database, "bots", row)


def insert(database: Any, table: str, row: dict[str, Any]) -> None:
    """Insert a row as plain SQL: models know only today's columns."""
    marks = ", ".join([database.param] * len(row))
    database.execute_sql(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
    )


def rows(url: str, table: str, columns: str) -> list[Any]:
    """Some columns of a table."""
    database = connect(url)
    with database.connection_context():
        found: list[Any] = database.execute_sql(
            f"SELECT {columns} FROM {table} ORDER BY 1"
        ).fetchall()
        return found


@pytest.fixture
def bot(telegram: Sandbox) -> SandboxBot:
    return telegram.add_bot()


async def test_a_database_of_the_first_release_is_served(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession, bot: SandboxBot
) -> None:
    first_release(config.database_url, Vault(config.secret_key), bot)
    botyard = await open_botyard(config, runner=QUICK)
    try:
        user = Client(http, botyard.url)
        body = {"username": "ann", "password": PASSWORD}
        user.key = (await user.post("/rest-auth/login/", body)).json["key"]
        (shown,) = (await user.get(BOTS)).json
        assert (shown["title"], shown["token"]) == ("From the first release", mask(bot.token))
        telegram.send_message(bot.id, text="still there?")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
    finally:
        await botyard.close()


async def test_down_to_the_first_release_and_up_again_loses_only_what_down_says(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession, bot: SandboxBot
) -> None:
    url = config.database_url
    first_release(url, Vault(config.secret_key), bot)
    users = rows(url, "users", "id, username, password_hash, created_at")
    bots = rows(url, "bots", "id, user_id, slot, title, token_encrypted, telegram_id, created_at")
    migrations = Migrations(url)
    assert migrations.up() == STEPS[1:]
    assert [migrations.down() for _ in STEPS[1:]] == STEPS[:0:-1]
    assert migrations.up() == STEPS[1:]
    assert rows(url, "users", "id, username, password_hash, created_at") == users
    assert (
        rows(url, "bots", "id, user_id, slot, title, token_encrypted, telegram_id, created_at")
        == bots
    )
    botyard = await open_botyard(replace(config), runner=QUICK)
    try:
        telegram.send_message(bot.id, text="after all that")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
    finally:
        await botyard.close()


async def test_no_command_migrates_under_a_server_of_the_version_before(
    config: Config, bot: SandboxBot
) -> None:
    first_release(config.database_url, Vault(config.secret_key), bot)
    env = {"BOTYARD_DATA_DIR": str(config.data_dir), "BOTYARD_DATABASE_URL": config.database_url}
    with InstallationLock(config).held():
        refused = await botyard_command("migrate", "up", **env)
        assert refused.code == 1
        assert "stop it first, because the database must be migrated to this version" in refused.err
    assert Migrations(config.database_url).status().done == STEPS[:1]
    assert (await botyard_command("migrate", "up", **env)).code == 0
    assert Migrations(config.database_url).status().todo == []


@pytest.mark.parametrize(
    ("command", "stdin"),
    [
        (("list",), ""),
        (("create", "bea", "--password-stdin"), PASSWORD),
        (("set-password", "ann", "--password-stdin"), PASSWORD),
        (("disable", "ann"), ""),
        (("enable", "ann"), ""),
        (("staff", "ann"), ""),
        (("delete", "ann", "--yes"), ""),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
async def test_a_command_for_accounts_refuses_an_older_database_and_leaves_it(
    config: Config, bot: SandboxBot, command: tuple[str, ...], stdin: str
) -> None:
    first_release(config.database_url, Vault(config.secret_key), bot)
    env = {"BOTYARD_DATA_DIR": str(config.data_dir), "BOTYARD_DATABASE_URL": config.database_url}
    refused = await botyard_command("user", *command, stdin=stdin, **env)
    assert only_line(refused) == (
        f"Error: the database is not migrated to this version ({', '.join(STEPS[1:])} left to "
        "run): stop the server, then run botyard migrate up"
    )
    assert Migrations(config.database_url).status().done == STEPS[:1]
    assert (await botyard_command("migrate", "up", **env)).code == 0
    assert (await botyard_command("user", *command, stdin=stdin, **env)).code == 0


async def test_two_that_migrate_an_older_database_at_once_both_succeed(
    config: Config, bot: SandboxBot
) -> None:
    first_release(config.database_url, Vault(config.secret_key), bot)
    env = {"BOTYARD_DATA_DIR": str(config.data_dir), "BOTYARD_DATABASE_URL": config.database_url}
    both = await asyncio.gather(*(botyard_command("migrate", "up", **env) for _ in range(2)))
    assert [ended.code for ended in both] == [0, 0], both
    assert sorted("".join(ended.out for ended in both).split("\n"))[1:] == sorted(
        ["nothing to do", *(f"done: {step}" for step in STEPS[1:])]
    )


def test_where_sessions_were_begun_is_known_after_an_upgrade(config: Config) -> None:
    url = config.database_url
    Migrations(url).up(STEPS[STEPS.index("005_unproved_claims") - 1])
    moment, later = (now().replace(tzinfo=None, microsecond=0) - timedelta(n) for n in (2, 1))
    user = {
        "username": "Ann",
        "username_key": "ann",
        "email": "",
        "first_name": "",
        "last_name": "",
        "password_hash": "x",
        "is_staff": False,
        "created_at": moment,
        "updated_at": moment,
    }
    database = connect(url)
    with database.connection_context():
        insert(database, "users", user)
        addresses = ["203.0.113.7", "2001:db8:1:2::5", "2001:db8:1:2::6", "203.0.113.7", ""]
        for number, address in enumerate(addresses):
            times = {"created_at": later if number == 3 else moment}
            times |= dict.fromkeys(("last_used_at", "expires_at"), later)
            row = {"id": f"s{number}", "user_id": 1, "user_agent": "", "address": address}
            insert(database, "sessions", row | times)
    Migrations(url).up()
    found = rows(url, "known_networks", "network, user_id, last_login_at")
    assert [(network, user_id, str(at)) for network, user_id, at in found] == [
        ("2001:db8:1:2::/64", 1, str(moment)),
        ("203.0.113.7", 1, str(later)),
    ]


def test_each_down_step_says_what_it_drops() -> None:
    for path in (ROOT / "models/migrations").glob("[0-9]*.py"):
        down = path.read_text().partition("def rollback")[2]
        docstring = down.partition('"""')[2].partition('"""')[0]
        if "remove_model" in down:
            assert "lost" in docstring or "all that is in them" in docstring, path.name
