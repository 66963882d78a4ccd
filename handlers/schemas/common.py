"""What bodies look like: these schemas validate requests and are those of the API document."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate, validates_schema

from handlers.errors import Code
from models.accounts.passwords import weaknesses
from models.accounts.users import fold
from models.bots.telegram_id import MAX_TELEGRAM_ID
from models.bots.vault import MASKED_TOKEN_PATTERN, TOKEN_PATTERN
from runner.states import BotState, Reason

MAX_PASSWORD = 1024
MAX_FOLDED = 450  # characters; what the column takes
_USERNAME = validate.Regexp(
    r"[\w.@+-]+\Z", error="Use letters, digits and the signs . @ + - _ only."
)


def printable(text: str) -> None:
    """Refuse what cannot be shown or stored: control characters, halves of surrogate pairs."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise ValidationError("Control characters cannot be used here.")


class Text(fields.String):
    """A text whose rules are looked at in order, up to the first that it breaks.

    How long it may be comes first: what the other rules cost grows with the text.
    """

    def _validate(self, value: Any) -> None:
        for rule in self.validators:
            rule(value)


class StrictBoolean(fields.Boolean):
    """true or false, and nothing that only looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class BodySchema(Schema):
    """The base of all: unknown fields are refused with their names, read-only ones ignored.

    Frontends write back what they have read, so read-only fields must do no harm.
    """

    class Meta:
        unknown = RAISE

    @pre_load
    def _ignore_read_only(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        read_only = {name for name, field in self.fields.items() if field.dump_only}
        return {name: value for name, value in data.items() if name not in read_only}


def foldable(text: str) -> None:
    """Refuse the few texts that become several times as long when they are compared."""
    if len(fold(text)) > MAX_FOLDED:
        raise ValidationError("This has too many ligatures and other compound signs.")


def _name(**options: Any) -> fields.String:
    return Text(validate=[validate.Length(max=150), printable], **options)


def _username(**options: Any) -> fields.String:
    rules: list[Callable[[str], Any]] = [validate.Length(min=1, max=150), _USERNAME, foldable]
    return Text(validate=rules, metadata={"examples": ["ann"]}, **options)


def _password(**options: Any) -> fields.String:
    metadata = {"format": "password", "examples": ["correct horse battery"]}
    rule = validate.Length(max=MAX_PASSWORD)
    return fields.String(validate=rule, load_only=True, metadata=metadata, **options)


_EMAIL = validate.Email(error="This is not an e-mail address.")


def _email_or_none(text: str) -> None:
    if text:
        _EMAIL(text)
        printable(text)
        foldable(text)


class EmailField(Text):
    """An e-mail address, or an empty string for none."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(value, attr, data, **kwargs)).strip()


def _email(**options: Any) -> EmailField:
    rules: list[Callable[[str], Any]] = [validate.Length(max=254), _email_or_none]
    return EmailField(validate=rules, metadata={"examples": ["ann@example.org"]}, **options)


def _check_new_password(first: str | None, second: str | None, field: str, **who: str) -> None:
    if not first:
        raise ValidationError({field: ["Missing data for required field."]})
    if second is not None and first != second:
        raise ValidationError({f"{field[:-1]}2": ["The two passwords are not the same."]})
    if found := weaknesses(first, **who):
        raise ValidationError({field: found})


_PASSWORDS = ("password", "password1", "password2")


class RegistrationSchema(BodySchema):
    """A new account: the password once as `password`, or twice as `password1`, `password2`."""

    username = _username(required=True)
    email = _email(load_default="")
    password = _password()
    password1 = _password()
    password2 = _password()

    # also when other fields are wrong: nobody wants to hear it in two rounds
    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _check_passwords(self, data: dict[str, Any], given: dict[str, Any], **_: Any) -> None:
        if any(name in given and name not in data for name in _PASSWORDS):
            return  # what is wrong with it is told already
        who = {"username": data.get("username", ""), "email": data.get("email", "")}
        if "password1" in data or "password2" in data:
            if "password2" not in data and data.get("password1"):
                raise ValidationError({"password2": ["Missing data for required field."]})
            _check_new_password(data.get("password1"), data.get("password2"), "password1", **who)
        else:
            _check_new_password(data.get("password"), None, "password", **who)


class LoginSchema(BodySchema):
    """Who logs in: the user name or the e-mail address, and the password."""

    username = Text(validate=[validate.Length(max=150), printable])
    email = Text(validate=[validate.Length(max=254), printable])
    password = _password(required=True)

    @validates_schema
    def _check_name(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("username") and not data.get("email"):
            raise ValidationError({"username": ["Give the user name or the e-mail address."]})


class PasswordChangeSchema(BodySchema):
    """A new password, and the one that holds until now."""

    old_password = _password(required=True)
    new_password1 = _password(required=True)
    new_password2 = _password(required=True)

    @validates_schema
    def _check_passwords(self, data: dict[str, Any], **_: Any) -> None:
        _check_new_password(data.get("new_password1"), data.get("new_password2"), "new_password1")


class EmptySchema(BodySchema):
    """No fields."""


class UserSchema(BodySchema):
    """An account."""

    pk = fields.Integer(dump_only=True, attribute="id")
    username = _username(required=True)
    email = _email()
    first_name = _name()
    last_name = _name()


class LoginAnswerSchema(Schema):
    """A login: the key to send as `Authorization: Bearer KEY`, and whose it is."""

    key = fields.String(required=True)
    token_type = fields.Constant("Bearer", required=True)
    expires_at = fields.AwareDateTime(required=True)
    user = fields.Nested(UserSchema, required=True)


class DetailSchema(Schema):
    """A sentence."""

    detail = fields.String(required=True)


class SessionSchema(Schema):
    """A login on one device."""

    id = fields.String(required=True)
    current = fields.Boolean(
        required=True, metadata={"description": "Whether this very request uses it."}
    )
    user_agent = fields.String(required=True)
    address = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class BotStateSchema(Schema):
    """Where a bot is in its life."""

    state = fields.Enum(BotState, by_value=True, required=True)
    reason = fields.Enum(Reason, by_value=True, required=True, allow_none=True)
    detail = fields.String(
        required=True, allow_none=True, metadata={"description": "A sentence for the bot's owner."}
    )
    since = fields.AwareDateTime(required=True)
    attempts = fields.Integer(
        required=True, metadata={"description": "Starts in a row that have not worked out."}
    )
    next_attempt_at = fields.AwareDateTime(required=True, allow_none=True)


class BotCountersSchema(Schema):
    """What a bot has to do, and when it last heard from Telegram."""

    last_poll_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When Telegram last answered getUpdates."},
    )
    last_update_at = fields.AwareDateTime(required=True, allow_none=True)
    pending = fields.Integer(
        required=True, metadata={"description": "Updates that are stored and not handled yet."}
    )
    dead = fields.Integer(
        required=True, metadata={"description": "Updates whose handler failed for good."}
    )


class BotStatusSchema(BotStateSchema, BotCountersSchema):
    """What is true of a bot now."""


class DeadUpdateSchema(Schema):
    """An update whose handler failed three times, or that cannot be understood."""

    update_id = fields.Integer(required=True)
    received_at = fields.AwareDateTime(required=True)
    dead_at = fields.AwareDateTime(required=True)
    attempts = fields.Integer(required=True)
    error = fields.String(required=True)
    update = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "The update as it came from Telegram, or what was kept of it."},
    )
    update_bytes = fields.Integer(
        required=True, metadata={"description": "How long that is as JSON, shown or not."}
    )
    update_left_out = fields.Boolean(
        required=True, metadata={"description": "Whether the list would be too long with it."}
    )


_TOKEN = validate.Regexp(
    rf"({TOKEN_PATTERN.pattern}|{MASKED_TOKEN_PATTERN.pattern})\Z",
    error="A token looks like 123456789:AAExample-35-letters, as @BotFather gives it.",
)


def of_possible_bot(token: str) -> None:
    """Refuse a token whose number is above all that Telegram gives to bots."""
    number = token.partition(":")[0]
    if number.isdecimal() and int(number[:20]) > MAX_TELEGRAM_ID:
        raise ValidationError("The number before the colon is too large for a Telegram bot's.")


class TokenField(fields.String):
    """Text that was copied from a chat, often with the blank or the line's end behind it."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(value, *args, **kwargs)).strip()


class BotSchema(BodySchema):
    """A bot. Its token is shown in full only in the answer to the request that set it."""

    id = fields.Integer(dump_only=True)
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
    telegram_id = fields.Integer(dump_only=True, allow_none=True)
    username = fields.String(dump_only=True)
    created_at = fields.AwareDateTime(dump_only=True)
    updated_at = fields.AwareDateTime(dump_only=True)
    status = fields.Nested(BotStatusSchema, dump_only=True)


class ProblemSchema(Schema):
    """An error, as RFC 9457 describes it."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.Enum(Code, by_value=True, required=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Sentences by field."},
    )
    request_id = fields.String(
        required=True,
        metadata={"description": "The id of this request in the log, also in X-Request-ID."},
    )
    incident = fields.String(metadata={"description": "The id of this failure in the log."})


class HealthSchema(Schema):
    """Whether the server does its work."""

    status = fields.String(required=True)


class ReadinessSchema(Schema):
    """Whether every active bot has been tried once since the start, and how the bots are."""

    status = fields.String(required=True)
    bots = fields.Dict(
        keys=fields.Enum(BotState, by_value=True), values=fields.Integer(), required=True
    )
