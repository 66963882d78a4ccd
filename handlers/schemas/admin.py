"""Bodies and parameters for staff."""

from __future__ import annotations

from marshmallow import fields

from handlers.schemas.bots import BotBaseSchema
from handlers.schemas.common import (
    BodySchema,
    Moment,
    PageQuerySchema,
    PageSchema,
    QueryBoolean,
    StrictBoolean,
    id_field,
    search_field,
)
from runner.states import BotState


class AdminUserSchema(BodySchema):
    """An account, as staff see it."""

    pk = fields.Integer(dump_only=True)
    username = fields.String(dump_only=True)
    email = fields.String(dump_only=True)
    first_name = fields.String(dump_only=True)
    last_name = fields.String(dump_only=True)
    is_staff = StrictBoolean(required=True)
    disabled = StrictBoolean(
        required=True,
        metadata={"description": "Nobody can log in to it, and its bots do not run."},
    )
    disabled_at = Moment(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)
    bots = fields.Integer(dump_only=True, metadata={"description": "How many bots it has."})
    active_bots = fields.Integer(
        dump_only=True, metadata={"description": "Number of its active bots."}
    )


class AdminUserPageSchema(PageSchema):
    """A page of accounts."""

    results = fields.List(fields.Nested(AdminUserSchema), required=True)


class AdminUserQuerySchema(PageQuerySchema):
    """A filter of accounts."""

    is_staff = QueryBoolean(
        metadata={"description": "true: only staff; false: only other accounts."}
    )
    disabled = QueryBoolean(
        metadata={"description": "true: only disabled accounts; false: only enabled ones."}
    )
    search = search_field("Text in the user name or in the e-mail address.")


class AdminBotSchema(BotBaseSchema):
    """A bot, as staff see it; its token never in full."""

    user = fields.Integer(dump_only=True, metadata={"description": "The account's id."})
    owner = fields.String(dump_only=True, metadata={"description": "The account's name."})
    suspended = fields.Boolean(
        dump_only=True,
        metadata={"description": "The account is disabled: the bot does not run, even if active."},
    )
    process = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={
            "description": "The name of the server that runs the bot, of several; null if none "
            "does, and with SQLite."
        },
    )


class AdminBotPageSchema(PageSchema):
    """A page of bots."""

    results = fields.List(fields.Nested(AdminBotSchema), required=True)


class AdminBotQuerySchema(PageQuerySchema):
    """A filter of bots."""

    user = id_field("Only bots of the account with this id.")
    state = fields.Enum(
        BotState, by_value=True, metadata={"description": "Only bots in this state now."}
    )
    active = QueryBoolean(
        metadata={"description": "true: only active bots; false: only inactive ones."}
    )
    search = search_field("Text in the title or in the bot's user name.")
