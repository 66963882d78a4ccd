"""Where talks stand, and their logs, when they are deleted or moved meanwhile."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import psycopg
import pytest
from support.client import DEADLINE, Client
from support.writers import writer_of

from models.accounts.audit import OPERATOR
from models.bots.records import Writer
from models.dialogs import conversations, steps
from models.engine.bulk import execute, select
from models.messaging.effects import Talk, TalkKey
from models.messaging.flush import flush
from models.messaging.marks import Batch, Flush, Handled
from sandbox import Sandbox
from server.app import Botyard
from server.config import Config

KEY = TalkKey(7, 7, 0)


class Rows:
    """The rows of a bot's talks, written as its run does."""

    def __init__(self, botyard: Botyard, writer: Writer, *, is_early: bool) -> None:
        self.db = botyard.services.db
        self.writer = writer
        self.is_early = is_early
        self._numbers = count(1)

    async def take_step(
        self, state: bytes, *, key: TalkKey = KEY, is_new: bool = False, **more: Any
    ) -> None:
        """Store an update with where it has led to."""
        number = next(self._numbers)
        talk = Talk(key, 1, state, b"[]", is_new=is_new)
        mark = Handled(self.writer, number, key.chat_id, talk=talk, **more)
        early = [mark] if self.is_early else []
        batch = Batch(self.writer, [(number, b"{}")], number + 1, early)
        await self.db.write(flush, Flush([batch]))
        if not early:
            await self.db.write(flush, Flush(marks=[mark]))

    async def states(self) -> dict[int, bytes]:
        """Where talks stand, by chat."""
        sql = "SELECT chat_id, state FROM conversations"
        return {chat: bytes(state) for chat, state in await self.db.read(select, sql)}

    async def logged(self) -> list[tuple[int, int]]:
        """The entries of the logs: chat and update."""
        sql = "SELECT chat_id, update_id FROM conversation_steps ORDER BY update_id"
        return list(map(tuple, await self.db.read(select, sql)))


@pytest.fixture(params=[False, True], ids=["in turn", "early"])
async def rows(
    request: pytest.FixtureRequest, botyard: Botyard, ann: Client, telegram: Sandbox
) -> Rows:
    """Rows of a bot that is off."""
    made = await ann.add_bot(telegram.add_bot(), active=False)
    return Rows(botyard, await writer_of(botyard, made["id"]), is_early=request.param)


async def test_a_talk_goes_on_and_its_log_with_it(rows: Rows) -> None:
    await rows.take_step(b"one", is_new=True)
    await rows.take_step(b"two")
    await rows.take_step(b"other", key=TalkKey(8, 8, 0), is_new=True)
    assert await rows.states() == {7: b"two", 8: b"other"}
    assert await rows.logged() == [(7, 1), (7, 2), (8, 3)]


async def test_a_step_does_not_bring_a_deleted_talk_back(rows: Rows) -> None:
    await rows.take_step(b"one", is_new=True)
    await rows.db.write(conversations.forget_person, rows.writer.bot_id, 7)
    await rows.take_step(b"two")
    assert await rows.states() == {}
    assert await rows.logged() == []
    await rows.take_step(b"anew", is_new=True)
    assert await rows.states() == {7: b"anew"}


async def test_a_step_that_waits_for_a_deletion_does_not_bring_the_talk_back(
    config: Config, rows: Rows
) -> None:
    await rows.take_step(b"one", is_new=True)
    if config.sqlite_file is not None:  # there is one writer, and nobody waits for another
        await rows.db.write(conversations.delete, rows.writer.bot_id, KEY, by=OPERATOR)
        await rows.take_step(b"two")
        assert await rows.states() == {}
        return
    async with await psycopg.AsyncConnection.connect(config.database_url) as other:
        await other.execute("DELETE FROM conversations")
        await other.execute("DELETE FROM conversation_steps")
        step = asyncio.create_task(rows.take_step(b"two"))
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with asyncio.timeout(DEADLINE):
            while not await rows.db.read(select, waiting):
                assert not step.done()
        await other.commit()
    await step
    assert await rows.states() == {}
    assert await rows.logged() == []


async def test_a_group_that_becomes_a_supergroup_takes_talks_and_logs_along(rows: Rows) -> None:
    bot_id, group = rows.writer.bot_id, TalkKey(-5, 7, 0)
    await rows.take_step(b"one", key=group, is_new=True)
    await rows.take_step(b"two", key=group, moved_to=-55)
    assert await rows.states() == {-55: b"two"}
    assert await rows.logged() == [(-55, 1), (-55, 2)]
    # an entry that is there already stays where it is, and in the way of nothing
    copied = (
        "INSERT INTO conversation_steps SELECT bot_id, -5, user_id, topic_id, update_id, version, "
        "steps, at FROM conversation_steps WHERE update_id = 2"
    )

    def move() -> None:
        execute(copied)
        steps.move(bot_id, -5, -55)

    await rows.db.write(move)
    assert sorted(await rows.logged()) == [(-55, 1), (-55, 2), (-5, 2)]
