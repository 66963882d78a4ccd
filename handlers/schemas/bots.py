"""Bodies about bots, their status and their dead updates."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from handlers.schemas.common import BodySchema, Moment, StrictBoolean, Text
from models.accounts.rules import printable
from models.bots.telegram_id import MAX_TELEGRAM_ID
from models.bots.vault import MASKED_TOKEN_PATTERN, TOKEN_PATTERN
from runner.states import BotState, Reason


class BotStateSchema(Schema):
    """The state of a bot."""

    state = fields.Enum(BotState, by_value=True, required=True)
    reason = fields.Enum(Reason, by_value=True, required=True, allow_none=True)
    detail = fields.String(
        required=True, allow_none=True, metadata={"description": "A sentence for the bot's owner."}
    )
    since = Moment(required=True)
    attempts = fields.Integer(
        required=True, metadata={"description": "Starts in a row that have failed."}
    )
    next_attempt_at = Moment(required=True, allow_none=True)


class BotCountersSchema(Schema):
    """The pending and dead updates of a bot, and its last contact with Telegram."""

    last_poll_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When Telegram last answered getUpdates."},
    )
    last_update_at = Moment(required=True, allow_none=True)
    pending = fields.Integer(
        required=True, metadata={"description": "Updates that are stored and not handled yet."}
    )
    dead = fields.Integer(
        required=True, metadata={"description": "Updates whose handler failed for good."}
    )


class BotStatusSchema(BotStateSchema, BotCountersSchema):
    """The status of a bot now."""


def bot_id() -> fields.Integer:
    """Return the field of an event with its bot."""
    return fields.Integer(required=True, metadata={"description": "The id of the bot."})


class BotStateEventSchema(BotStateSchema):
    """The data of the event `state`: a bot has another state, or begins a stream."""

    id = bot_id()


class BotCountersEventSchema(BotCountersSchema):
    """The data of the event `counters`: a bot's counters have changed, or begin a stream."""

    id = bot_id()


class BotDeletedEventSchema(Schema):
    """The data of the event `deleted`: the bot was deleted."""

    id = bot_id()


class DeadUpdateSchema(Schema):
    """An update whose handler failed three times, or that could not be parsed."""

    update_id = fields.Integer(required=True)
    received_at = Moment(required=True)
    dead_at = Moment(required=True)
    attempts = fields.Integer(required=True)
    error = fields.String(required=True)
    update = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "The update from Telegram, or the part of it that was kept."},
    )
    update_bytes = fields.Integer(
        required=True, metadata={"description": "The length of the update as JSON, shown or not."}
    )
    update_left_out = fields.Boolean(
        required=True,
        metadata={
            "description": "True if `update` is omitted because the list would be too large."
        },
    )


_TOKEN = validate.Regexp(
    rf"({TOKEN_PATTERN.pattern}|{MASKED_TOKEN_PATTERN.pattern})\Z",
    error="Not a bot token. Copy it from @BotFather; it looks like 123456789:AAExample-35-letters.",
)


def of_possible_bot(token: str) -> None:
    """Reject a token whose number is too large for a Telegram bot."""
    number = token.partition(":")[0]
    if number.isdecimal() and int(number[:20]) > MAX_TELEGRAM_ID:
        raise ValidationError("The number before the colon is too large for a Telegram bot's.")


class TokenField(fields.String):
    """A token; copied from a chat, it often has a blank or a line end around it."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(value, *args, **kwargs)).strip()


class BotBaseSchema(BodySchema):
    """The fields of a bot that both its owner and staff can read."""

    id = fields.Integer(dump_only=True)
    token = fields.String(dump_only=True, metadata={"description": "The masked form."})
    title = fields.String(dump_only=True)
    active = StrictBoolean(required=True)
    history = StrictBoolean(dump_only=True)
    telegram_id = fields.Integer(dump_only=True, allow_none=True)
    username = fields.String(dump_only=True)
    created_at = Moment(dump_only=True)
    updated_at = Moment(dump_only=True)
    status = fields.Nested(BotStatusSchema, dump_only=True)


class BotSchema(BotBaseSchema):
    """A bot. Its token is shown in full only in the answer to the request that set it."""

    token = TokenField(
        required=True,
        validate=[_TOKEN, of_possible_bot],
        metadata={
            "description": "From @BotFather. Writing the masked form back leaves it unchanged.",
            "examples": ["123456789:AAExampleExampleExampleExampleExamp"],
        },
    )
    title = Text(load_default="", validate=[validate.Length(max=100), printable])
    active = StrictBoolean(load_default=True)
    history = StrictBoolean(
        load_default=True,
        metadata={
            "description": "False to keep nothing of what people write to the bot, and what it "
            "sends only until it is sent."
        },
    )
