"""Bodies about accounts: registration, login, passwords, one's own data, sessions."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from handlers.schemas.common import BodySchema, Moment, Text
from models.accounts import passwords, rules


def _name(**options: Any) -> fields.String:
    return Text(validate=list(rules.NAME), **options)


# ECMA-262 has no class for the letters of all alphabets without a flag that not every reader of
# the document sets: this one rejects the other signs of ASCII, and accepts all that the rules do.
_USERNAME_PATTERN = r"^[^\x00-\x2a\x2c\x2f\x3a-\x3f\x5b-\x5e\x60\x7b-\xa9\u2000-\u206f]+$"
_USERNAME = {
    "description": "Letters of any alphabet, digits, and the signs . @ + - _ without blanks.",
    "examples": ["ann"],
    "pattern": _USERNAME_PATTERN,
}


def _username(**options: Any) -> fields.String:
    return Text(validate=list(rules.USERNAME), metadata=_USERNAME, **options)


def password_field(**options: Any) -> fields.String:
    """Make a field for a password, of which an answer never tells."""
    metadata = {"format": "password", "examples": ["correct horse battery"]}
    rule = validate.Length(max=passwords.MAX_LENGTH)
    return fields.String(validate=rule, load_only=True, metadata=metadata, **options)


class EmailField(Text):
    """An e-mail address, or an empty string for none."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(value, attr, data, **kwargs)).strip()


def email_field(*, empty: bool = True, **options: Any) -> EmailField:
    """Make a field for an e-mail address.

    Args:
        empty: True if it may be empty.
    """
    examples = {"examples": ["ann@example.org"]}
    least = validate.Length(min=0 if empty else 1)
    return EmailField(validate=[least, *rules.EMAIL], metadata=examples, **options)


def check_new_password(first: str | None, second: str | None, field: str, **user: str) -> None:
    """Check a new password that was entered twice.

    Args:
        second: the repetition; None for none.
        field: the name of the first; that of the second ends with 2.
        user: the user name and the e-mail address, which it must not be.

    Raises:
        ValidationError: the two differ, or the password is too weak.
    """
    if not first:
        raise ValidationError({field: ["Missing data for required field."]})
    if second is not None and first != second:
        raise ValidationError({f"{field[:-1]}2": ["The two passwords are not the same."]})
    if problems := passwords.weaknesses(first, **user):
        raise ValidationError({field: problems})


class AccountBodySchema(BodySchema):
    """The base of bodies under /rest-auth/: unknown fields are ignored, as DRF ignores them."""

    class Meta:
        unknown = EXCLUDE


_PASSWORDS = ("password", "password1", "password2")


class RegistrationSchema(AccountBodySchema):
    """A new account: the password once as `password`, or twice as `password1`, `password2`."""

    username = _username(required=True)
    email = email_field(load_default="")
    password = password_field()
    password1 = password_field()
    password2 = password_field()

    # even if other fields are invalid, so that all errors are reported at once
    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _check_passwords(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        if any(name in original and name not in data for name in _PASSWORDS):
            return  # its own error is reported already
        user = {"username": data.get("username", ""), "email": data.get("email", "")}
        if "password1" in data or "password2" in data:
            if "password2" not in data and data.get("password1"):
                raise ValidationError({"password2": ["Missing data for required field."]})
            check_new_password(data.get("password1"), data.get("password2"), "password1", **user)
        else:
            check_new_password(data.get("password"), None, "password", **user)


class LoginSchema(AccountBodySchema):
    """A login: the user name or the e-mail address, and the password."""

    username = Text(validate=[validate.Length(max=rules.MAX_USERNAME), rules.printable])
    email = Text(validate=[validate.Length(max=rules.MAX_EMAIL), rules.printable])
    password = password_field(required=True)

    @validates_schema
    def _check_name(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("username") and not data.get("email"):
            raise ValidationError('Must include either "username" or "email" and "password".')


class LogoutSchema(AccountBodySchema):
    """No fields."""


class PasswordChangeSchema(AccountBodySchema):
    """A new password, and the present one."""

    old_password = password_field(required=True)
    new_password1 = password_field(required=True)
    new_password2 = password_field(required=True)

    @validates_schema
    def _check_passwords(self, data: dict[str, Any], **_: Any) -> None:
        check_new_password(data.get("new_password1"), data.get("new_password2"), "new_password1")


class UserSchema(AccountBodySchema):
    """An account."""

    pk = fields.Integer(dump_only=True, attribute="id")
    username = _username(required=True)
    email = email_field()
    first_name = _name()
    last_name = _name()


class LoginAnswerSchema(Schema):
    """A login: the key to send as `Authorization: Bearer KEY`, and its account."""

    key = fields.String(required=True)
    token_type = fields.Constant("Bearer", required=True)
    expires_at = Moment(required=True)
    user = fields.Nested(UserSchema, required=True)


class SessionSchema(Schema):
    """A login on one device."""

    id = fields.String(required=True)
    current = fields.Boolean(
        required=True, metadata={"description": "True for the session of this request."}
    )
    user_agent = fields.String(required=True)
    address = fields.String(required=True)
    created_at = Moment(required=True)
    last_used_at = Moment(required=True)
    expires_at = Moment(required=True)
