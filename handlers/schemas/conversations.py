"""Answers about conversations."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from handlers.ids import MAX_ID
from handlers.schemas.common import Moment
from handlers.schemas.cursors import Cursor, CursorQuerySchema, ItemsSchema
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
