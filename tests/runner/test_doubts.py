"""What is stored without anybody knowing it, or read twice, is acted on once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from support.client import BOTS, DEADLINE, QUICK, Client, at_rest, until
from support.doubts import lose_one_answer
from support.event_stream import streaming
from support.writers import writer_of
from telegram.ext import Application

from models.bots import bots
from models.bots.tables import Bot
from models.engine.base import now
from models.errors import StorageUnavailable
from models.messaging import updates
from models.messaging.chats import Chat
from models.messaging.effects import Effects
from models.messaging.flush import flush
from models.messaging.updates import Update
from runner.settings import RunnerTuning
from runner.telegram.application import Turn
from runner.updates.incoming import IncomingUpdate
from sandbox import Sandbox
from server.app import Botyard


def texts(telegram: Sandbox, bot_id: int) -> list[str]:
    """The texts that a bot has sent."""
    return [sent.message["text"] for sent in telegram.sent(bot_id)]


# -- commits whose outcome nobody knows


async def test_a_bot_whose_switching_off_was_stored_unknown_is_stopped_soon(
    ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    lose_one_answer(botyard, monkeypatch, "write", lambda *args: bots.update in args)
    assert (await ann.patch(f"{BOTS}{made['id']}/", {"active": False})).status == 503
    await ann.until_state(made, "stopped")
    assert botyard.services.runner.manager.find(made["id"]) is None
    await until(lambda: not telegram.polling(bot.id), "the end of the poll")
    assert (await ann.get(f"{BOTS}{made['id']}/")).json["active"] is False


async def test_a_bot_that_was_stored_unknown_is_started_soon(
    ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    lose_one_answer(botyard, monkeypatch, "write", lambda *args: bots.create in args)
    assert (await ann.post(BOTS, {"token": bot.token})).status == 503
    (made,) = (await ann.get(BOTS)).json
    await ann.until_state(made, "running")
    telegram.send_message(bot.id, text="hello")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)


async def test_a_deletion_that_was_stored_unknown_is_told(
    ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    lost = lose_one_answer(botyard, monkeypatch, "write", lambda *args: bots.delete in args)
    async with streaming(ann) as stream:
        assert (await ann.delete(f"{BOTS}{made['id']}/")).status == 503
        assert lost
        await until(lambda: stream.kinds()[-1] == "deleted", "the event")
    assert stream.events[-1] == ("deleted", {"id": made["id"]})
    assert botyard.services.runner.manager.find(made["id"]) is None


@pytest.mark.parametrize("kept", ["batches", "marks"])
@pytest.mark.parametrize("way", ["early", "queued"])
async def test_what_was_stored_unknown_is_handled_and_sent_once(
    way: str,
    kept: str,
    ann: Client,
    telegram: Sandbox,
    botyard: Botyard,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if way == "queued":
        request.getfixturevalue("nothing_is_early")
    bot = telegram.add_bot()
    await ann.add_bot(bot)

    def has_any(fn: Any, *args: Any) -> bool:
        return fn is flush and bool(getattr(args[0], kept))

    lost = lose_one_answer(botyard, monkeypatch, "write_as_owner", has_any)
    telegram.send_message(bot.id, text="hello")
    await until(lambda: lost, "the loss")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    telegram.send_message(bot.id, text="last")  # after all that its chat may have
    await telegram.wait_sent(bot.id, count=2, timeout=DEADLINE)
    assert texts(telegram, bot.id) == ["hello", "last"]


async def test_what_was_stored_unknown_is_sent_before_what_came_after_it(
    ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    telegram.send_message(bot.id, text="before")
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    store = botyard.services.runner.messages
    read = store.of_updates

    async def late(*args: Any) -> Any:
        """Give what came after it the time to overtake."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while len(texts(telegram, bot.id)) < 2:
                    await asyncio.sleep(0.01)
        return await read(*args)

    monkeypatch.setattr(store, "of_updates", late)

    def send_the_next(fn: Any, *args: Any) -> bool:
        is_lost = fn is flush and bool(args[0].batches)
        if is_lost and not lost:  # so that Telegram gives both at once
            telegram.send_message(bot.id, text="second")
        return is_lost

    lost: list[str] = []
    lost = lose_one_answer(botyard, monkeypatch, "write_as_owner", send_the_next)
    telegram.send_message(bot.id, text="first")
    await telegram.wait_sent(bot.id, count=3, timeout=DEADLINE)
    assert texts(telegram, bot.id) == ["before", "first", "second"]


# -- a backlog that is read twice


class TestBacklog:
    """A backlog of more than one page, whose second page cannot be read at first."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return replace(QUICK, max_pending=5)

    async def test_of_a_backlog_that_is_read_twice_nothing_is_sent_twice(
        self, ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        process_update, go_on = Application.process_update, asyncio.Event()

        async def process(application: Any, turn: Turn) -> None:
            await go_on.wait()
            await process_update(application, turn)

        monkeypatch.setattr(Application, "process_update", process)
        for chat in range(1, 9):
            telegram.send_message(bot.id, text="first", chat_id=chat)
        await until(lambda: telegram.pending(bot.id) == 0, "the journal has all")
        await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
        read, readings = botyard.services.db.read, 0

        async def handled() -> int:
            query = Update.select().where(Update.handled_at.is_null(False))
            return int(await read(query.count))

        def is_journal_idle() -> bool:
            return all(task.get_name() != "journal" for task in asyncio.all_tasks())

        async def reading(fn: Any, *args: Any, **options: Any) -> Any:
            nonlocal readings
            if fn is not updates.waiting:
                return await read(fn, *args, **options)
            readings += 1
            if readings == 2:
                raise StorageUnavailable("the database is away")
            page = await read(fn, *args, **options)
            if readings == 3:  # slow: what it brings is handled before anybody sees it
                go_on.set()
                async with asyncio.timeout(DEADLINE):
                    while await handled() < 5:
                        pass
                await until(is_journal_idle, "the marks' last commit")
                await asyncio.sleep(0)  # a turn for those that hear of it
            return page

        monkeypatch.setattr(botyard.services.db, "read", reading)
        await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
        await telegram.wait_sent(bot.id, count=8, timeout=DEADLINE)
        assert readings >= 4
        for chat in range(1, 9):  # after all that the chat may have
            telegram.send_message(bot.id, text="last", chat_id=chat)
        await until(lambda: texts(telegram, bot.id).count("last") == 8, "the last answers")
        assert texts(telegram, bot.id).count("first") == 8


# -- a writer whose token is an old one


async def test_a_chat_that_an_old_token_unblocks_stays_blocked(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    db, journal = botyard.services.db, botyard.services.runner.journal

    def prepare() -> None:
        Bot.update(token_generation=2).execute()
        for chat in (7, 8):
            Chat.create(bot=made["id"], chat_id=chat, first_seen_at=now(), blocked_at=now())

    await db.write(prepare)
    for token_generation, chat in ((1, 7), (2, 8)):
        update = IncomingUpdate.from_raw({"update_id": chat})
        update.chat_id = chat
        writer = await writer_of(botyard, made["id"], token_generation)
        mark = journal.handled(writer, update, Effects(blocked=False))
        journal.flush_now()
        await mark
    query = Chat.select(Chat.chat_id).where(Chat.blocked_at.is_null(False)).tuples()
    assert await db.read(lambda: list(query)) == [(7,)]


async def test_a_doubt_outlives_a_reconciliation_that_fails(
    botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_rest(botyard)  # so that nothing else reconciles

    def away(_owner: int | None) -> dict[int, int]:
        raise StorageUnavailable("the database is away")

    reconciler = botyard.services.runner.reconciler
    reconciler.doubt()
    with monkeypatch.context() as patched:
        patched.setattr(bots, "wanted_generations", away)
        with pytest.raises(StorageUnavailable):
            await reconciler.reconcile_all()
    assert reconciler.in_doubt
    await reconciler.reconcile_all()
    assert not reconciler.in_doubt
