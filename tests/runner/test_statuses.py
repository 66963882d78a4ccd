"""What is true of a bot is a row: written by the process that runs it, kept over restarts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import aiohttp
from support.client import ADMIN_BOTS, BOTS, DEADLINE, QUICK, Client, register, until

from handlers.times import rfc3339
from models.bots import runs
from models.bots.tables import Bot, Run
from sandbox import Sandbox
from server.app import Botyard, open_botyard
from server.config import Config


async def rows(botyard: Botyard) -> dict[int, Any]:
    """The rows of `runs`, by bot, once nothing is unwritten."""
    await botyard.services.runner.statuses.flush()
    found = await botyard.services.db.read(lambda: list(Run.select().dicts()))
    return {row["bot"]: row for row in found}


async def test_every_change_of_state_is_in_the_row(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    row = (await rows(botyard))[made["id"]]
    assert (row["state"], row["generation"], row["reason"]) == ("running", 1, None)
    await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
    row = (await rows(botyard))[made["id"]]
    assert (row["state"], row["generation"]) == ("stopped", 2)
    telegram.revoke(bot.id)
    await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
    row, before = (await rows(botyard))[made["id"]], row
    assert (row["state"], row["reason"], row["generation"]) == ("failed", "token_rejected", 3)
    assert row["version"] > before["version"]


async def test_a_wish_for_what_is_true_already_is_observed(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    since = made["status"]["since"]
    again = await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
    assert (again.json["status"]["state"], again.json["status"]["since"]) == ("running", since)
    row = (await rows(botyard))[made["id"]]
    assert (row["state"], row["generation"]) == ("running", 2)


async def test_the_reason_of_a_failure_outlives_a_restart_until_the_bot_is_tried(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    first = await open_botyard(config, runner=QUICK)
    ann = await register(Client(http, first.url), "ann")
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.revoke(bot.id)
    failed = await ann.until_state(made, "failed")
    await first.close()
    hold = telegram.inject(kind="hold", bot_id=bot.id, method="getMe")
    second = await open_botyard(config, runner=QUICK)
    try:
        ann.url = second.url
        status = await ann.status_of(made)
        assert (status["state"], status["reason"]) == ("starting", "token_revoked")
        assert status["detail"] == failed["detail"]
        telegram.clear(hold.id)
        status = await ann.until_state(made, "failed")
        assert status["reason"] == "token_rejected"
        new = telegram.new_token(bot.id)
        answer = await ann.patch(f"{BOTS}{made['id']}/", {"token": new})
        status = answer.json["status"]
        assert (status["state"], status["reason"], status["detail"]) == ("running", None, None)
    finally:
        await second.close()


async def test_a_start_tells_what_is_true_whatever_a_kill_has_left(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = [await ann.add_bot(telegram.add_bot(), active=n < 2) for n in range(4)]
    ids = [one["id"] for one in made]
    await rows(botyard)

    def killed() -> list[Any]:
        Run.delete().execute()
        left = ["running", "failed", "running", "stopped"]
        for bot_id, state in zip(ids, left, strict=True):
            why = "token_revoked" if state == "failed" else None
            Run.create(
                bot=bot_id, generation=1, state=state, reason=why, detail=why, attempts=7,
                since=Bot.get().created_at, version=5,
            )  # fmt: skip
        runs.put_at_rest()
        columns = (Run.state, Run.reason, Run.attempts, Run.version)
        return list(Run.select(*columns).order_by(Run.bot).tuples())

    assert await botyard.services.db.write(killed) == [
        ("starting", None, 0, 6),
        ("starting", "token_revoked", 0, 6),
        ("stopped", None, 0, 6),
        ("stopped", None, 7, 5),
    ]


async def test_the_last_poll_is_in_the_row_and_the_fresh_one_is_shown(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    runner = botyard.services.runner
    managed = runner.manager.find(made["id"])
    assert managed is not None
    first = managed.status.last_poll_at
    assert first is not None
    await runner.save_polls()
    assert (await rows(botyard))[made["id"]]["last_poll_at"] is not None
    telegram.drop_polls()
    await until(lambda: managed.status.last_poll_at > first, "another poll")
    assert (await ann.status_of(made))["last_poll_at"] > rfc3339(first)
    await runner.statuses.flush()
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    await botyard.services.db.write(lambda: Run.update(last_poll_at=long_ago).execute())
    await runner.save_polls()
    # the row has the second
    assert (await rows(botyard))[made["id"]]["last_poll_at"] >= first.replace(microsecond=0)


async def test_staff_find_bots_by_the_state_of_this_very_moment(
    ann: Client, root: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    for active, state in ((False, "stopped"), (True, "running")) * 3:
        await ann.patch(f"{BOTS}{made['id']}/", {"active": active})
        found = (await root.get(f"{ADMIN_BOTS}?state={state}")).json["results"]
        assert [bot["id"] for bot in found] == [made["id"]]


async def test_statuses_of_bots_that_are_gone_do_not_hold_the_others_up(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    statuses = botyard.services.runner.statuses
    managed = botyard.services.runner.manager.find(made["id"])
    assert managed is not None
    statuses.put(999, 1, managed.status)
    statuses.put(made["id"], 8, managed.status)
    found = await rows(botyard)
    assert found[made["id"]]["generation"] == 8
    assert 999 not in found


async def test_a_bot_that_may_not_write_any_more_is_started_as_it_is_stored(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    """Another process has given the bot a new token: the old run must end, and store nothing."""
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)

    def elsewhere() -> None:
        Bot.update(token_generation=2, generation=2).execute()

    await botyard.services.db.write(elsewhere)
    manager = botyard.services.runner.manager
    before = manager.find(made["id"])
    telegram.send_message(bot.id, text="once")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert manager.find(made["id"]) is not before
    assert (await ann.until_state(made, "running"))["dead"] == 0
    assert len(telegram.sent(bot.id)) == 1
