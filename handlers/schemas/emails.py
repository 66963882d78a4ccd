"""Bodies about links that are sent by e-mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import validate, validates_schema

from handlers.schemas.accounts import (
    AccountBodySchema,
    check_new_password,
    email_field,
    password_field,
)
from handlers.schemas.common import Text
from models.accounts.rules import printable

_TOKEN: list[Callable[[str], Any]] = [validate.Length(min=1, max=200), printable]


class EmailAddressSchema(AccountBodySchema):
    """An e-mail address."""

    email = email_field(required=True, empty=False)


class PasswordResetSchema(AccountBodySchema):
    """A new password, with the `token` of a link; its `uid` may be sent along."""

    token = Text(required=True, validate=_TOKEN)
    uid = Text(validate=_TOKEN)
    new_password1 = password_field(required=True)
    new_password2 = password_field(required=True)

    @validates_schema
    def _check_passwords(self, data: dict[str, Any], **_: Any) -> None:
        check_new_password(data.get("new_password1"), data.get("new_password2"), "new_password1")


class EmailVerificationSchema(AccountBodySchema):
    """The key of a link."""

    key = Text(required=True, validate=_TOKEN)
