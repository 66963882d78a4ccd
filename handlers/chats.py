"""The chats of a bot: who writes to it, what was said, and forgetting somebody."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from tornado.iostream import StreamClosedError
from tornado.web import url

from handlers.bots import BotHandler
from handlers.ids import CHAT_ID, ID
from handlers.pagination import CursorHandler
from handlers.presentation_messages import present_chat, present_message
from handlers.schemas.chats import (
    ChatQuerySchema,
    MessageSearchSchema,
    ReadSchema,
)
from handlers.schemas.cursors import encode
from models.messaging.history import ChatFilter


class Chats(BotHandler, CursorHandler):
    """The chats of a bot."""

    async def get(self, bot_id: str) -> None:
        """List the chats of a bot, those with the newest messages first.

        ---
        summary: The chats of a bot
        tags: [Chats]
        parameters: [{in: query, schema: ChatQuerySchema}]
        responses:
          200: {description: A page of chats., schema: ChatItemsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(ChatQuerySchema)
        wanted = ChatFilter(
            query.get("q"), query.get("unread"), query.get("blocked"), query.get("tag")
        )
        rows = await self.services.history.chats(
            bot, wanted, after=query["after"], limit=query["limit"] + 1
        )
        self.answer_items(
            rows,
            query["limit"],
            present=present_chat,
            position=lambda row: (row.position, row.chat_id),
        )


class OneChat(BotHandler):
    """One chat."""

    async def get(self, bot_id: str, chat_id: str) -> None:
        """Show a chat.

        ---
        summary: One chat
        tags: [Chats]
        responses:
          200: {description: The chat., schema: ChatSchema}
        """
        bot = await self.bot(bot_id)
        self.answer(present_chat(await self.services.history.chat(bot, int(chat_id))))

    async def delete(self, bot_id: str, chat_id: str) -> None:
        """Erase a chat and its person: messages, talks, tags, what they wrote in groups.

        Updates of theirs that have failed go, too. Nothing of them is left in this database
        afterwards; backups that were made before still have it. What Telegram has stays there. If
        they write again, they are new.

        ---
        summary: Erase a chat
        tags: [Chats]
        responses:
          204: {description: The chat was erased.}
        """
        bot = await self.bot(bot_id)
        await self.services.history.erase(bot, int(chat_id), by=self.actor)
        self.set_status(204)


class ReadMark(BotHandler):
    """The mark of what was read in a chat."""

    async def post(self, bot_id: str, chat_id: str) -> None:
        """Mark messages of a chat as read here; Telegram does not tell the person.

        ---
        summary: Mark messages as read
        tags: [Chats]
        requestBody: {schema: ReadSchema, partial: true}
        responses:
          200: {description: The chat., schema: ChatSchema}
        """
        bot = await self.bot(bot_id)
        read = self.load(ReadSchema) if self.request.body else {"up_to": None}
        row = await self.services.history.mark_read(
            bot, int(chat_id), up_to=read["up_to"], by=self.actor
        )
        self.answer(present_chat(row))


class Export(BotHandler):
    """All that is stored of a chat, as a file."""

    timed: ClassVar[bool] = False

    async def get(self, bot_id: str, chat_id: str) -> None:
        """Export a chat as JSON Lines: first the chat, then each message, oldest first.

        ---
        summary: Export a chat
        tags: [Chats]
        responses:
          200:
            description: The file.
            content: {application/octet-stream: {schema: {type: string, format: binary}}}
        """
        bot, history = await self.bot(bot_id), self.services.history
        chat = await history.chat(bot, int(chat_id))
        self.set_header("Content-Type", "application/octet-stream")
        name = f"bot-{bot.id}-chat-{chat.chat_id}.jsonl"
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        try:
            self.write(_line({"chat": present_chat(chat)}))
            async for rows in history.export(bot, chat.chat_id):
                self.write(b"".join(_line({"message": present_message(row)}) for row in rows))
                await self.flush()
        except StreamClosedError:
            return  # nobody reads it any more

    async def head(self, *args: str) -> None:
        """Answer as GET does, without the file."""
        bot_id, chat_id = args
        await self.services.history.chat(await self.bot(bot_id), int(chat_id))
        self.set_header("Content-Type", "application/octet-stream")


def _line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


class FoundMessages(BotHandler, CursorHandler):
    """Messages that contain a text."""

    async def get(self, bot_id: str) -> None:
        """Search the messages of a bot, of both directions; the newest first.

        A page may have fewer messages than asked for, or none, and still have a `next`.

        ---
        summary: Search messages
        tags: [Messages]
        parameters: [{in: query, schema: MessageSearchSchema}]
        responses:
          200: {description: A page of messages., schema: MessageItemsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(MessageSearchSchema)
        rows, before = await self.services.history.search(
            bot,
            query["q"],
            chat_id=query.get("chat"),
            before=query["after"] and query["after"][0],
            limit=query["limit"],
        )
        self.answer(
            {
                "items": [present_message(row) for row in rows],
                "next": None if before is None else encode(before),
            }
        )


_BOT = rf"/api/v1/telegram_data/({ID})"
_CHAT = rf"{_BOT}/chats/({CHAT_ID})"

routes = [
    url(rf"{_BOT}/chats/?", Chats),
    url(rf"{_CHAT}/?", OneChat),
    url(rf"{_CHAT}/read/?", ReadMark),
    url(rf"{_CHAT}/export/?", Export),
    url(rf"{_BOT}/messages/?", FoundMessages),
]
