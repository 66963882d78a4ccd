"""Answers about messages; their bodies are documents of the one format, `dialogs.messages`."""

from __future__ import annotations

from enum import StrEnum

from marshmallow import Schema, fields

from handlers.schemas.bots import bot_id
from handlers.schemas.common import Moment
from models.messaging.messages import MessageState, SendReason


class MessageNewsSchema(Schema):
    """The state of a message."""

    id = fields.Integer(required=True, metadata={"description": "The id of the message here."})
    chat_id = fields.Integer(required=True)
    state = fields.Enum(
        MessageState,
        by_value=True,
        required=True,
        metadata={
            "description": "`unknown`: it was being sent when the reply was lost, or the server or "
            "the bot ended. It may have arrived. `received`: from a person."
        },
    )
    reason = fields.Enum(SendReason, by_value=True, required=True, allow_none=True)
    detail = fields.String(
        required=True, allow_none=True, metadata={"description": "Telegram's words."}
    )
    telegram_message_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Its id in the chat, once sent."}
    )


class Direction(StrEnum):
    """Who a message is from."""

    IN = "in"  # from a person
    OUT = "out"  # from the bot, or from a person who writes through it


class MessageSchema(MessageNewsSchema):
    """One message of Telegram, or something else that a person did, such as to press a button."""

    direction = fields.Enum(
        Direction,
        by_value=True,
        required=True,
        metadata={"description": "`in`: from a person; `out`: from the bot."},
    )
    kind = fields.String(
        required=True,
        metadata={
            "description": "`text`, `photo`, `video`, `voice`, `document`, `sticker`, `contact`, "
            "`location`, `poll` and so on. `button`: a pressed button, with its data as the text. "
            "`membership`: the bot was blocked, unblocked, added or removed. `joined`, `left`: "
            "members of a group. `reaction`: to a message. Other content of Telegram has the name "
            "of its field in the Bot API."
        },
    )
    content = fields.Dict(
        required=True,
        metadata={"description": "What else a person sent, in the terms of the Bot API."},
    )
    sender_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The person who sent it to a group; null in other chats."},
    )
    topic_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The topic of a forum."}
    )
    edited_at = Moment(required=True, allow_none=True)

    author = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The account that has written it; null for the bot itself."},
    )
    group_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "The id of the first of the messages that were written together: the "
            "parts of a long text, or an album. Null for a single one."
        },
    )
    method = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The method of the Bot API; null for an album's other items."},
    )
    text = fields.String(
        required=True, allow_none=True, metadata={"description": "The text or the caption."}
    )
    parameters = fields.Dict(
        required=True, metadata={"description": "What is sent, in the terms of the Bot API."}
    )
    created_at = Moment(required=True)
    expires_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When it is given up if it could not be sent, as of a bot off."},
    )
    finished_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When it was sent or given up; when the person sent it."},
    )


class EarlierTextSchema(Schema):
    """What a message said before it was edited."""

    text = fields.String(required=True, allow_none=True)
    replaced_at = Moment(required=True)


class WholeMessageSchema(MessageSchema):
    """A message with what it said before."""

    earlier = fields.List(
        fields.Nested(EarlierTextSchema),
        required=True,
        metadata={"description": "Its earlier texts, the oldest first."},
    )


class WrittenMessagesSchema(Schema):
    """The messages that were written by one request, in the order in which they are sent."""

    items = fields.List(fields.Nested(MessageSchema), required=True)


class MessageStateEventSchema(Schema):
    """The data of the event `message_state`: a message is queued, sent or given up."""

    id = bot_id()
    message = fields.Nested(MessageNewsSchema, required=True)
