"""Every row of the table of states, produced by what the Bot API does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from support.client import BOTS, DEADLINE, QUICK, RETRIED, Client, until

from runner.settings import RunnerTuning
from runner.states import TRANSITIONS, BotState
from sandbox import Sandbox
from server.app import Botyard


async def switch(client: Client, bot: dict, active: bool):
    """PATCH active."""
    return await client.patch(f"{BOTS}{bot['id']}/", {"active": active})


# -- on, off, and messages


async def test_a_running_bot_echoes(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    telegram.send_message(bot.id, text="Hello, bot!")
    (sent,) = await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert (sent.method, sent.chat_id, sent.message["text"]) == ("sendMessage", 1001, "Hello, bot!")


async def test_a_bot_greets_on_start(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    telegram.send_message(bot.id, text="/start")
    (sent,) = await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert sent.message["text"].startswith("Hello, Ann!")


async def test_an_edited_message_is_not_answered_again(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    update = telegram.send_message(bot.id, text="one")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    message_id = update["message"]["message_id"]
    telegram.edit_message(bot.id, chat_id=1001, message_id=message_id, text="two")
    telegram.send_message(bot.id, text="three")
    sent = await telegram.wait_sent(bot.id, count=2, timeout=DEADLINE)
    assert [one.message["text"] for one in sent] == ["one", "three"]


async def test_messages_of_one_chat_are_answered_in_order(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    texts = [f"message {n}" for n in range(25)]
    for text in texts:
        telegram.send_message(bot.id, text=text)
    sent = await telegram.wait_sent(bot.id, count=25, timeout=DEADLINE)
    assert [one.message["text"] for one in sent] == texts


async def test_a_chat_that_hangs_holds_up_no_other(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    telegram.inject(kind="hold", bot_id=bot.id, method="sendMessage", times=1)
    telegram.send_message(bot.id, text="stuck", chat_id=1)
    await until(lambda: telegram.calls(bot.id, method="sendMessage"), "the stuck send")
    telegram.send_message(bot.id, text="free", chat_id=2)
    (sent,) = await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert (sent.chat_id, sent.message["text"]) == (2, "free")


async def test_off_stops_and_on_starts_again(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    off = await switch(ann, made, False)
    assert (off.status, off.json["status"]["state"]) == (200, "stopped")
    assert off.json["active"] is False
    on = await switch(ann, made, True)
    assert (on.status, on.json["status"]["state"]) == (200, "running")
    telegram.send_message(bot.id, text="again")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)


async def test_after_off_was_answered_nothing_is_sent_and_nothing_polls(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    for n in range(1, 201):
        telegram.send_message(bot.id, text=str(n), chat_id=n)
    await telegram.wait_sent(bot.id, count=5, timeout=DEADLINE)
    off = await switch(ann, made, False)
    sent = len(telegram.sent(bot.id))
    calls = len(telegram.calls(bot.id))
    assert off.json["status"]["state"] == "stopped"
    await until(lambda: not telegram.polling(bot.id), "the end of the poll")
    # another bot's whole round trip gives a late call every chance to arrive
    other = telegram.add_bot()
    await ann.add_bot(other)
    telegram.send_message(other.id, text="x")
    await telegram.wait_sent(other.id, timeout=DEADLINE)
    assert len(telegram.sent(bot.id)) == sent
    assert len(telegram.calls(bot.id)) == calls


async def test_on_twice_at_once_starts_one_poller(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    answers = await asyncio.gather(*(switch(ann, made, True) for _ in range(8)))
    assert {(a.status, a.json["status"]["state"]) for a in answers} == {(200, "running")}
    telegram.send_message(bot.id, text="one answer")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert {call.status for call in telegram.calls(bot.id)} <= {200, None}, "two would conflict"


async def test_off_twice_is_no_error(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot())
    answers = await asyncio.gather(*(switch(ann, made, False) for _ in range(4)))
    assert {(a.status, a.json["status"]["state"]) for a in answers} == {(200, "stopped")}


async def test_on_and_off_at_random_end_as_what_is_stored_says(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    await asyncio.gather(*(switch(ann, made, n % 3 == 0) for n in range(30)))
    shown = (await ann.get(f"{BOTS}{made['id']}/")).json
    state = "running" if shown["active"] else "stopped"
    await ann.until_state(made, state)
    await until(lambda: telegram.polling(bot.id) is shown["active"], "polling as stored")


async def test_a_running_bot_is_deleted_and_silent(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    assert (await ann.delete(f"{BOTS}{made['id']}/")).status == 204
    await until(lambda: not telegram.polling(bot.id), "the end of the poll")
    assert (await ann.get(f"{BOTS}{made['id']}/")).status == 404
    assert (await ann.get(BOTS)).json == []


async def test_deleting_while_starting_leaves_nothing_running(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    telegram.inject(kind="hold", bot_id=bot.id, method="getMe")
    starting = asyncio.create_task(switch(ann, made, True), name="on")
    await ann.until_state(made, "starting")
    assert (await ann.delete(f"{BOTS}{made['id']}/")).status == 204
    await starting
    telegram.clear()
    assert not telegram.polling(bot.id)


# -- starting


async def test_off_during_starting_cancels_it(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    telegram.inject(kind="hold", bot_id=bot.id, method="getMe")
    starting = asyncio.create_task(switch(ann, made, True), name="on")
    await ann.until_state(made, "starting")
    off = await switch(ann, made, False)
    assert (off.status, off.json["status"]["state"]) == (200, "stopped")
    assert (await starting).json["status"]["state"] == "stopped"


class TestSlowStart:
    """With a Telegram that takes longer than a request may wait."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return RunnerTuning(call_timeout=8.0, start_wait=0.3, poll_timeout=2)

    async def test_is_answered_202(self, ann: Client, telegram: Sandbox) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot, active=False)
        telegram.inject(kind="hold", bot_id=bot.id, method="getMe")
        on = await switch(ann, made, True)
        assert (on.status, on.json["status"]["state"]) == (202, "starting")
        telegram.clear()
        await ann.until_state(made, "running")


async def test_a_token_revoked_while_off_fails_at_on(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    telegram.revoke(bot.id)
    on = await switch(ann, made, True)
    assert on.status == 200
    assert on.json["active"] is True, "a failure never changes what the owner wants"
    status = on.json["status"]
    assert (status["state"], status["reason"]) == ("failed", "token_rejected")
    assert "BotFather" in status["detail"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502, "body": "<html>Bad Gateway</html>"},
        {"kind": "status", "status": 404, "body": "<html>Not Found</html>"},
        {"kind": "drop"},
    ],
    ids=["500", "502 of a proxy", "404 of a proxy", "dropped"],
)
@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_trouble_while_starting_is_retried_until_it_is_over(
    ann: Client, telegram: Sandbox, fault: dict, method: str
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    telegram.inject(bot_id=bot.id, method=method, **fault)
    on = await switch(ann, made, True)
    status = on.json["status"]
    assert on.status == 200
    assert status["state"] in RETRIED
    assert status["reason"] == "telegram_unreachable"
    assert (status["next_attempt_at"] is not None) is (status["state"] == "retrying")
    telegram.clear()
    status = await ann.until_state(made, "running")
    assert (status["reason"], status["attempts"]) == (None, 0)


async def test_a_telegram_that_hangs_is_taken_as_unreachable(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    telegram.inject(kind="hold", bot_id=bot.id, method="getMe")
    on = await switch(ann, made, True)
    status = on.json["status"]
    assert status["state"] in RETRIED
    assert status["reason"] == "telegram_unreachable"
    telegram.clear()
    await ann.until_state(made, "running")


async def test_a_bot_added_while_telegram_is_away_starts_by_itself(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    telegram.inject(kind="drop", bot_id=bot.id)
    made = await ann.add_bot(bot)
    assert made["status"]["state"] in RETRIED
    assert made["telegram_id"] is None
    telegram.clear()
    await ann.until_state(made, "running")
    shown = (await ann.get(f"{BOTS}{made['id']}/")).json
    assert (shown["telegram_id"], shown["username"]) == (bot.id, bot.username)


async def test_attempts_are_counted_while_telegram_is_away(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    telegram.inject(kind="drop", bot_id=bot.id)
    made = await ann.add_bot(bot)
    seen = 0
    async with asyncio.timeout(DEADLINE):
        while seen < 3:
            seen = (await ann.status_of(made))["attempts"]


class TestLongBackoff:
    """With so long a wait that only its owner can end it."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return RunnerTuning(backoff_min=3600, backoff_max=3600, poll_timeout=2)

    async def test_on_ends_the_wait(self, ann: Client, telegram: Sandbox) -> None:
        bot = telegram.add_bot()
        telegram.inject(kind="drop", bot_id=bot.id)
        made = await ann.add_bot(bot)
        assert made["status"]["state"] == "retrying"
        telegram.clear()
        on = await switch(ann, made, True)
        assert on.json["status"]["state"] == "running"

    async def test_off_ends_the_wait(self, ann: Client, telegram: Sandbox) -> None:
        bot = telegram.add_bot()
        telegram.inject(kind="drop", bot_id=bot.id)
        made = await ann.add_bot(bot)
        off = await switch(ann, made, False)
        assert off.json["status"]["state"] == "stopped"


async def test_a_webhook_is_removed_and_told(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    url = f"{telegram.url}/bot{bot.token}/setWebhook"
    await ann.http.post(url, json={"url": "https://elsewhere.example/hook"})
    on = await switch(ann, made, True)
    assert on.json["status"]["state"] == "running"
    assert "https://elsewhere.example was set" in on.json["status"]["detail"]
    assert "/hook" not in on.json["status"]["detail"], "a path may hold the token"


# -- running


async def test_a_revoked_token_fails_at_once(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    await until(lambda: telegram.polling(bot.id), "a poll")
    calls = len(telegram.calls(bot.id))
    telegram.revoke(bot.id)
    status = await ann.until_state(made, "failed")
    assert status["reason"] == "token_revoked"
    assert (await ann.get(f"{BOTS}{made['id']}/")).json["active"] is True
    assert len(telegram.calls(bot.id)) == calls, "a revoked token is not tried again"


async def test_a_failed_bot_can_be_switched_off_and_on(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.revoke(bot.id)
    await ann.until_state(made, "failed")
    assert (await switch(ann, made, False)).json["status"]["state"] == "stopped"
    assert (await switch(ann, made, True)).json["status"]["state"] == "failed"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502, "body": "<html>Bad Gateway</html>"},
        {"kind": "drop"},
        {"kind": "hold"},
    ],
    ids=["500", "502 of a proxy", "dropped", "hung"],
)
async def test_trouble_while_running_is_told_and_retried(
    ann: Client, telegram: Sandbox, fault: dict
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.inject(bot_id=bot.id, method="getUpdates", **fault)
    status = await ann.until_state(made, "retrying")
    assert status["reason"] == "telegram_unreachable"
    assert status["detail"]
    telegram.clear()
    await ann.until_state(made, "running")
    telegram.send_message(bot.id, text="back")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)


class TestPatience:
    """With times that no test waits for."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        patient = dict.fromkeys(("poll_margin", "call_timeout", "cut_wait"), 100 * DEADLINE)
        return replace(QUICK, poll_timeout=round(100 * DEADLINE), **patient)

    async def test_off_does_not_wait_for_a_telegram_that_hangs(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.inject(kind="hold", bot_id=bot.id)
        telegram.send_message(bot.id, text="stuck")
        async with asyncio.timeout(DEADLINE):
            off = await switch(ann, made, False)
        assert off.json["status"]["state"] == "stopped"


async def test_a_429_at_the_start_is_told_and_waited_out(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    telegram.inject(
        kind="status", status=429, retry_after=1, bot_id=bot.id, method="getMe", times=1
    )
    status = (await switch(ann, made, True)).json["status"]
    assert (status["state"], status["reason"]) == ("retrying", "rate_limited")
    await ann.until_state(made, "running")


async def test_a_429_is_waited_out(
    ann: Client, telegram: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.inject(
        kind="status", status=429, retry_after=1, bot_id=bot.id, method="getUpdates", times=1
    )
    # in the log, because the state itself may be over before it is looked at
    told = f"bot {made['id']} retrying: rate_limited"
    await until(lambda: told in caplog.text, "the state")
    await ann.until_state(made, "running")


async def test_another_program_on_the_token_is_a_conflict(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    url = f"{telegram.url}/bot{bot.token}/getUpdates"

    async def poll_too() -> None:
        while True:
            async with ann.http.post(url, json={"timeout": 5}) as response:
                await response.read()

    thief = asyncio.create_task(poll_too(), name="another program")
    try:
        status = await ann.until_state(made, "retrying")
    finally:
        thief.cancel()
        await asyncio.wait({thief})
    assert status["reason"] == "conflict"
    await ann.until_state(made, "running")


async def test_one_conflict_alone_is_no_trouble(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    await until(lambda: telegram.polling(bot.id), "a poll")
    url = f"{telegram.url}/bot{bot.token}/getUpdates"
    async with ann.http.post(url, json={"timeout": 0}) as response:
        await response.read()
    await until(lambda: telegram.polling(bot.id), "the poll again")
    assert (await ann.status_of(made))["state"] == "running"


async def test_a_failing_send_does_not_stop_the_bot(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.inject(kind="status", status=400, bot_id=bot.id, method="sendMessage", times=1)
    telegram.send_message(bot.id, text="lost", chat_id=5)
    await until(lambda: telegram.calls(bot.id, method="sendMessage"), "the send")
    telegram.send_message(bot.id, text="next", chat_id=6)
    (sent,) = await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert sent.message["text"] == "next"
    assert (await ann.status_of(made))["state"] == "running"


def test_every_state_has_its_moves() -> None:
    assert set(TRANSITIONS) == set(BotState)
    assert all(
        BotState.STOPPING in moves
        for state, moves in TRANSITIONS.items()
        if state not in (BotState.STOPPED, BotState.STOPPING)
    )


async def test_a_bot_that_was_confirmed_later_is_registered_as_well(
    ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    telegram.inject(kind="drop", bot_id=bot.id)
    made = await ann.add_bot(bot)
    telegram.clear()
    await ann.until_state(made, "running")
    answer = await bob.post(BOTS, {"token": bot.token})
    assert answer.status == 409


async def test_readiness_follows_the_bots(
    anonymous: Client, ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    await ann.add_bot(telegram.add_bot())
    answer = await anonymous.get("/readyz")
    assert answer.status == 200
    assert answer.json["bots"] == {"running": 1}


async def test_what_is_told_of_a_stopped_bot_is_of_when_it_stopped(
    ann: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    before = await ann.status_of(made)
    off = (await switch(ann, made, False)).json["status"]
    assert off["since"] > before["since"]
    assert off["last_poll_at"] >= before["last_poll_at"]
    again = (await switch(ann, made, False)).json["status"]
    renamed = (await ann.patch(f"{BOTS}{made['id']}/", {"title": "renamed"})).json["status"]
    assert again == renamed == off


async def test_the_reason_stays_to_be_seen_while_it_is_tried_again(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    telegram.inject(kind="drop", bot_id=bot.id, method="getMe", times=2)
    telegram.inject(kind="hold", bot_id=bot.id, method="getMe")  # the calls after those
    made = await ann.add_bot(bot)
    status = await ann.until_state(made, "starting")
    assert (status["reason"], status["detail"] is None) == ("telegram_unreachable", False)
    telegram.clear()
    status = await ann.until_state(made, "running")
    assert (status["reason"], status["detail"]) == (None, None)
