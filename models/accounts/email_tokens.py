"""Tokens that are sent by e-mail: each proves once, within an hour, that an address is read.

A token is stored as its hash: whoever reads the database cannot use it. It holds for the address
it was sent to, and is worth nothing once the account has another one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

import peewee

from models.accounts.users import User, UserRecord, fold, locked, record
from models.engine.base import BaseModel, UTCDateTimeField, now

LIFETIME = timedelta(hours=1)


class Purpose(StrEnum):
    """The use of a token."""

    RESET = "reset"
    VERIFICATION = "verification"


class EmailToken(BaseModel):
    """A token that was sent and not used yet."""

    token_hash = peewee.CharField(max_length=64, primary_key=True)
    user = peewee.ForeignKeyField(User, on_delete="CASCADE")
    purpose = peewee.CharField(max_length=16)
    email_key = peewee.CharField(max_length=762)
    expires_at = UTCDateTimeField(index=True)

    class Meta:
        table_name = "email_tokens"


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, to be sent to the account's address."""

    user: UserRecord
    token: str


def _hash(token: str) -> str:
    # not a slow hash: a random token cannot be guessed from it
    return sha256(token.encode()).hexdigest()


def issue(address: str, *, purpose: Purpose) -> Issued | None:
    """Make a token for the account of an address; earlier ones of this purpose are void.

    Returns:
        None if there is no such account or it is disabled; for a reset, if the address is not
        verified; for a verification, if it is.
    """
    user = User.get_or_none(User.email_key == fold(address), User.disabled_at.is_null())
    if user is None or (user.email_verified_at is None) is (purpose is Purpose.RESET):
        return None
    user = locked(user.id)  # before its tokens, as everybody does
    forget(user.id, purpose)
    token = secrets.token_urlsafe(32)
    EmailToken.create(
        token_hash=_hash(token),
        user=user,
        purpose=purpose,
        email_key=user.email_key,
        expires_at=now() + LIFETIME,
    )
    return Issued(record(user), token)


def find(token: str, *, purpose: Purpose) -> UserRecord | None:
    """Find the account that a token was made for; None if the token is worth nothing."""
    row = (
        EmailToken.select(EmailToken, User)
        .join(User)
        .where(
            EmailToken.token_hash == _hash(token),
            EmailToken.purpose == purpose,
            EmailToken.expires_at > now(),
            EmailToken.email_key == User.email_key,
            User.disabled_at.is_null(),
        )
        .first()
    )
    return record(row.user) if row else None


def take(token: str, *, purpose: Purpose) -> UserRecord | None:
    """Use a token up; None if it is worth nothing."""
    user = find(token, purpose=purpose)
    if user is None:
        return None
    try:
        locked(user.id)
    except User.DoesNotExist:
        return None
    user = find(token, purpose=purpose)  # it may have been used before the row was ours
    EmailToken.delete().where(EmailToken.token_hash == _hash(token)).execute()
    return user


def forget(user_id: int, purpose: Purpose) -> None:
    """Remove an account's tokens of a purpose."""
    EmailToken.delete().where(EmailToken.user == user_id, EmailToken.purpose == purpose).execute()


def delete_expired() -> None:
    """Remove the tokens whose hour is over."""
    EmailToken.delete().where(EmailToken.expires_at <= now()).execute()
