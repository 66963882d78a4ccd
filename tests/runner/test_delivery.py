"""No update is lost: the journal, failures, dead updates, back-pressure."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.client import BOTS, DEADLINE, QUICK, Client, until
from support.dialogs import FragileDialog
from support.writers import writer_of

from models.bots.tables import Bot
from models.engine.base import now
from models.messaging.chats import Chat
from models.messaging.marks import Flush
from models.messaging.messages import Message, MessageState
from models.messaging.resumption import resume
from models.messaging.updates import Update
from runner import group_commit
from runner.sending.crowd import CROWDED
from runner.sending.sender import Sender
from runner.settings import RunnerTuning
from runner.states import BotState
from runner.updates.chat_queues import ChatQueues
from runner.updates.incoming import IncomingUpdate
from runner.updates.intake import pack_all
from runner.updates.update_runner import UpdateRunner
from sandbox import Sandbox
from server.app import Botyard


@pytest.fixture
def dialog() -> FragileDialog:
    """Fails on what begins with "bad"."""
    return FragileDialog()


async def rows(botyard: Botyard) -> list[Any]:
    """The journal, whole."""
    return await botyard.services.db.read(lambda: list(Update.select().order_by(Update.update_id)))


async def until_unsent(botyard: Botyard, number: int) -> None:
    """Wait until so many messages are stored and not sent."""
    unsent = Message.select().where(Message.state == MessageState.SENDING)
    async with asyncio.timeout(DEADLINE):
        while await botyard.services.db.read(unsent.count) != number:
            await asyncio.sleep(0.01)


async def switch(client: Client, bot: dict[str, Any], active: bool) -> Any:
    """PATCH active."""
    return await client.patch(f"{BOTS}{bot['id']}/", {"active": active})


def texts(telegram: Sandbox, bot_id: int) -> list[str]:
    """What a bot has sent."""
    return [sent.message["text"] for sent in telegram.sent(bot_id)]


async def test_an_update_is_stored_before_it_is_confirmed(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    seen: list[int] = []
    confirm = telegram.confirmed_offset
    for n in range(20):
        update = telegram.send_message(bot.id, text=str(n))
        await until(lambda: confirm(bot.id) > update["update_id"], "the confirmation")  # noqa: B023
        seen.append(update["update_id"])
        assert [row.update_id for row in await rows(botyard)] == seen


async def test_a_handled_update_is_marked_so(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.send_message(bot.id, text="x")
    async with asyncio.timeout(DEADLINE):
        while not ((found := await rows(botyard)) and found[0].handled_at):
            pass
    assert (await ann.status_of(made))["pending"] == 0


async def test_what_was_not_sent_when_switched_off_is_sent_after_on_in_order(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    hold = telegram.inject(kind="hold", bot_id=bot.id, method="sendMessage")
    sent = [f"message {n}" for n in range(CROWDED + 10)]
    for text in sent:
        telegram.send_message(bot.id, text=text)
    await until_unsent(botyard, CROWDED)  # then the updates of the chat wait
    await until(lambda: telegram.pending(bot.id) == 0, "all of them stored")
    off = await switch(ann, made, False)
    assert off.json["status"]["pending"] == 10
    telegram.clear(hold.id)
    telegram.send_message(bot.id, text="new")
    await switch(ann, made, True)
    await telegram.wait_sent(bot.id, count=CROWDED + 11, timeout=DEADLINE)
    assert texts(telegram, bot.id) == [*sent, "new"]


async def test_a_message_sent_while_off_is_answered_after_on(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    telegram.send_message(bot.id, text="patience")
    await switch(ann, made, True)
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert texts(telegram, bot.id) == ["patience"]


async def test_a_stored_update_that_telegram_gives_again_is_not_handled_again(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.send_message(bot.id, text="once")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    await switch(ann, made, False)
    # as after a kill between the commit and the next getUpdates: Telegram has not forgotten it
    (row,) = await rows(botyard)
    redelivered = {"update_id": row.update_id, "message": telegram.sent(bot.id)[0].message}
    journal = botyard.services.runner.manager._context.journal
    flushed = await journal.store(
        await writer_of(botyard, made["id"]),
        await pack_all([redelivered]),
        offset=row.update_id + 1,
        handled=[],
    )
    assert flushed.new == frozenset()
    assert (await rows(botyard))[0].payload == row.payload


async def test_the_offset_is_kept_with_the_bot(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    update = telegram.send_message(bot.id, text="x")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    await switch(ann, made, False)
    before = len(telegram.calls(bot.id, method="getUpdates"))
    await switch(ann, made, True)
    await until(
        lambda: [
            call
            for call in telegram.calls(bot.id, method="getUpdates")[before:]
            if int(call.params.get("offset", 0)) == update["update_id"] + 1
        ],
        "a poll from the stored offset",
    )


async def test_an_offset_older_than_a_week_is_not_used(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.send_message(bot.id, text="x")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    await switch(ann, made, False)
    long_ago = now() - timedelta(days=8)
    db = botyard.services.db
    await db.write(lambda: Bot.update(last_update_at=long_ago).execute())
    found = await db.read(resume, [made["id"]], forget_after=timedelta(days=6))
    assert found[made["id"]].offset == 0


class TestFailures:
    """Handlers that fail."""

    async def test_three_failures_make_a_dead_update_and_the_chat_goes_on(
        self, ann: Client, telegram: Sandbox, dialog: FragileDialog
    ) -> None:
        dialog.error = "chat is odd"
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        bad = telegram.send_message(bot.id, text="bad")
        telegram.send_message(bot.id, text="good")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert texts(telegram, bot.id) == ["good"]
        (dead,) = (await ann.get(f"{BOTS}{made['id']}/dead_updates/")).json
        assert dead["update_id"] == bad["update_id"]
        assert dead["attempts"] == 3
        assert "chat is odd" in dead["error"].lower()
        assert dead["update"] == bad
        assert (await ann.status_of(made))["dead"] == 1

    async def test_a_dead_update_can_be_replayed(
        self, ann: Client, telegram: Sandbox, dialog: FragileDialog
    ) -> None:
        bot, made, dead = await make_dead(ann, telegram)
        dialog.broken = 0
        path = f"{BOTS}{made['id']}/dead_updates/{dead['update_id']}"
        assert (await ann.post(f"{path}/replay/")).status == 202
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert texts(telegram, bot.id) == ["bad"]
        assert (await ann.post(f"{path}/replay/")).status == 404
        assert (await ann.status_of(made))["dead"] == 0

    async def test_a_replay_while_off_waits_for_on(
        self, ann: Client, telegram: Sandbox, dialog: FragileDialog
    ) -> None:
        bot, made, dead = await make_dead(ann, telegram)
        dialog.broken = 0
        await switch(ann, made, False)
        path = f"{BOTS}{made['id']}/dead_updates/{dead['update_id']}"
        assert (await ann.post(f"{path}/replay/")).status == 202
        assert (await ann.status_of(made))["pending"] == 1
        await switch(ann, made, True)
        await telegram.wait_sent(bot.id, timeout=DEADLINE)

    async def test_a_dead_update_can_be_deleted(self, ann: Client, telegram: Sandbox) -> None:
        _, made, dead = await make_dead(ann, telegram)
        path = f"{BOTS}{made['id']}/dead_updates/"
        assert (await ann.delete(f"{path}{dead['update_id']}/")).status == 204
        assert (await ann.get(path)).json == []
        assert (await ann.delete(f"{path}{dead['update_id']}/")).status == 404

    async def test_dead_updates_are_their_owners_alone(
        self, ann: Client, bob: Client, telegram: Sandbox
    ) -> None:
        _, made, dead = await make_dead(ann, telegram)
        path = f"{BOTS}{made['id']}/dead_updates/"
        assert (await bob.get(path)).status == 404
        assert (await bob.delete(f"{path}{dead['update_id']}/")).status == 404
        assert (await bob.post(f"{path}{dead['update_id']}/replay/")).status == 404
        assert len((await ann.get(path)).json) == 1

    async def test_the_error_of_a_dead_update_holds_no_token(
        self, ann: Client, telegram: Sandbox, dialog: FragileDialog
    ) -> None:
        bot = telegram.add_bot()
        dialog.error = f"at https://api.telegram.org/bot{bot.token}/sendMessage"
        made = await ann.add_bot(bot)
        telegram.send_message(bot.id, text="bad")
        path = f"{BOTS}{made['id']}/dead_updates/"
        async with asyncio.timeout(DEADLINE):
            while not (listed := (await ann.get(path)).json):
                pass
        assert bot.token not in str(listed)

    async def test_trouble_at_telegram_is_not_counted_against_an_update(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.inject(kind="status", status=500, bot_id=bot.id, method="sendMessage", times=3)
        telegram.inject(kind="drop", bot_id=bot.id, method="sendMessage", times=1)
        telegram.send_message(bot.id, text="patience")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert texts(telegram, bot.id) == ["patience"]
        status = await ann.status_of(made)
        assert (status["state"], status["dead"]) == ("running", 0)

    async def test_a_429_on_a_send_is_waited_out(self, ann: Client, telegram: Sandbox) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.inject(kind="status", status=429, retry_after=1, bot_id=bot.id,
                        method="sendMessage", times=4)  # fmt: skip
        telegram.send_message(bot.id, text="flood")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert (await ann.status_of(made))["dead"] == 0

    async def test_a_chat_that_blocked_the_bot_is_marked_and_not_tried_again(
        self, ann: Client, telegram: Sandbox, botyard: Botyard
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.inject(kind="status", status=403, bot_id=bot.id, method="sendMessage", times=1,
                        description="Forbidden: bot was blocked by the user")  # fmt: skip
        telegram.send_message(bot.id, text="goodbye", chat_id=7)

        def blocked() -> list[int]:
            return [row.chat_id for row in Chat.select().where(Chat.blocked_at.is_null(False))]

        db = botyard.services.db
        async with asyncio.timeout(DEADLINE):
            while await db.read(blocked) != [7]:
                pass
        telegram.send_message(bot.id, text="hello again", chat_id=7)
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert len(telegram.calls(bot.id, method="sendMessage")) == 2
        async with asyncio.timeout(DEADLINE):
            while await db.read(blocked):
                pass
        assert (await ann.status_of(made))["dead"] == 0

    async def test_a_malformed_update_dies_alone(
        self, ann: Client, telegram: Sandbox, botyard: Botyard
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        await telegram_message(telegram, bot.id, "before")
        run = botyard.services.runner.manager._bots[made["id"]]._bot_run
        assert run is not None
        odd = {"update_id": 5, "message": {"message_id": 1, "chat": {"id": "x"}}}
        await run.processor.accept([odd], offset=run.poller.offset)
        await telegram_message(telegram, bot.id, "after")
        async with asyncio.timeout(DEADLINE):
            while (await ann.status_of(made))["dead"] != 1:
                pass


async def telegram_message(telegram: Sandbox, bot_id: int, text: str) -> None:
    """Send a message and wait for its answer."""
    count = len(telegram.sent(bot_id))
    telegram.send_message(bot_id, text=text)
    await telegram.wait_sent(bot_id, count=count + 1, timeout=DEADLINE)


async def make_dead(ann: Client, telegram: Sandbox) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """A bot with a dead update: the text "bad"."""
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.send_message(bot.id, text="bad")
    async with asyncio.timeout(DEADLINE):
        while not (listed := (await ann.get(f"{BOTS}{made['id']}/dead_updates/")).json):
            pass
    return bot, made, listed[0]


class TestTokens:
    """What a new token means for the journal."""

    async def test_a_token_of_the_same_bot_keeps_everything(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        bot, made, _ = await make_dead(ann, telegram)
        token = telegram.new_token(bot.id)
        answer = await ann.patch(f"{BOTS}{made['id']}/", {"token": token})
        assert answer.json["status"]["dead"] == 1

    async def test_a_token_of_another_bot_starts_anew(
        self, ann: Client, telegram: Sandbox, botyard: Botyard
    ) -> None:
        _, made, _ = await make_dead(ann, telegram)
        other = telegram.add_bot()
        answer = await ann.patch(f"{BOTS}{made['id']}/", {"token": other.token})
        assert answer.json["status"]["dead"] == 0
        assert await rows(botyard) == []
        await telegram_message(telegram, other.id, "new here")


class TestBackPressure:
    """More updates than are taken into memory."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return replace(QUICK, max_pending=20, call_timeout=30.0)

    async def test_the_poller_waits_and_goes_on(
        self, ann: Client, telegram: Sandbox, botyard: Botyard
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.inject(kind="hold", bot_id=bot.id, method="sendMessage")
        for n in range(120):
            telegram.send_message(bot.id, text=str(n), chat_id=1 + n % 2)
        await until_unsent(botyard, 2 * CROWDED)
        await until(lambda: not telegram.polling(bot.id) and telegram.pending(bot.id) < 120)
        telegram.inject(kind="hold", bot_id=bot.id, method="getUpdates", times=1)
        taken = (await ann.status_of(made))["pending"]
        for n in range(50):
            telegram.send_message(bot.id, text=f"late {n}", chat_id=1 + n % 2)
        assert telegram.pending(bot.id) >= 50, "nobody asks while so many wait"
        assert (await ann.status_of(made))["pending"] == taken
        telegram.clear()
        await telegram.wait_sent(bot.id, count=170, timeout=DEADLINE)

    async def test_a_long_backlog_is_replayed_whole_and_in_order(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        hold = telegram.inject(kind="hold", bot_id=bot.id, method="sendMessage")
        for n in range(90):
            telegram.send_message(bot.id, text=str(n))
        await until(lambda: telegram.pending(bot.id) == 0)
        await switch(ann, made, False)
        telegram.clear(hold.id)
        await switch(ann, made, True)
        await telegram.wait_sent(bot.id, count=90, timeout=DEADLINE)
        assert texts(telegram, bot.id) == [str(n) for n in range(90)]


class TestPruning:
    """Old handled updates go, everything else stays."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return replace(QUICK, prune_interval=0.05, prune_step=10)

    async def test_the_keys_of_handled_updates_go_after_a_day(
        self, ann: Client, telegram: Sandbox, botyard: Botyard
    ) -> None:
        _, made, dead = await make_dead(ann, telegram)
        old, young = now() - timedelta(hours=26), now() - timedelta(hours=24)

        def fill() -> None:
            common = {"bot": made["id"], "payload": b"{}", "received_at": old}
            for n in range(35):
                Update.create(update_id=n + 1, handled_at=old, **common)
            Update.create(update_id=100, handled_at=young, **common)

        await botyard.services.db.write(fill)
        async with asyncio.timeout(DEADLINE):
            while len(found := await rows(botyard)) > 2:
                pass
        assert {row.update_id for row in found} == {100, dead["update_id"]}

    async def test_dead_updates_go_after_thirty_days(
        self, ann: Client, telegram: Sandbox, botyard: Botyard
    ) -> None:
        made = await ann.add_bot(telegram.add_bot(), active=False)
        old, young = now() - timedelta(days=31), now() - timedelta(days=29)

        def fill() -> None:
            common = {"bot": made["id"], "payload": b"{}", "received_at": old}
            for n in range(35):
                Update.create(update_id=n + 1, dead_at=old, **common)
            Update.create(update_id=100, dead_at=young, **common)
            Update.create(update_id=101, **common)

        await botyard.services.db.write(fill)
        async with asyncio.timeout(DEADLINE):
            while len(found := await rows(botyard)) > 2:
                pass
        assert {row.update_id for row in found} == {100, 101}


class TestSupervision:
    """A task that ends unexpectedly is started again, and the status says so."""

    @pytest.mark.parametrize(
        ("owner", "name"), [(UpdateRunner, "run_until_done"), (Sender, "deliver")]
    )
    async def test_a_queue_that_crashes_begins_the_run_anew(
        self,
        owner: type,
        name: str,
        ann: Client,
        telegram: Sandbox,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        nothing_is_early: None,
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        work = getattr(owner, name)
        crashes = iter([RuntimeError("a bug of ours")])

        async def crashing(self: Any, what: Any) -> Any:
            if (crash := next(crashes, None)) is not None:
                raise crash
            return await work(self, what)

        monkeypatch.setattr(owner, name, crashing)
        telegram.send_message(bot.id, text="survivor")
        await until(lambda: texts(telegram, bot.id) == ["survivor"], "the answer")
        assert "incident" in caplog.text
        assert "a bug of ours" in caplog.text
        await ann.until_state(made, "running")

    async def test_a_poller_that_dies_is_replaced(
        self, ann: Client, telegram: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        name = f"bot {made['id']}"
        (poller,) = [task for task in asyncio.all_tasks() if task.get_name() == name]
        poller.cancel()
        await asyncio.wait({poller})
        # in the log, because the state itself lasts only until the next attempt
        told = f"{name} retrying: internal_error: "
        await until(lambda: told in caplog.text, "the state")
        assert "incident" in caplog.text.partition(told)[2].partition("\n")[0]
        await ann.until_state(made, "running")
        await telegram_message(telegram, bot.id, "back")


async def test_a_queue_that_begins_as_the_last_one_of_its_chat_ends_is_no_crash() -> None:
    handled: list[int] = []

    async def handle(update: IncomingUpdate) -> None:
        handled.append(update.update_id)

    queues = ChatQueues(handle, name="test", settings=QUICK)
    one, two = (
        IncomingUpdate.from_raw({"update_id": n, "message": {"chat": {"id": 1}}}) for n in (1, 2)
    )
    crashes: list[BaseException | None] = []
    queues.open(crashes.append)
    queues.put([one])
    # after the queue's only step, and before anybody is told that it has ended
    asyncio.get_running_loop().call_soon(queues.put, [two])
    await until(lambda: handled == [1, 2])
    await queues.close()
    assert crashes == []


async def test_a_queue_that_crashes_says_so_once_and_takes_no_more() -> None:
    async def handle(update: IncomingUpdate) -> None:
        raise LookupError(update.update_id)

    queues = ChatQueues(handle, name="test", settings=QUICK)
    crashes: list[BaseException | None] = []
    queues.open(crashes.append)
    queues.put([IncomingUpdate.from_raw({"update_id": 1})])
    await until(lambda: crashes, "the crash")
    queues.put([IncomingUpdate.from_raw({"update_id": 2})])  # the journal has it
    await queues.close()
    assert [type(crash) for crash in crashes] == [LookupError]


async def test_a_token_of_another_bot_takes_nothing_of_the_old_ones_messages_along(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    old, new = telegram.add_bot(), telegram.add_bot()
    made = await ann.add_bot(old)
    for n in range(60):
        telegram.send_message(old.id, text=f"old {n}", chat_id=1 + n)
    for n in range(20):
        telegram.send_message(new.id, text=f"new {n}", chat_id=1 + n)
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"token": new.token})
    assert answer.json["status"]["state"] == "running"
    await telegram.wait_sent(new.id, count=20, timeout=DEADLINE)
    assert {text.partition(" ")[0] for text in texts(telegram, new.id)} == {"new"}
    assert (await ann.status_of(made))["dead"] == 0


async def test_a_batch_that_is_being_stored_when_a_bot_is_switched_off_is_not_lost(
    ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    flush, storing, go_on = group_commit.flush, threading.Event(), threading.Event()

    def slow_flush(waiting: Flush) -> Any:
        storing.set()
        go_on.wait(DEADLINE)  # a slow disk, in the database's thread
        return flush(waiting)

    monkeypatch.setattr(group_commit, "flush", slow_flush)
    telegram.send_message(bot.id, text="in between")
    await until(storing.is_set, "the batch on its way")
    manager = botyard.services.runner.manager
    managed = manager._bots[made["id"]]

    async def stop() -> None:  # without the write of a PATCH, which would wait for the disk first
        async with manager.lock(made["id"]):
            await manager.stop(made["id"])

    stopping = asyncio.create_task(stop(), name="off")
    await until(lambda: managed.status.state is BotState.STOPPING, "the end's begin")
    go_on.set()
    await stopping
    await switch(ann, made, False)
    await switch(ann, made, True)
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert texts(telegram, bot.id) == ["in between"]


async def test_a_failed_bot_that_is_switched_off_sends_nothing_more(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.inject(kind="status", status=500, bot_id=bot.id, method="sendMessage", times=1)
    telegram.send_message(bot.id, text="late")
    await until(lambda: telegram.calls(bot.id, method="sendMessage"))
    telegram.inject(kind="status", status=401, bot_id=bot.id, method="getUpdates")
    telegram.drop_polls(bot.id)
    await ann.until_state(made, "failed")
    assert (await switch(ann, made, False)).json["status"]["state"] == "stopped"
    assert not [task for task in asyncio.all_tasks() if " chat " in task.get_name()]


class TestOutage:
    """Telegram is away for longer than an update's own failures would last."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return replace(QUICK, transient_failures=2, backoff_max=0.05)

    async def test_no_update_dies_of_it(self, ann: Client, telegram: Sandbox) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.inject(kind="status", status=500, bot_id=bot.id, method="getUpdates")
        telegram.inject(kind="status", status=500, bot_id=bot.id, method="getMe")
        telegram.drop_polls(bot.id)
        await ann.until_state(made, "retrying")
        telegram.clear()
        telegram.send_message(bot.id, text="patience")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        telegram.inject(kind="hold", bot_id=bot.id, method="sendMessage", times=1)
        telegram.send_message(bot.id, text="in the outage")
        await until(lambda: len(telegram.calls(bot.id, method="sendMessage")) == 2)
        telegram.inject(kind="status", status=500, bot_id=bot.id)
        telegram.drop_polls(bot.id)
        await ann.until_state(made, "retrying")
        telegram.clear(telegram.faults[0].id)
        before = len(telegram.calls(bot.id))
        await until(lambda: len(telegram.calls(bot.id)) > before + 20, "many tries")
        telegram.clear()
        await until(lambda: "in the outage" in texts(telegram, bot.id), "the answer")
        assert (await ann.status_of(made))["dead"] == 0
