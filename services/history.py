"""The history of a bot: its chats and what was said in them; show, search, export, erase."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.bots.records import BotRecord
from models.engine.database import Database
from models.messaging import erasure, history, search
from models.messaging.history import ChatFilter, ChatRow, Earlier, Place
from models.messaging.message_rows import MessageRow
from runner.live.events import ChatNews, EventKind
from runner.runner import Runner
from services.errors import ChatNotFound
from services.steps import STEP, in_steps


class HistoryService:
    """Shows what was said to a bot and by it, and forgets people.

    Args:
        db: the database.
        runner: tells the owner of changes of chats, and has talks in memory.
    """

    def __init__(self, *, db: Database, runner: Runner) -> None:
        self._db = db
        self._runner = runner

    async def chats(
        self, bot: BotRecord, wanted: ChatFilter, *, after: Place | None, limit: int
    ) -> list[ChatRow]:
        """List chats; see `models.messaging.history.chats`."""
        return await self._db.read(history.chats, bot.id, wanted, after=after, limit=limit)

    async def chat(self, bot: BotRecord, chat_id: int) -> ChatRow:
        """Find a chat of a bot.

        Raises:
            ChatNotFound: the bot does not know it.
        """
        row = await self._db.read(history.chat, bot.id, chat_id)
        if row is None:
            raise ChatNotFound(bot.id, chat_id)
        return row

    async def messages(
        self,
        bot: BotRecord,
        chat_id: int,
        *,
        before: int | None,
        topic_id: int | None,
        limit: int,
    ) -> list[MessageRow]:
        """List the messages of a chat, the newest first.

        Raises:
            ChatNotFound: the bot does not know it.
        """
        rows = await self._db.read(
            history.messages, bot.id, chat_id, before=before, topic_id=topic_id, limit=limit
        )
        if not rows:
            await self.chat(bot, chat_id)
        return rows

    async def search(
        self, bot: BotRecord, text: str, *, chat_id: int | None, before: int | None, limit: int
    ) -> tuple[list[MessageRow], int | None]:
        """Search the messages of a bot; see `models.messaging.history.found`."""
        return await self._db.read(
            history.found, bot.id, text, chat_id=chat_id, before=before, limit=limit
        )

    async def earlier(self, row: MessageRow) -> list[Earlier]:
        """Return what a message said before it was edited."""
        if row.edited_at is None:
            return []
        return await self._db.read(history.earlier, row.id)

    async def export(self, bot: BotRecord, chat_id: int) -> AsyncIterator[list[MessageRow]]:
        """Return all messages of a chat, oldest first, a page at a time."""
        after = 0
        while rows := await self._db.read(
            history.exported, bot.id, chat_id, after=after, limit=STEP
        ):
            yield rows
            after = rows[-1].id

    async def mark_read(
        self, bot: BotRecord, chat_id: int, *, up_to: int | None, by: Actor
    ) -> ChatRow:
        """Take note that messages of a chat were read.

        Args:
            up_to: the last message that was read; None for all.

        Raises:
            ChatNotFound: the bot does not know the chat.
        """
        if not await self._db.write(authorized, by, history.mark_read, bot.id, chat_id, up_to):
            raise ChatNotFound(bot.id, chat_id)
        row = await self.chat(bot, chat_id)
        self._publish(bot, ChatNews(chat_id, row))
        return row

    async def erase(self, bot: BotRecord, chat_id: int, *, by: Actor) -> None:
        """Delete a chat and everything that is known of its person, in groups, too.

        Raises:
            ChatNotFound: the bot does not know it.
        """
        await self.chat(bot, chat_id)

        async def erase_some() -> bool:
            erase = erasure.erase_messages
            return await self._db.write(authorized, by, erase, bot.id, chat_id, limit=STEP) == STEP

        await in_steps(erase_some)
        if not await self._db.write(authorized, by, erasure.erase_chat, bot, chat_id):
            raise ChatNotFound(bot.id, chat_id)
        if (run := self._runner.manager.run(bot.id)) is not None:
            run.talks.forget()
        self._publish(bot, ChatNews(chat_id, None))
        # the index has traces of what was taken out of it
        await in_steps(partial(self._db.write, search.wipe_step))

    def _publish(self, bot: BotRecord, news: ChatNews) -> None:
        self._runner.events.publish(bot.user_id, EventKind.CHAT, bot.id, news)
