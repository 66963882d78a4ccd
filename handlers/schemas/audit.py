"""Bodies and parameters of the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

from marshmallow import Schema, ValidationError, fields

from handlers.schemas.common import PageQuerySchema, PageSchema, id_field
from models.accounts.audit import Action


class AuditEntrySchema(Schema):
    """Something that was done."""

    id = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    action = fields.Enum(Action, by_value=True, required=True)
    actor = fields.String(
        required=True,
        metadata={"description": "Who did it; `operator` is the server's command line."},
    )
    actor_id = fields.Integer(required=True, allow_none=True)
    user = fields.Integer(
        required=True,
        allow_none=True,
        attribute="user_id",
        metadata={"description": "The id of the account it was done to, or to whose bot."},
    )
    username = fields.String(required=True)
    bot = fields.Integer(required=True, allow_none=True, attribute="bot_id")
    details = fields.Dict(
        required=True, metadata={"description": "For example which `fields` were changed."}
    )
    address = fields.String(
        required=True,
        metadata={"description": "Where it came from; others' addresses are for staff alone."},
    )


class AuditEntryPageSchema(PageSchema):
    """A page of the audit log."""

    results = fields.List(fields.Nested(AuditEntrySchema), required=True)


# an unescaped + in a query is a blank (WHATWG URL, application/x-www-form-urlencoded)
_NO_TIME = "A time with its zone is wanted, such as 2026-01-31T12:00:00Z; write + as %2B."


def _storable(moment: datetime) -> None:
    try:
        moment.astimezone(UTC)
    except OverflowError:  # before the year 1, or after 9999
        raise ValidationError(_NO_TIME) from None


class AuditQuerySchema(PageQuerySchema):
    """Which entries."""

    action = fields.Enum(Action, by_value=True)
    user = id_field("Only those of the account with this id.")
    since = fields.AwareDateTime(
        format="iso",
        validate=_storable,
        error_messages=dict.fromkeys(("invalid", "invalid_awareness"), _NO_TIME),
        metadata={"description": "Only those since then, such as 2026-01-31T12:00:00Z."},
    )
