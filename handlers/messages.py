"""Messages that people send through a bot, and the format that they are written in."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import orjson
from tornado.web import url

from dialogs.messages import SCHEMA
from handlers import errors
from handlers.base import ApiHandler
from handlers.bots import BotHandler
from handlers.ids import CHAT_ID, ID
from handlers.pagination import CursorHandler
from handlers.presentation_messages import present_earlier, present_message
from handlers.schemas.chats import ChatMessageQuerySchema

MAX_MESSAGE = 256 * 1024  # bytes; a text may have 32,000 characters of four bytes each
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class MessageHandler(BotHandler):
    """The base of resources with messages."""

    max_body: ClassVar[int] = MAX_MESSAGE


class ChatMessages(MessageHandler, CursorHandler):
    """The messages of a chat."""

    async def get(self, bot_id: str, chat_id: str) -> None:
        """List the messages of a chat, of both directions, the newest first.

        ---
        summary: The messages of a chat
        tags: [Messages]
        parameters: [{in: query, schema: ChatMessageQuerySchema}]
        responses:
          200: {description: A page of messages., schema: MessageItemsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(ChatMessageQuerySchema)
        rows = await self.services.history.messages(
            bot,
            int(chat_id),
            before=query["after"] and query["after"][0],
            topic_id=query.get("topic"),
            limit=query["limit"] + 1,
        )
        self.answer_items(
            rows, query["limit"], present=present_message, position=lambda row: (row.id,)
        )

    async def post(self, bot_id: str, chat_id: str) -> None:
        """Write a message to a chat; it is sent at once, or when the bot runs and limits allow it.

        Telegram allows a bot one message a second in a chat and 20 a minute in a group; what comes
        faster waits. A bot that is off keeps messages for an hour, until `expires_at`. Follow what
        becomes of a message with the event `message_state`, or by its id. A long text becomes
        several messages, and so does an album.

        Send the header Idempotency-Key, for example with a random UUID, if you may have to repeat
        the request: within 24 hours, the same key does not write the message again.

        ---
        summary: Write a message
        tags: [Messages]
        parameters:
          - name: Idempotency-Key
            in: header
            description: Any text of 1 to 255 characters, without blanks.
            schema: {type: string, minLength: 1, maxLength: 255, pattern: "^[!-~]+$"}
        requestBody: {schema: MessageContent}
        responses:
          202: {description: The messages wait to be sent., schema: WrittenMessagesSchema}
          422:
            description: The key was used for another message, or an uploaded file cannot be sent.
            codes: [idempotency_key_reused, upload_unusable]
          429: {description: Too many messages wait already., codes: [outbox_full]}
        """
        bot = await self.bot(bot_id)
        written = await self.services.messages.write(
            bot, int(chat_id), self.load_document(), key=self._key(), by=self.actor
        )
        self.answer({"items": [present_message(row) for row in written.rows]}, status=202)

    def _key(self) -> str | None:
        key: str | None = self.request.headers.get("Idempotency-Key")
        if key is not None and not _KEY.fullmatch(key):
            raise errors.BadRequest(
                "Idempotency-Key must have 1 to 255 visible ASCII characters, without blanks."
            )
        return key


class OneMessage(MessageHandler):
    """One message."""

    async def get(self, bot_id: str, message_id: str) -> None:
        """Show a message.

        ---
        summary: One message
        tags: [Messages]
        responses:
          200: {description: The message., schema: WholeMessageSchema}
        """
        bot = await self.bot(bot_id)
        row = await self.services.messages.find(bot, int(message_id))
        earlier = await self.services.history.earlier(row)
        self.answer(present_message(row) | present_earlier(earlier))

    async def patch(self, bot_id: str, message_id: str) -> None:
        """Replace a message, in the chat as well if it was sent.

        The body is the whole new message. Messages that were written together, such as the parts of
        a long text, are replaced together, so the new one must have as many parts.

        ---
        summary: Edit a message
        tags: [Messages]
        requestBody: {schema: MessageContent}
        responses:
          200: {description: The messages., schema: WrittenMessagesSchema}
          409:
            description: The message cannot become the new one, or the bot is off.
            codes: [message_not_editable, bot_is_off]
          422:
            description: Telegram does not accept it, or an uploaded file cannot be sent.
            codes: [telegram_refused, upload_unusable]
          503: {description: Telegram cannot be reached., codes: [telegram_unreachable]}
        """
        bot = await self.bot(bot_id)
        rows = await self.services.messages.edit(
            bot, int(message_id), self.load_document(), by=self.actor
        )
        self.answer({"items": [present_message(row) for row in rows]})

    async def delete(self, bot_id: str, message_id: str) -> None:
        """Delete a message, in the chat as well if it was sent less than 48 hours ago.

        Messages that were written together are deleted together. One that waits is not sent.

        ---
        summary: Delete a message
        tags: [Messages]
        responses:
          204: {description: The message was deleted.}
          409:
            description: It is too old or just being sent, or the bot is off.
            codes: [message_not_editable, bot_is_off]
          422: {description: Telegram does not delete it., codes: [telegram_refused]}
          503: {description: Telegram cannot be reached., codes: [telegram_unreachable]}
        """
        bot = await self.bot(bot_id)
        await self.services.messages.delete(bot, int(message_id), by=self.actor)
        self.set_status(204)


class MessageFormat(ApiHandler):
    """The JSON Schema of a message."""

    public: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})
    _schema: ClassVar[bytes] = orjson.dumps(SCHEMA, option=orjson.OPT_INDENT_2)

    def get(self) -> None:
        """Return the JSON Schema (2020-12) of a message, for editors and validators.

        ---
        summary: The format of messages
        tags: [Messages]
        responses:
          200:
            description: The schema.
            content: {application/schema+json: {schema: {type: object}}}
        """
        self.set_header("Content-Type", "application/schema+json")
        self.write(self._schema)


_BOT = rf"/api/v1/telegram_data/({ID})"

routes: list[Any] = [
    url(rf"{_BOT}/chats/({CHAT_ID})/messages/?", ChatMessages),
    url(rf"{_BOT}/messages/({ID})/?", OneMessage),
    url(r"/api/v1/message\.schema\.json", MessageFormat),
]
