"""Claims to a Telegram bot: nobody learns which are here without a token, and each is here once."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, Client, register

from models.bots import bots
from models.bots.records import BotRecord, VerifiedToken
from models.bots.tables import Bot
from models.engine.migration import Migrations
from models.errors import BotAlreadyRegistered
from sandbox import Sandbox, SandboxBot
from server.app import Botyard, open_botyard
from server.config import Config

TAKEN = "bot_already_registered"


def made_up(bot: SandboxBot) -> str:
    """A token with a bot's id, which everybody can find out, and a secret that is not the bot's."""
    return f"{bot.id}:{'Z' * 35}"


def out_of_reach(telegram: Sandbox) -> None:
    """Let Telegram answer nothing until it is cleared."""
    telegram.inject(kind="drop")


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
async def test_a_made_up_token_does_not_tell_whether_its_bot_is_here(
    ann: Client, bob: Client, telegram: Sandbox, method: str
) -> None:
    """Anybody could ask which bots are here, without a token of theirs."""
    here, elsewhere = telegram.add_bot(), telegram.add_bot()
    await bob.add_bot(here)
    path = BOTS
    if method != "POST":
        path += f"{(await ann.add_bot(telegram.add_bot()))['id']}/"
    answers = [
        await ann.request(method, path, {"token": made_up(bot)}) for bot in (here, elsewhere)
    ]
    assert [(answer.status, answer.json["code"]) for answer in answers] == 2 * [
        (422, "telegram_token_rejected")
    ]
    assert answers[0].lasting == answers[1].lasting


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_without_telegram_a_token_does_not_tell_whether_its_bot_is_here(
    ann: Client, bob: Client, telegram: Sandbox, method: str
) -> None:
    here, elsewhere = telegram.add_bot(), telegram.add_bot()
    await bob.add_bot(here, active=False)
    mine = [await ann.add_bot(telegram.add_bot(), active=False) for _ in range(2)]
    out_of_reach(telegram)
    told = []
    for row, token in zip(mine, (here.token, elsewhere.token), strict=True):
        path = BOTS if method == "POST" else f"{BOTS}{row['id']}/"
        answer = await ann.request(method, path, {"token": token, "active": True})
        status: dict[str, Any] = answer.json["status"]
        told.append((answer.status, answer.json["telegram_id"], status["state"], status["reason"]))
    created = 201 if method == "POST" else 200
    assert told == 2 * [(created, None, "retrying", "telegram_unreachable")]


async def test_an_unconfirmed_bot_fails_when_it_turns_out_to_be_anothers(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    theirs = await bob.add_bot(bot)
    out_of_reach(telegram)
    answer = await ann.post(BOTS, {"token": bot.token})
    assert answer.status == 201
    telegram.clear()
    status = await ann.until_state(answer.json, "failed")
    assert status["reason"] == TAKEN
    await bob.until_state(theirs, "running")
    assert (await ann.get(f"{BOTS}{answer.json['id']}/")).json["telegram_id"] is None


async def test_of_two_who_store_a_token_unconfirmed_one_gets_the_bot(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    out_of_reach(telegram)
    rows = [(client, await client.post(BOTS, {"token": bot.token})) for client in (ann, bob)]
    assert [answer.status for _, answer in rows] == [201, 201]
    telegram.clear()
    states: list[str] = []
    async with asyncio.timeout(DEADLINE):
        while sorted(states) != ["failed", "running"]:
            states = [(await client.status_of(answer.json))["state"] for client, answer in rows]
            assert states != ["running", "running"]


async def test_a_bot_that_failed_for_that_runs_when_the_other_one_is_gone(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    theirs = await bob.add_bot(bot)
    out_of_reach(telegram)
    mine = (await ann.post(BOTS, {"token": bot.token})).json
    telegram.clear()
    await ann.until_state(mine, "failed")
    assert (await bob.delete(f"{BOTS}{theirs['id']}/")).status == 204
    path = f"{BOTS}{mine['id']}/"
    for active in (False, True):
        answer = await ann.patch(path, {"active": active})
    assert answer.json["status"]["state"] == "running"
    assert answer.json["telegram_id"] == bot.id


async def test_ones_own_bot_is_told_without_asking_telegram(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot, active=False)
    out_of_reach(telegram)
    answer = await ann.post(BOTS, {"token": bot.token})
    assert (answer.status, answer.json["code"]) == (409, TAKEN)


async def test_a_bot_that_telegram_confirms_to_be_anothers_is_refused(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    theirs, mine = telegram.add_bot(), telegram.add_bot()
    await bob.add_bot(theirs)
    made = await ann.add_bot(mine)
    for method, path in (("POST", BOTS), ("PATCH", f"{BOTS}{made['id']}/")):
        answer = await ann.request(method, path, {"token": theirs.token})
        assert (answer.status, answer.json["code"]) == (409, TAKEN)
    await ann.until_state(made, "running")


async def test_an_unconfirmed_bot_does_not_keep_out_who_proves_to_have_it(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    out_of_reach(telegram)
    mine = (await ann.post(BOTS, {"token": bot.token, "active": False})).json
    telegram.clear()
    assert (await bob.add_bot(bot))["status"]["state"] == "running"
    answer = await ann.patch(f"{BOTS}{mine['id']}/", {"active": True})
    assert (answer.json["status"]["state"], answer.json["status"]["reason"]) == ("failed", TAKEN)


async def test_the_database_itself_keeps_a_confirmed_bot_once(
    ann: Client, bob: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    bot = telegram.add_bot()
    await bob.add_bot(bot, active=False)
    db, vault = botyard.services.db, botyard.services.vault

    def steal() -> None:
        Bot.update(token_fingerprint=vault.fingerprint(bot.token)).where(
            Bot.id == made["id"]
        ).execute()
        bots.confirm(vault, made["id"], VerifiedToken(bot.token, bot.id, bot.username))

    with pytest.raises(BotAlreadyRegistered):
        await db.write(steal)


# -- a token that leaked


async def add_as_thief(thief: Client, bot: SandboxBot, telegram: Sandbox, *, active: bool) -> Any:
    """Add a bot with a token that leaked, before its owner does and has it renewed."""
    theirs = await thief.add_bot(bot, active=active)
    telegram.new_token(bot.id)
    if active:
        assert (await thief.until_state(theirs, "failed"))["reason"] == "token_revoked"
    return theirs


@pytest.mark.parametrize("active", [True, False], ids=["failed", "off"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_thief_with_the_old_token_does_not_keep_the_owner_out(
    ann: Client, bob: Client, telegram: Sandbox, method: str, active: bool
) -> None:
    bot, path = telegram.add_bot(), BOTS
    theirs = await add_as_thief(bob, bot, telegram, active=active)
    if method == "PATCH":
        path += f"{(await ann.add_bot(telegram.add_bot()))['id']}/"
    answer = await ann.request(method, path, {"token": bot.token})
    assert answer.status in (200, 201), answer.text
    assert (answer.json["telegram_id"], answer.json["status"]["state"]) == (bot.id, "running")
    left = (await bob.get(f"{BOTS}{theirs['id']}/")).json
    assert (left["telegram_id"], left["active"]) == (None, active)
    assert left["status"]["state"] == ("failed" if active else "stopped")


async def test_a_token_that_is_confirmed_later_takes_its_bot_over_from_a_dead_one(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    theirs = await add_as_thief(bob, bot, telegram, active=False)
    out_of_reach(telegram)
    mine = await ann.add_bot(bot)
    telegram.clear()
    await ann.until_state(mine, "running")
    assert (await ann.get(f"{BOTS}{mine['id']}/")).json["telegram_id"] == bot.id
    assert (await bob.get(f"{BOTS}{theirs['id']}/")).json["telegram_id"] is None


async def test_both_accounts_find_a_takeover_in_their_log_and_neither_the_other(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    theirs = await add_as_thief(bob, bot, telegram, active=False)
    mine = await ann.add_bot(bot)
    logged = {}
    for client, row in ((ann, mine), (bob, theirs)):
        entry = (await client.get("/api/v1/audit/")).json["results"][0]
        assert (entry["bot"], entry["details"]) == (row["id"], {"telegram_id": bot.id})
        logged[entry["action"]] = (entry["actor"], bool(entry["address"]))
    assert logged == {"bot_taken_over": ("ann", True), "bot_lost": ("botyard", False)}


async def test_a_token_of_which_telegram_says_nothing_keeps_its_bot(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    old = bot.token
    theirs = await add_as_thief(bob, bot, telegram, active=False)
    telegram.inject(kind="drop", token=old)
    answer = await ann.post(BOTS, {"token": bot.token})
    assert (answer.status, answer.json["code"]) == (409, TAKEN)
    assert (await bob.get(f"{BOTS}{theirs['id']}/")).json["telegram_id"] == bot.id


async def test_a_row_that_got_the_new_token_meanwhile_keeps_its_bot(
    ann: Client, bob: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    theirs = await add_as_thief(bob, bot, telegram, active=False)
    claims = botyard.services.runner.claims
    find = claims.dead

    async def overtaken(token: VerifiedToken, *, exclude_id: int | None = None) -> BotRecord | None:
        dead = await find(token, exclude_id=exclude_id)
        if exclude_id is None:
            answer = await bob.patch(f"{BOTS}{theirs['id']}/", {"token": bot.token})
            assert answer.status == 200, answer.text
        return dead

    monkeypatch.setattr(claims, "dead", overtaken)
    answer = await ann.post(BOTS, {"token": bot.token})
    assert (answer.status, answer.json["code"]) == (409, TAKEN)
    assert (await bob.get(f"{BOTS}{theirs['id']}/")).json["telegram_id"] == bot.id


# -- back to the version before


async def test_a_step_back_drops_the_second_claims_and_keeps_the_first(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot, other = telegram.add_bot(), telegram.add_bot()
    running = await open_botyard(config)
    try:
        ann, bob, carl = [await register(Client(http, running.url), name) for name in "abc"]
        await ann.add_bot(bot, active=False)
        out_of_reach(telegram)
        for client, token in ((bob, bot.token), (bob, other.token), (carl, other.token)):
            answer = await client.post(BOTS, {"token": token, "active": False})
            assert answer.status == 201
    finally:
        await running.close()
    migrations = Migrations(config.database_url)
    while migrations.down() != "005_unproved_claims":
        pass
    migrations.up()
    running = await open_botyard(config)
    try:
        left = [
            [row["token"].partition(":")[0] for row in (await client.get(BOTS)).json]
            for client in (replace_url(client, running.url) for client in (ann, bob, carl))
        ]
    finally:
        await running.close()
    assert left == [[str(bot.id)], [str(other.id)], []]


def replace_url(client: Client, url: str) -> Client:
    """The same account at another server."""
    return Client(client.http, url, client.key)
