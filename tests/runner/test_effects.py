"""The effects of an update are stored together with its mark, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import peewee
import pytest
from support.client import BOTS, DEADLINE, QUICK, Client
from support.talks import CAT, SQUARE, talker
from support.writers import writer_of

from models.bots.records import Writer
from models.bots.tables import Bot
from models.dialogs import conversations
from models.errors import NotOwner
from models.messaging import chats
from models.messaging.chats import Chat
from models.messaging.effects import Effects, Talk
from models.messaging.marks import Flushed
from models.messaging.messages import Message
from models.messaging.updates import Update
from runner.settings import RunnerTuning
from runner.updates.incoming import IncomingUpdate
from runner.updates.intake import pack_all
from runner.updates.journal import Journal
from sandbox import Sandbox
from server.app import Botyard

MESSAGE = {"message_id": 1, "date": 1_700_000_000, "chat": {"id": 7}, "text": "x"}
NO_BOT = Writer(999_999, 1)
TOO_LARGE = 2**80  # for a column of either database


@pytest.fixture
async def writer(botyard: Botyard, ann: Client, telegram: Sandbox) -> Writer:
    """A bot that is off."""
    made = await ann.add_bot(telegram.add_bot(), active=False)
    return await writer_of(botyard, made["id"])


@pytest.fixture
def journal(botyard: Botyard) -> Journal:
    return botyard.services.runner.journal


def raw(*numbers: int) -> list[dict[str, Any]]:
    """Updates as Telegram gives them."""
    return [{"update_id": number, "message": MESSAGE} for number in numbers]


async def store(journal: Journal, writer: Writer, *numbers: int) -> Flushed:
    """Store updates."""
    packed = await pack_all(raw(*numbers))
    return await journal.store(writer, packed, offset=numbers[-1] + 1, handled=[])


async def stored(botyard: Botyard) -> list[str]:
    """The states of the messages."""
    query = Message.select(Message.state).tuples()
    return await botyard.services.db.read(lambda: [state for (state,) in query])


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
    await store(journal, writer, 1, 2, 3)
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
    await store(journal, writer, 1, 2, 3, 4)
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
    await store(journal, writer, 1)
    await botyard.services.db.write(Bot.update(token_generation=2).execute)
    with pytest.raises(NotOwner):
        await store(journal, writer, 2)
    mark_of_old = mark(journal, writer, 1, 70, True)
    journal.flush_now()
    await mark_of_old
    assert await blocked(botyard) == set(), "the chat is one of another bot"
    assert await botyard.services.db.read(lambda: Update.select().count()) == 1


async def test_a_batch_of_a_bot_that_is_gone_fails_alone_and_stores_nothing(
    botyard: Botyard, journal: Journal, writer: Writer
) -> None:
    gone, sound = await asyncio.gather(
        store(journal, NO_BOT, 1),
        store(journal, writer, 1, 2),
        return_exceptions=True,
    )
    assert isinstance(gone, NotOwner)
    assert not isinstance(sound, BaseException)
    assert sound.new == {(writer.bot_id, 1), (writer.bot_id, 2)}
    rows = await botyard.services.db.read(
        lambda: {(row.bot_id, row.update_id) for row in Update.select()}
    )
    assert rows == {(writer.bot_id, 1), (writer.bot_id, 2)}


async def test_of_a_batch_only_what_was_not_stored_before_is_new(
    journal: Journal, writer: Writer
) -> None:
    await store(journal, writer, 2, 4)
    flushed = await store(journal, writer, 1, 2, 3, 4, 5)
    assert flushed.new == {(writer.bot_id, number) for number in (1, 3, 5)}


async def test_a_database_that_is_away_for_long_is_no_failure_of_an_update(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talker(ann, telegram, CAT)
    some, attempts = conversations.some, 0
    enough = QUICK.max_failures + QUICK.transient_failures + 1

    def away(bot_id: int, *, limit: int) -> list[Talk]:
        nonlocal attempts
        attempts += 1
        if attempts <= enough:
            raise peewee.OperationalError("the database system is starting up")
        return some(bot_id, limit=limit)

    monkeypatch.setattr(conversations, "some", away)
    monkeypatch.setattr(RunnerTuning, "backoff", lambda tuning, tries: 0.01)
    assert await talk.says("/start") == [SQUARE]
    assert attempts == enough + 1
    run: Any = botyard.services.runner.manager.run(talk.bot_id)
    assert run.context.journal.counts.failed == 0
    assert (await ann.get(f"{BOTS}{talk.bot_id}/dead_updates/")).json == []


async def test_effects_that_are_refused_are_a_failure_of_their_update_alone(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    store_seen, refused = chats.store_seen, {7}

    def refusing(seen: set[Any], moment: Any) -> None:
        store_seen(seen, moment)  # what the failure is to take back
        if any(chat_id in refused for _, chat_id in seen):
            raise peewee.DataError("of no use to the database")

    monkeypatch.setattr(chats, "store_seen", refusing)
    bad = telegram.send_message(bot.id, text="bad", chat_id=7)
    path = f"{BOTS}{made['id']}/dead_updates/"
    async with asyncio.timeout(DEADLINE):
        while not (listed := (await ann.get(path)).json):
            await asyncio.sleep(0.01)
    assert [dead["update_id"] for dead in listed] == [bad["update_id"]]
    assert "of no use to the database" in listed[0]["error"]
    assert telegram.calls(bot.id, method="sendMessage") == []
    assert (await handled(botyard), await stored(botyard)) == (set(), [])
    other = telegram.send_message(bot.id, text="another chat", chat_id=8)
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    assert await handled(botyard) == {other["update_id"]}
    refused.clear()
    telegram.send_message(bot.id, text="the chat goes on", chat_id=7)
    await telegram.wait_sent(bot.id, count=2, timeout=DEADLINE)
    texts = [sent.message["text"] for sent in telegram.sent(bot.id)]
    assert texts == ["another chat", "the chat goes on"]
