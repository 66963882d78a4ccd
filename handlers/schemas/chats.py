"""Chats of a bot, and pages of messages."""

from __future__ import annotations

from enum import StrEnum

from marshmallow import Schema, fields, validate

from handlers.ids import MAX_ID
from handlers.schemas.bots import bot_id
from handlers.schemas.common import BodySchema, Moment, QueryBoolean, Text, id_field, search_field
from handlers.schemas.cursors import Cursor, CursorQuerySchema, ItemsSchema
from handlers.schemas.messages import MessageSchema
from models.accounts.rules import printable
from models.bots.telegram_id import MAX_TELEGRAM_ID


class PersonSchema(Schema):
    """What a chat is called; texts are empty if Telegram does not tell them."""

    type = fields.String(
        required=True,
        attribute="kind",
        metadata={"description": "`private`, `group`, `supergroup` or `channel`; or empty."},
    )
    title = fields.String(required=True, metadata={"description": "Of a group."})
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    username = fields.String(required=True)
    language = fields.String(
        required=True, metadata={"description": "The language of the person's app (IETF tag)."}
    )
    is_premium = fields.Boolean(required=True)
    source = fields.String(
        required=True,
        metadata={"description": "The payload of the link by which the person came first."},
    )


class ChatSchema(PersonSchema):
    """A chat of a bot."""

    chat_id = fields.Integer(required=True)
    first_seen_at = Moment(required=True)
    last_seen_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When something came from this chat for the last time."},
    )
    blocked_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the chat refuses the bot's messages; else null."},
    )
    unread = fields.Integer(
        required=True, metadata={"description": "Messages of people that nobody has read yet."}
    )
    tags = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "What scenarios have noted about the person, sorted; none of a group."
        },
    )
    last_message = fields.Nested(
        MessageSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null if the chat has none any more."},
    )


class ChatItemsSchema(ItemsSchema):
    """A page of chats, those with the newest messages first."""

    items = fields.List(fields.Nested(ChatSchema), required=True)


class MessageItemsSchema(ItemsSchema):
    """A page of messages, the newest first."""

    items = fields.List(fields.Nested(MessageSchema), required=True)


class ChatQuerySchema(CursorQuerySchema):
    """A filter of chats."""

    after = Cursor(2)
    q = search_field("A part of a name or user name, or a chat id.")
    unread = QueryBoolean(metadata={"description": "Only chats with, or without, unread messages."})
    blocked = QueryBoolean(metadata={"description": "Only chats that refuse messages, or do not."})
    tag = Text(
        validate=[validate.Length(min=1, max=64), printable],
        metadata={"description": "Only people who have this tag."},
    )


class ChatMessageQuerySchema(CursorQuerySchema):
    """A part of the messages of a chat."""

    after = Cursor(1)
    topic = id_field("Only messages of this topic of a forum.")


class MessageSearchSchema(CursorQuerySchema):
    """A search in messages."""

    after = Cursor(1)
    q = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=100), printable],
        metadata={
            "description": "A part of a text, in letters of any case. Shorter than three letters, "
            "it is looked for in the newest 1,000 messages only."
        },
    )
    chat = fields.Integer(
        validate=validate.Range(min=-MAX_TELEGRAM_ID, max=MAX_TELEGRAM_ID),
        metadata={"description": "Only messages of this chat."},
    )


class FileSize(StrEnum):
    """The sizes of a message's file."""

    FULL = "full"
    THUMB = "thumb"


class MessageFileQuerySchema(BodySchema):
    """Which file of a message."""

    size = fields.Enum(
        FileSize,
        by_value=True,
        load_default=FileSize.FULL,
        metadata={"description": "`thumb` is the small picture that most files have."},
    )


class ReadSchema(BodySchema):
    """Which messages were read."""

    up_to = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "The id of the last message that was read; all without it."},
    )


class MessageEventSchema(Schema):
    """The data of the event `message`: there is a new message, of either direction."""

    id = bot_id()
    message = fields.Nested(MessageSchema, required=True)


class ChatEventSchema(Schema):
    """The data of the event `chat`: a chat is new, or something about it has changed."""

    id = bot_id()
    chat_id = fields.Integer(required=True)
    chat = fields.Nested(
        ChatSchema, required=True, allow_none=True, metadata={"description": "Null: it was erased."}
    )
