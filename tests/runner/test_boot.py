"""What happens while many bots start at once, and what is left of one that ended."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import peewee
import pytest
from support.client import BOTS, DEADLINE, QUICK, Client, register, until
from support.dialogs import FragileDialog

import models.bots.bots
from models.messaging.messages import StoredMessage
from runner.start_limiter import StartLimiter
from runner.states import BotState
from runner.updates.incoming import IncomingUpdate
from sandbox import Sandbox
from server import gc_tuning
from server.app import Botyard, open_botyard
from server.config import Config

ONE_BY_ONE = replace(QUICK, boot_parallel=1, starts_a_turn=1, call_timeout=30.0)


@pytest.fixture
async def owner(config: Config, http: aiohttp.ClientSession, telegram: Sandbox) -> Client:
    """A user with four active bots, of a server that has ended."""
    botyard = await open_botyard(config, runner=QUICK)
    client = await register(Client(http, botyard.url), "ann")
    for _ in range(4):
        await client.add_bot(telegram.add_bot())
    await botyard.close()
    return client


@pytest.fixture
async def again(
    config: Config, owner: Client, telegram: Sandbox
) -> AsyncIterator[tuple[Botyard, Client]]:
    """The server again, its bots queued behind the first, which Telegram does not answer."""
    first = next(iter(telegram.bots)).id
    telegram.inject(kind="hold", bot_id=first, method="getMe")
    botyard = await open_botyard(config, runner=ONE_BY_ONE)
    owner.url = botyard.url
    yield botyard, owner
    telegram.clear()
    await botyard.close()


async def test_ready_means_that_every_bot_was_tried(
    config: Config, owner: Client, telegram: Sandbox
) -> None:
    botyard = await open_botyard(config, runner=ONE_BY_ONE)
    runner = botyard.services.runner
    async with asyncio.timeout(DEADLINE):
        while not runner.reconciler.boot.ready:
            states = runner.states()
            assert states.total() in (0, 4), "those that wait for their turn are starting, too"
            assert states[BotState.RUNNING] < 4
            await asyncio.sleep(0)
    assert runner.states() == {BotState.RUNNING: 4}
    await botyard.close()


async def test_a_database_that_fails_during_the_boot_is_waited_for(
    config: Config, owner: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([peewee.OperationalError("gone"), peewee.OperationalError("still gone")])
    get = models.bots.bots.get_several

    def failing(*args: Any) -> Any:
        if (failure := next(failures, None)) is not None:
            raise failure
        return get(*args)

    monkeypatch.setattr(models.bots.bots, "get_several", failing)
    botyard = await open_botyard(config, runner=ONE_BY_ONE)
    runner = botyard.services.runner
    await until(lambda: runner.reconciler.boot.ready, "ready")
    assert next(failures, None) is None
    assert runner.states() == {BotState.RUNNING: 4}
    await botyard.close()


async def test_an_owner_does_not_wait_for_the_boot(again: tuple[Botyard, Client]) -> None:
    botyard, owner = again
    runner = botyard.services.runner
    await until(lambda: runner.states()[BotState.STARTING] == 4, "all are queued")
    bots = (await owner.get(BOTS)).json
    on = await owner.patch(f"{BOTS}{bots[3]['id']}/", {"active": True})
    assert (on.status, on.json["status"]["state"]) == (200, "running")
    assert runner.states() == {BotState.STARTING: 3, BotState.RUNNING: 1}
    off = await owner.patch(f"{BOTS}{bots[1]['id']}/", {"active": False})
    assert (off.status, off.json["status"]["state"]) == (200, "stopped")


async def test_slots_are_handed_on_in_order_also_by_those_that_are_cancelled() -> None:
    slots = StartLimiter(1)
    held: list[int] = []
    let_go = asyncio.Event()

    async def use(bot_id: int) -> None:
        async with slots.acquire(bot_id):
            held.append(bot_id)
            await let_go.wait()

    tasks = [asyncio.create_task(use(bot_id), name=f"bot {bot_id}") for bot_id in range(5)]
    await until(lambda: held == [0], "the first holds the slot")
    slots.promote(3)
    await until(lambda: held == [0, 3], "the one in a hurry passes")
    tasks[3].cancel()  # it held no slot, so that none is handed on
    tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.wait({tasks[0], tasks[1], tasks[3]})
    await until(lambda: held == [0, 3, 2], "the next in order")
    tasks[2].cancel()
    await until(lambda: held == [0, 3, 2, 4], "the last")
    let_go.set()
    await asyncio.wait(tasks)
    async with asyncio.timeout(DEADLINE), slots.acquire(9):
        pass


class TestFailures:
    """What has failed is not left to the garbage collector."""

    @pytest.fixture
    def dialog(self) -> FragileDialog:
        return FragileDialog(broken=3)

    @pytest.mark.parametrize("kind", [IncomingUpdate, StoredMessage])
    async def test_a_failed_update_and_its_message_are_gone(
        self, kind: type, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # pytest keeps the tracebacks that are logged
        monkeypatch.setattr(logging.getLogger("botyard.runner"), "disabled", True)
        bot = telegram.add_bot()
        await ann.add_bot(bot)
        telegram.inject(kind="status", status=500, bot_id=bot.id, method="sendMessage", times=3)
        telegram.inject(kind="drop", bot_id=bot.id, method="sendMessage", times=1)
        gc.collect()
        gc.disable()
        try:
            telegram.send_message(bot.id, text="bad")
            await telegram.wait_sent(bot.id, timeout=DEADLINE)
            await until(
                lambda: not any(isinstance(thing, kind) for thing in gc.get_objects()),
                "it is gone",
            )
        finally:
            gc.enable()


async def test_the_garbage_collector_gets_to_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc_tuning, "_EVERY", 0.0)
    monkeypatch.setattr(gc_tuning, "_ALL", 50)
    before = [generation["collections"] for generation in gc.get_stats()]
    thresholds = gc.get_threshold()
    task = asyncio.create_task(gc_tuning.run(lambda: True), name="garbage")
    try:
        async with asyncio.timeout(DEADLINE):
            while gc.get_stats()[2]["collections"] < before[2] + 2:
                await asyncio.sleep(0)
        looks = [
            generation["collections"] - collected
            for generation, collected in zip(gc.get_stats(), before, strict=True)
        ]
    finally:
        task.cancel()
        gc.unfreeze()
        gc.set_threshold(*thresholds)
    assert looks[0] > 40 * looks[2]


async def test_a_bot_that_was_stopped_leaves_nothing_to_the_garbage_collector(
    botyard: Botyard, ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.send_message(bot.id, text="hello")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    managed = botyard.services.runner.manager._bots[made["id"]]
    run = managed._bot_run
    assert run is not None
    told = [managed, run.application, run.application.bot, run.processor, run.poller, run.outbox]
    left = [weakref.ref(thing) for thing in told]
    del managed, run, told
    gc.collect()
    gc.disable()
    try:
        await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
        await until(lambda: not any(ref() for ref in left), "all of it is gone")
    finally:
        gc.enable()
