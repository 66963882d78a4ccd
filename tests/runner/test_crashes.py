"""A crash, or a handler that does not end, takes nothing along but its own run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, QUICK, Client, register, until
from telegram.ext import Application

from models.bots.tables import Bot
from runner.bot import ManagedBot
from runner.settings import RunnerTuning
from runner.states import BotState
from runner.telegram.application import Turn
from runner.updates.incoming import IncomingUpdate
from runner.updates.update_runner import UpdateRunner
from sandbox import Sandbox
from server.app import Botyard, open_botyard
from server.config import Config

DEAF_CHAT, OTHER_CHAT = 7, 8


class DeafHandler:
    """Handles updates of DEAF_CHAT, but not before it is released, even if it is cancelled.

    Attributes:
        running: how many updates it is at.
        release: set to let it go on.
    """

    def __init__(self) -> None:
        self.running = 0
        self.release = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the release."""
        self.running += 1
        try:
            while not self.release.is_set():
                try:
                    await self.release.wait()
                except asyncio.CancelledError:
                    continue
        finally:
            self.running -= 1


@pytest.fixture
def deaf(botyard: Botyard, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeafHandler]:
    """A handler that ignores being cancelled."""
    handler = DeafHandler()
    process_update = Application.process_update

    async def process(application: Any, turn: Turn) -> None:
        if turn.update.chat_id == DEAF_CHAT:
            await handler.wait()
        await process_update(application, turn)

    monkeypatch.setattr(Application, "process_update", process)
    yield handler
    handler.release.set()


def texts(telegram: Sandbox, bot_id: int) -> list[str]:
    """The texts that a bot has sent."""
    return [sent.message["text"] for sent in telegram.sent(bot_id)]


def managed_bot(botyard: Botyard, made: dict[str, Any]) -> ManagedBot:
    """A bot as it runs."""
    managed = botyard.services.runner.manager.find(made["id"])
    assert managed is not None
    return managed


class TestDeafHandler:
    """A handler that ignores being cancelled is left behind when its time is over."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return replace(QUICK, send_grace=0.05, cut_wait=0.05)

    async def test_a_crash_beside_it_does_not_keep_the_bot_from_going_on(
        self,
        ann: Client,
        telegram: Sandbox,
        deaf: DeafHandler,
        monkeypatch: pytest.MonkeyPatch,
        nothing_is_early: None,
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.send_message(bot.id, text="deaf", chat_id=DEAF_CHAT)
        await until(lambda: deaf.running, "the deaf handler's begin")
        run_until_done = UpdateRunner.run_until_done
        crashes = iter([RuntimeError("a bug of ours")])

        async def crashing(self: UpdateRunner, update: IncomingUpdate) -> bool:
            if (crash := next(crashes, None)) is not None:
                raise crash
            return await run_until_done(self, update)

        monkeypatch.setattr(UpdateRunner, "run_until_done", crashing)
        telegram.send_message(bot.id, text="other", chat_id=OTHER_CHAT)
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert next(crashes, None) is None
        await until(lambda: deaf.running == 2, "the new run's try; the old one is still at it")
        await ann.until_state(made, "running")
        deaf.release.set()
        await telegram.wait_sent(bot.id, count=2, timeout=DEADLINE)
        await until(lambda: not deaf.running, "the ends of both")
        telegram.send_message(bot.id, text="last", chat_id=DEAF_CHAT)
        await telegram.wait_sent(bot.id, count=3, timeout=DEADLINE)
        assert texts(telegram, bot.id) == ["other", "deaf", "last"], "the old run sends nothing"

    async def test_a_stop_ends_while_it_still_runs_and_nothing_is_sent_afterwards(
        self, ann: Client, telegram: Sandbox, botyard: Botyard, deaf: DeafHandler
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.send_message(bot.id, text="deaf", chat_id=DEAF_CHAT)
        await until(lambda: deaf.running, "the deaf handler's begin")
        async with asyncio.timeout(DEADLINE):
            off = await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
        assert off.json["status"]["state"] == "stopped"
        assert deaf.running == 1
        assert botyard.services.runner.manager.find(made["id"]) is None
        (left,) = [task for task in asyncio.all_tasks() if " chat " in task.get_name()]
        deaf.release.set()
        await asyncio.wait({left})
        assert telegram.calls(bot.id, method="sendMessage") == []

    async def test_its_end_leaves_the_run_known_that_was_begun_meanwhile(
        self, ann: Client, telegram: Sandbox, botyard: Botyard, deaf: DeafHandler
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        name = f"bot {made['id']}"
        (old,) = [task for task in asyncio.all_tasks() if task.get_name() == name]
        telegram.send_message(bot.id, text="deaf", chat_id=DEAF_CHAT)
        await until(lambda: deaf.running, "the deaf handler's begin")
        refusal = telegram.inject(kind="status", status=401, bot_id=bot.id, method="getUpdates")
        telegram.drop_polls(bot.id)
        await ann.until_state(made, "failed")
        managed = managed_bot(botyard, made)
        telegram.clear(refusal.id)
        on = await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
        assert on.json["status"]["state"] == "running"
        assert managed_bot(botyard, made) is managed
        assert deaf.running, "the old run's handler is still at it"
        deaf.release.set()
        await asyncio.wait({old})
        polled = managed.status.last_poll_at
        telegram.drop_polls(bot.id)
        await until(lambda: managed.status.last_poll_at != polled, "a poll that is shown")


class TestBackoff:
    """A run that crashes is begun anew with growing pauses."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        # Pauses that no run lasts as long as, even on a busy machine: it would begin the count.
        return replace(QUICK, backoff_min=0.3, backoff_max=10.0)

    async def test_crashes_one_after_another_are_counted(
        self,
        ann: Client,
        telegram: Sandbox,
        botyard: Botyard,
        monkeypatch: pytest.MonkeyPatch,
        nothing_is_early: None,
    ) -> None:
        async def crashing(self: UpdateRunner, update: IncomingUpdate) -> bool:
            raise RuntimeError("a bug of ours")

        monkeypatch.setattr(UpdateRunner, "run_until_done", crashing)
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        managed = managed_bot(botyard, made)
        telegram.send_message(bot.id, text="poison")
        await until(lambda: managed.status.attempts >= 3, "the third attempt")
        assert managed.status.reason == "internal_error"
        off = await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
        assert off.json["status"]["state"] == "stopped"


async def test_a_handler_that_raises_cancelled_error_fails_its_update_alone(
    ann: Client,
    telegram: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    process_update = Application.process_update

    async def process(application: Any, turn: Turn) -> None:
        if turn.update.text == "poison":
            raise asyncio.CancelledError
        await process_update(application, turn)

    monkeypatch.setattr(Application, "process_update", process)
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    bad = telegram.send_message(bot.id, text="poison")
    telegram.send_message(bot.id, text="good")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    (dead,) = (await ann.get(f"{BOTS}{made['id']}/dead_updates/")).json
    assert (dead["update_id"], dead["attempts"]) == (bad["update_id"], 3)
    assert "CancelledError" in dead["error"]
    assert texts(telegram, bot.id) == ["good"]
    assert "retrying" not in caplog.text, "the run itself goes on"


async def test_a_stored_token_that_does_not_open_keeps_no_other_bot_from_starting(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    first = await open_botyard(config, runner=QUICK)
    ann = await register(Client(http, first.url), "ann")
    broken, sound = [await ann.add_bot(telegram.add_bot()) for _ in range(2)]
    spoil = Bot.update(token_encrypted="x" * 20).where(Bot.id == broken["id"])
    await first.services.db.write(spoil.execute)
    await first.close()
    second = await open_botyard(config, runner=QUICK)
    try:
        runner = second.services.runner
        await until(lambda: runner.reconciler.boot.ready, "ready")
        assert managed_bot(second, sound).status.state is BotState.RUNNING
        assert runner.manager.find(broken["id"]) is None
    finally:
        await second.close()
