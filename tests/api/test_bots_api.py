"""The rules of bots over HTTP: fields, codes, limits, whose they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import aiohttp
import pytest
from support.client import BOTS, Client, register, until

from sandbox import Sandbox
from server.app import Botyard, open_botyard
from server.config import Config
from services.token_buckets import TokenBuckets

UNKNOWN_TOKEN = "123456789:AAE" + "x" * 32
FIELDS = {
    "id",
    "token",
    "title",
    "history",
    "active",
    "telegram_id",
    "username",
    "created_at",
    "updated_at",
    "status",
}
STATUS_FIELDS = {
    "state",
    "reason",
    "detail",
    "since",
    "attempts",
    "next_attempt_at",
    "last_poll_at",
    "last_update_at",
    "pending",
    "dead",
}


async def test_a_new_bot_is_answered_whole_and_running(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    answer = await ann.post(BOTS, {"token": bot.token, "title": "First"})
    assert answer.status == 201
    assert answer.headers["Location"] == f"{BOTS}{answer.json['id']}/"
    assert set(answer.json) == FIELDS
    assert set(answer.json["status"]) == STATUS_FIELDS
    assert answer.json["token"] == bot.token
    assert answer.json["title"] == "First"
    assert answer.json["active"] is True
    assert answer.json["telegram_id"] == bot.id
    assert answer.json["username"] == bot.username
    assert answer.json["status"]["state"] == "running"


async def test_location_leads_to_the_bot(ann: Client, telegram: Sandbox) -> None:
    answer = await ann.post(BOTS, {"token": telegram.add_bot().token})
    shown = await ann.get(answer.headers["Location"])
    assert shown.status == 200
    assert shown.json["id"] == answer.json["id"]


async def test_a_token_may_be_pasted_with_blanks_around_it(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    answer = await ann.post(BOTS, {"token": f" {bot.token}\n"})
    assert (answer.status, answer.json["token"]) == (201, bot.token)


async def test_a_token_is_masked_in_every_later_answer(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    head, _, secret = bot.token.partition(":")
    masked = f"{head}:{secret[:3]}…{secret[-4:]}"
    path = f"{BOTS}{made['id']}/"
    assert (await ann.get(path)).json["token"] == masked
    assert (await ann.get(BOTS)).json[0]["token"] == masked
    assert (await ann.patch(path, {"title": "x"})).json["token"] == masked


async def test_an_inactive_bot_is_stored_stopped_and_never_polls(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    assert made["status"]["state"] == "stopped"
    assert telegram.calls(bot.id, method="getUpdates") == []


async def test_the_list_holds_only_the_callers_bots_oldest_first(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    mine = [(await ann.add_bot(telegram.add_bot()))["id"] for _ in range(3)]
    await bob.add_bot(telegram.add_bot())
    answer = await ann.get(BOTS)
    assert answer.status == 200
    assert [bot["id"] for bot in answer.json] == mine


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_foreign_bot_is_not_found(
    ann: Client, bob: Client, telegram: Sandbox, method: str
) -> None:
    theirs = await bob.add_bot(telegram.add_bot())
    body = {"token": UNKNOWN_TOKEN} if method in ("PUT", "PATCH") else None
    answer = await ann.request(method, f"{BOTS}{theirs['id']}/", body)
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert (await bob.status_of(theirs))["state"] == "running"


async def test_a_token_that_telegram_rejects_is_refused_and_not_stored(
    ann: Client, telegram: Sandbox
) -> None:
    answer = await ann.post(BOTS, {"token": UNKNOWN_TOKEN})
    assert (answer.status, answer.json["code"]) == (422, "telegram_token_rejected")
    assert "token" in answer.json["errors"]
    assert (await ann.get(BOTS)).json == []


async def test_a_telegram_bot_is_in_the_platform_once(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    answer = await bob.post(BOTS, {"token": bot.token})
    assert (answer.status, answer.json["code"]) == (409, "bot_already_registered")


async def test_another_token_of_ones_own_bot_is_no_other_bot(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot, active=False)
    answer = await ann.post(BOTS, {"token": telegram.new_token(bot.id)})
    assert (answer.status, answer.json["code"]) == (409, "bot_already_registered")


async def test_a_made_up_token_does_not_keep_the_owner_of_a_bot_out(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    telegram.inject(kind="drop")
    made_up = await ann.post(BOTS, {"token": f"{bot.id}:{'Z' * 35}"})
    assert made_up.status == 201
    assert made_up.json["telegram_id"] is None
    telegram.clear()
    await ann.until_state(made_up.json, "failed")
    assert (await bob.add_bot(bot))["status"]["state"] == "running"


async def test_the_sixth_bot_is_refused(ann: Client, telegram: Sandbox) -> None:
    for _ in range(5):
        await ann.add_bot(telegram.add_bot())
    answer = await ann.post(BOTS, {"token": telegram.add_bot().token})
    assert (answer.status, answer.json["code"]) == (403, "bot_limit_reached")


async def test_a_deleted_bot_makes_room(ann: Client, telegram: Sandbox) -> None:
    made = [await ann.add_bot(telegram.add_bot()) for _ in range(5)]
    assert (await ann.delete(f"{BOTS}{made[2]['id']}/")).status == 204
    assert (await ann.post(BOTS, {"token": telegram.add_bot().token})).status == 201


async def test_fifty_creates_at_once_give_exactly_five(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    botyard.services.limits._token_checks = TokenBuckets(burst=50, rate=1.0)
    tokens = [telegram.add_bot().token for _ in range(50)]
    answers = await asyncio.gather(*(ann.post(BOTS, {"token": token}) for token in tokens))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [201] * 5 + [403] * 45
    listed = (await ann.get(BOTS)).json
    assert len(listed) == 5
    assert {bot["status"]["state"] for bot in listed} == {"running"}


async def test_one_token_sent_twenty_times_at_once_is_stored_once(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    body = {"token": telegram.add_bot().token}
    answers = await asyncio.gather(*((ann, bob)[n % 2].post(BOTS, body) for n in range(20)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 19


async def test_what_get_gave_can_be_put_back(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, title="Same")
    path = f"{BOTS}{made['id']}/"
    shown = (await ann.get(path)).json
    answer = await ann.put(path, shown | {"title": "Other"})
    assert answer.status == 200, answer.text
    assert answer.json["title"] == "Other"
    assert answer.json["status"]["since"] == made["status"]["since"], "it must not be restarted"


async def test_put_keeps_what_it_leaves_out(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, title="Old", active=False)
    answer = await ann.put(f"{BOTS}{made['id']}/", {"token": bot.token})
    assert (answer.json["title"], answer.json["active"]) == ("Old", False)
    assert answer.json["status"]["state"] == "stopped"
    answer = await ann.put(f"{BOTS}{made['id']}/", {"token": bot.token, "title": ""})
    assert (answer.json["title"], answer.json["active"]) == ("", False)


async def test_put_needs_the_token(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot())
    answer = await ann.put(f"{BOTS}{made['id']}/", {"title": "x"})
    assert answer.status == 400
    assert answer.json["errors"] == {"token": ["Missing data for required field."]}


async def test_the_masked_token_of_another_bot_is_refused(ann: Client, telegram: Sandbox) -> None:
    first, second = [await ann.add_bot(telegram.add_bot()) for _ in range(2)]
    masked = (await ann.get(f"{BOTS}{second['id']}/")).json["token"]
    answer = await ann.patch(f"{BOTS}{first['id']}/", {"token": masked})
    assert answer.status == 400
    assert "token" in answer.json["errors"]


async def test_a_masked_token_makes_no_new_bot(ann: Client) -> None:
    answer = await ann.post(BOTS, {"token": "123456789:AAE…x4kQ"})
    assert answer.status == 400
    assert "token" in answer.json["errors"]


async def test_a_new_token_of_the_same_bot_is_shown_once_and_used(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    token = telegram.new_token(bot.id)
    await ann.until_state(made, "failed")
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"token": token})
    assert answer.status == 200, answer.text
    assert answer.json["token"] == token
    assert answer.json["status"]["state"] == "running"
    assert (await ann.get(f"{BOTS}{made['id']}/")).json["token"] != token


async def test_a_token_of_another_bot_moves_the_record_to_it(
    ann: Client, telegram: Sandbox
) -> None:
    old, new = telegram.add_bot(), telegram.add_bot()
    made = await ann.add_bot(old)
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"token": new.token})
    assert (answer.json["telegram_id"], answer.json["username"]) == (new.id, new.username)
    await until(lambda: not telegram.polling(old.id), "the end of the old one's poll")
    assert (await ann.post(BOTS, {"token": old.token})).status == 201


async def test_a_rejected_new_token_changes_nothing(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot(), title="Old")
    path = f"{BOTS}{made['id']}/"
    answer = await ann.patch(path, {"token": UNKNOWN_TOKEN, "title": "New"})
    assert (answer.status, answer.json["code"]) == (422, "telegram_token_rejected")
    shown = (await ann.get(path)).json
    assert (shown["title"], shown["status"]["state"]) == ("Old", "running")


async def test_the_token_of_another_registered_bot_is_refused(
    ann: Client, telegram: Sandbox
) -> None:
    other = telegram.add_bot()
    await ann.add_bot(other)
    made = await ann.add_bot(telegram.add_bot())
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"token": other.token})
    assert (answer.status, answer.json["code"]) == (409, "bot_already_registered")


async def test_a_new_title_does_not_restart_the_bot(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot())
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"title": "New"})
    assert answer.json["title"] == "New"
    assert answer.json["status"]["since"] == made["status"]["since"]
    assert answer.json["updated_at"] > made["updated_at"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("active", "true"),
        ("active", 1),
        ("active", None),
        ("title", 5),
        ("title", None),
        ("title", "x" * 101),
        ("title", "a\x00b"),
        ("token", "nonsense"),
        ("token", 12),
        ("token", "123456789:short"),
        ("colour", "red"),
    ],
)
async def test_a_wrong_field_is_named(
    ann: Client, telegram: Sandbox, field: str, value: object
) -> None:
    body = {"token": telegram.add_bot().token} | {field: value}
    answer = await ann.post(BOTS, body)
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    assert list(answer.json["errors"]) == [field]
    assert (await ann.get(BOTS)).json == []


async def test_read_only_fields_are_ignored(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    body = {"token": bot.token, "id": 77, "username": "x", "status": 1, "telegram_id": "y"}
    answer = await ann.post(BOTS, body)
    assert answer.status == 201
    assert answer.json["id"] != 77
    assert answer.json["username"] == bot.username


async def test_an_id_is_not_given_twice(ann: Client, telegram: Sandbox) -> None:
    first = await ann.add_bot(telegram.add_bot())
    await ann.delete(f"{BOTS}{first['id']}/")
    second = await ann.add_bot(telegram.add_bot())
    assert second["id"] != first["id"]


@pytest.mark.parametrize("limit", [2])
async def test_the_limit_is_the_operators(
    config: Config, telegram: Sandbox, limit: int, http: object
) -> None:
    botyard: Botyard = await open_botyard(replace(config, max_bots_per_user=limit))
    try:
        async with aiohttp.ClientSession() as session:
            user = await register(Client(session, botyard.url))
            statuses = [
                (await user.post(BOTS, {"token": telegram.add_bot().token})).status
                for _ in range(limit + 1)
            ]
    finally:
        await botyard.close()
    assert statuses == [201] * limit + [403]
