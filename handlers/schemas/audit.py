"""Bodies and parameters of the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

from marshmallow import Schema, ValidationError, fields

from handlers.schemas.common import Moment, PageQuerySchema, PageSchema, id_field
from models.accounts.audit import Action


class AuditEntrySchema(Schema):
    """One action in the audit log."""

    id = fields.Integer(required=True)
    at = Moment(required=True)
    action = fields.Enum(Action, by_value=True, required=True)
    actor = fields.String(
        required=True,
        metadata={"description": "The account; `operator` is the server's command line."},
    )
    actor_id = fields.Integer(required=True, allow_none=True)
    user = fields.Integer(
        required=True,
        allow_none=True,
        attribute="user_id",
        metadata={"description": "The id of the affected account, or of the bot's account."},
    )
    username = fields.String(required=True)
    bot = fields.Integer(required=True, allow_none=True, attribute="bot_id")
    details = fields.Dict(
        required=True,
        metadata={
            "description": "For example the `fields` that were changed, or whether a publish was "
            "`forced`: carried out although tests of the scenario failed."
        },
    )
    address = fields.String(
        required=True,
        metadata={"description": "The IP address; only staff see those of other people."},
    )


class AuditEntryPageSchema(PageSchema):
    """A page of the audit log."""

    results = fields.List(fields.Nested(AuditEntrySchema), required=True)


# an unescaped + in a query is a blank (WHATWG URL, application/x-www-form-urlencoded)
_NO_TIME = "Use a time with a time zone, such as 2026-01-31T12:00:00Z (encode + as %2B)."


def _storable(moment: datetime) -> None:
    try:
        moment.astimezone(UTC)
    except OverflowError:  # before the year 1, or after 9999
        raise ValidationError(_NO_TIME) from None


class AuditQuerySchema(PageQuerySchema):
    """A filter of entries."""

    action = fields.Enum(Action, by_value=True)
    user = id_field("Only entries about the account with this id.")
    since = fields.AwareDateTime(
        format="iso",
        validate=_storable,
        error_messages=dict.fromkeys(("invalid", "invalid_awareness"), _NO_TIME),
        metadata={"description": "Only entries since this time, such as 2026-01-31T12:00:00Z."},
    )
