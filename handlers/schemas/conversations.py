"""Answers about conversations."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from handlers.ids import MAX_ID
from handlers.schemas.common import Moment, Text
from handlers.schemas.cursors import Cursor, CursorQuerySchema, ItemsSchema
from models.accounts.rules import printable
from models.bots.telegram_id import MAX_TELEGRAM_ID


class ConversationSchema(Schema):
    """Where a talk stands."""

    id = fields.String(
        required=True, metadata={"description": "Chat, user and topic, with points between them."}
    )
    chat_id = fields.Integer(required=True)
    user_id = fields.Integer(
        required=True, metadata={"description": "In a group, each member has a talk of their own."}
    )
    topic_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The topic of a forum."}
    )
    version = fields.Integer(
        required=True, metadata={"description": "The version of the scenario that it is in."}
    )
    state = fields.String(
        required=True, metadata={"description": "The state that waits; empty if it has ended."}
    )
    updated_at = Moment(required=True)


class ConversationItemsSchema(ItemsSchema):
    """A page of conversations."""

    items = fields.List(fields.Nested(ConversationSchema), required=True)


class WholeConversationSchema(ConversationSchema):
    """A conversation with what it has saved."""

    variables = fields.Dict(required=True, metadata={"description": "Their values by name."})


class ConversationQuerySchema(CursorQuerySchema):
    """A filter of conversations."""

    after = Cursor(4)
    chat = fields.Integer(
        load_default=None,
        validate=validate.Range(min=-MAX_TELEGRAM_ID, max=MAX_TELEGRAM_ID),
        metadata={"description": "Only those in this chat."},
    )
    version = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "Only those in this version of the scenario."},
    )
    state = Text(
        load_default=None,
        validate=[validate.Length(min=1, max=32), printable],
        metadata={"description": "Only those that wait in this state."},
    )


class ConversationEntrySchema(Schema):
    """What an update led to in a conversation."""

    update_id = fields.Integer(required=True)
    at = Moment(required=True)
    version = fields.Integer(required=True)
    event = fields.String(
        required=True, metadata={"description": "`text`, `command`, `tap`, `photo` and so on."}
    )
    text = fields.String(
        required=True,
        metadata={
            "description": "What the user wrote, or the text of the button that they tapped, up to "
            "200 characters; empty for everything else."
        },
    )
    said = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What the bot said then: up to 10 texts of up to 200 characters."},
    )
    steps = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "The `state`, the `transition` that was taken (a JSON Pointer or a "
            "word that docs/scenarios.md explains), the state `to` which it led, and the variables "
            "that `changed`, each with its value before and after. `cut` is true if `changed` is "
            "left out: the changes of one update are logged up to about 16 KB."
        },
    )
    failures = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "Mistakes of the scenario that showed: `code`, `message`."},
    )


class ConversationLogItemsSchema(ItemsSchema):
    """A page of the log of a conversation, the latest first."""

    items = fields.List(fields.Nested(ConversationEntrySchema), required=True)


class ConversationLogQuerySchema(CursorQuerySchema):
    """A part of the log of a conversation."""

    after = Cursor(1)
