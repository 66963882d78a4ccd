"""The effects of an update are stored together with its mark, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import peewee
import pytest
from support.client import BOTS, DEADLINE, Client

from models.bots.records import Writer
from models.bots.tables import Bot
from models.errors import NotOwner
from models.messaging import chats
from models.messaging.chats import Chat
from models.messaging.effects import Effects
from models.messaging.updates import Update
from runner.updates.incoming import IncomingUpdate
from runner.updates.intake import pack_all
from runner.updates.journal import Journal
from sandbox import Sandbox
from server.app import Botyard

MESSAGE = {"message_id": 1, "date": 1_700_000_000, "chat": {"id": 7}, "text": "x"}
NO_BOT = Writer(999_999, 1)
TOO_LARGE = 2**80  # for a column of either database


@pytest.fixture
async def writer(ann: Client, telegram: Sandbox) -> Writer:
    """A bot that is off."""
    made = await ann.add_bot(telegram.add_bot(), active=False)
    return Writer(made["id"], 1)


@pytest.fixture
def journal(botyard: Botyard) -> Journal:
    return botyard.services.runner.journal


async def store(
    journal: Journal, writer: Writer, batch: list[dict[str, Any]], *, offset: int
) -> list[int]:
    """Store a batch; the ids of those that were not stored before."""
    packed = await pack_all(batch)
    flushed = await journal.store(writer, packed, offset=offset, handled=[])
    return sorted(number for bot_id, number in flushed.new if bot_id == writer.bot_id)


def raw(*numbers: int) -> list[dict[str, Any]]:
    """Updates as Telegram gives them."""
    return [{"update_id": number, "message": MESSAGE} for number in numbers]


async def handled(botyard: Botyard) -> set[int]:
    """The ids of updates that are marked as handled."""
    query = Update.select(Update.update_id).where(Update.handled_at.is_null(False))
    return await botyard.services.db.read(lambda: {number for (number,) in query.tuples()})


async def blocked(botyard: Botyard) -> set[int]:
    """The chats that are stored as refusing messages."""
    return await botyard.services.db.read(
        lambda: {row.chat_id for row in Chat.select().where(Chat.blocked_at.is_null(False))}
    )


def mark(journal: Journal, writer: Writer, number: int, chat_id: int, refuses: bool | None) -> Any:
    """Have an update marked as handled; the future of that."""
    update = IncomingUpdate.from_raw({"update_id": number})
    update.chat_id = chat_id
    return journal.handled(writer, update, Effects(blocked=refuses))


async def test_rows_that_are_refused_take_their_own_mark_along_and_no_other(
    botyard: Botyard, journal: Journal, writer: Writer
) -> None:
    await store(journal, writer, raw(1, 2, 3), offset=4)
    marks = [
        mark(journal, writer, 1, TOO_LARGE, True),
        mark(journal, writer, 2, 70, True),
        mark(journal, writer, 3, 71, None),
    ]
    journal.flush_now()
    outcomes = await asyncio.gather(*marks, return_exceptions=True)
    assert isinstance(outcomes[0], Exception)
    assert outcomes[1:] == [[], []]
    assert await handled(botyard) == {2, 3}
    assert await blocked(botyard) == {70}


async def test_the_last_word_on_a_chat_counts(
    botyard: Botyard, journal: Journal, writer: Writer
) -> None:
    await store(journal, writer, raw(1, 2, 3, 4), offset=5)
    marks = [
        mark(journal, writer, number, chat_id, refuses)
        for number, chat_id, refuses in [
            (1, 70, True),
            (2, 70, False),
            (3, 71, False),
            (4, 71, True),
        ]
    ]
    journal.flush_now()
    await asyncio.gather(*marks)
    assert await blocked(botyard) == {71}
    again = mark(journal, writer, 4, 71, False)
    journal.flush_now()
    await again
    assert await blocked(botyard) == set()


async def test_what_a_bot_received_with_an_older_token_is_not_stored(
    botyard: Botyard, journal: Journal, writer: Writer
) -> None:
    await store(journal, writer, raw(1), offset=2)
    await botyard.services.db.write(Bot.update(token_generation=2).execute)
    with pytest.raises(NotOwner):
        await store(journal, writer, raw(2), offset=3)
    mark_of_old = mark(journal, writer, 1, 70, True)
    journal.flush_now()
    await mark_of_old
    assert await blocked(botyard) == set(), "the chat is one of another bot"
    assert await botyard.services.db.read(lambda: Update.select().count()) == 1


async def test_a_batch_of_a_bot_that_is_gone_fails_alone_and_stores_nothing(
    botyard: Botyard, journal: Journal, writer: Writer
) -> None:
    gone, stored = await asyncio.gather(
        store(journal, NO_BOT, raw(1), offset=2),
        store(journal, writer, raw(1, 2), offset=3),
        return_exceptions=True,
    )
    assert isinstance(gone, NotOwner)
    assert not isinstance(stored, BaseException)
    assert stored == [1, 2]
    rows = await botyard.services.db.read(
        lambda: {(row.bot_id, row.update_id) for row in Update.select()}
    )
    assert rows == {(writer.bot_id, 1), (writer.bot_id, 2)}


async def test_of_a_batch_only_what_was_not_stored_before_is_new(
    journal: Journal, writer: Writer
) -> None:
    await store(journal, writer, raw(2, 4), offset=5)
    new = await store(journal, writer, raw(1, 2, 3, 4, 5), offset=6)
    assert new == [1, 3, 5]


async def test_effects_that_are_refused_are_a_failure_of_their_update_alone(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    store_blocked = chats.store_blocked

    def refusing(changes: dict[Any, bool], moment: Any) -> None:
        store_blocked(changes, moment)  # what the failure is to take back
        if any(chat_id == 7 for _, chat_id in changes):
            raise peewee.DataError("of no use to the database")

    monkeypatch.setattr(chats, "store_blocked", refusing)
    for chat in (7, 8):
        telegram.send_message(bot.id, text="hello", chat_id=chat)
    await telegram.wait_sent(bot.id, count=2, timeout=DEADLINE)
    bad = telegram.block(bot.id, chat_id=7)
    path = f"{BOTS}{made['id']}/dead_updates/"
    async with asyncio.timeout(DEADLINE):
        while not (listed := (await ann.get(path)).json):
            await asyncio.sleep(0.01)
    assert [dead["update_id"] for dead in listed] == [bad["update_id"]]
    assert "of no use to the database" in listed[0]["error"]
    assert bad["update_id"] not in await handled(botyard)
    assert await blocked(botyard) == set()
    other = telegram.block(bot.id, chat_id=8)
    async with asyncio.timeout(DEADLINE):
        while await blocked(botyard) != {8}:
            await asyncio.sleep(0.01)
    assert other["update_id"] in await handled(botyard)
    telegram.unblock(bot.id, chat_id=7)
    telegram.send_message(bot.id, text="the chat goes on", chat_id=7)
    await telegram.wait_sent(bot.id, count=3, timeout=DEADLINE)
    assert telegram.sent(bot.id)[-1].message["text"] == "the chat goes on"
