"""Accounts: the `users` table and its operations, one function per transaction."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from models.accounts import audit
from models.accounts.audit import Action, Actor
from models.engine import change_marker
from models.engine.base import BaseModel, UTCDateTimeField, now
from models.errors import EmailTaken, UsernameTaken


class User(BaseModel):
    """A user. The `*_key` columns hold the values for comparison: folded, normalized."""

    username = peewee.CharField(max_length=150)
    username_key = peewee.CharField(max_length=450, unique=True)
    email = peewee.CharField(max_length=254, default="")
    email_key = peewee.CharField(max_length=762, null=True, unique=True)
    first_name = peewee.CharField(max_length=150, default="")
    last_name = peewee.CharField(max_length=150, default="")
    password_hash = peewee.CharField(max_length=128)
    is_staff = peewee.BooleanField(default=False)
    disabled_at = UTCDateTimeField(null=True)
    email_verified_at = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()

    class Meta:
        table_name = "users"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """An account as the rest of the program sees it; the password's hash is not in it."""

    id: int
    username: str
    email: str
    first_name: str
    last_name: str
    is_staff: bool
    disabled_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with the hash that its password is checked against."""

    user: UserRecord
    password_hash: str


def fold(text: str) -> str:
    """Return the form of a name or an address for comparison (Unicode NFKC, case folded)."""
    return unicodedata.normalize("NFKC", text).casefold()


def record(row: User) -> UserRecord:
    """Convert a row into plain data, which may leave the database thread."""
    return UserRecord(
        row.id,
        row.username,
        row.email,
        row.first_name,
        row.last_name,
        row.is_staff,
        row.disabled_at,
        row.created_at,
    )


def locked(user_id: int) -> User:
    """Return an account's row, locked until this transaction ends.

    On SQLite, no other transaction writes at the same time anyway.

    Raises:
        User.DoesNotExist: the account was deleted.
    """
    query = User.select().where(User.id == user_id)
    if not isinstance(User._meta.database.obj, peewee.SqliteDatabase):
        query = query.for_update()
    row: User = query.get()
    return row


def _check_free(*, username: str | None, email: str | None, exclude_id: int | None = None) -> None:
    """Check that no other account uses a name or an address, neither as name nor as address.

    Both can be used to log in, so a name that equals another account's address would hijack its
    login.
    """
    keys = [fold(text) for text in (username, email) if text]
    # one statement for a consistent view: with two, PostgreSQL may show a commit in between
    others = User.select(User.username_key, User.email_key).where(
        User.id != (exclude_id or 0), User.username_key.in_(keys) | User.email_key.in_(keys)
    )
    taken = {key for other in others for key in (other.username_key, other.email_key)}
    if username and fold(username) in taken:
        raise UsernameTaken(username)
    if email and fold(email) in taken:
        raise EmailTaken(email)


def _taken(error: peewee.IntegrityError) -> UsernameTaken | EmailTaken:
    """Return the error for the violated column, which both databases name."""
    return EmailTaken() if "email_key" in str(error) else UsernameTaken()


def create(
    *, username: str, email: str, password_hash: str, is_staff: bool = False, by: Actor
) -> UserRecord:
    """Create an account.

    Raises:
        UsernameTaken: another account has this name, in any case.
        EmailTaken: another account has this address, in any case.
    """
    _check_free(username=username, email=email)
    moment = now()
    try:
        row = User.create(
            username=username,
            username_key=fold(username),
            email=email,
            email_key=fold(email) if email else None,
            password_hash=password_hash,
            is_staff=is_staff,
            created_at=moment,
            updated_at=moment,
        )
    except peewee.IntegrityError as error:  # lost a race that only PostgreSQL allows
        raise _taken(error) from error
    audit.record(Action.REGISTERED, by, user_id=row.id, username=username)
    if is_staff:
        audit.record(Action.STAFF_GIVEN, by, user_id=row.id, username=username)
    return record(row)


def find_credentials(*, username: str | None, email: str | None) -> Credentials | None:
    """Find the account for a login; None if there is none.

    Args:
        username: the account's name; its address if no account has that name, for forms with one
            field for both.
        email: the account's address, if `username` is None.
    """
    # One statement in all cases: its duration must not reveal that the account exists.
    key = fold(username if username is not None else email or "")
    fits = User.email_key == key
    if username is not None:
        fits |= User.username_key == key
    rows = list(User.select().where(fits).limit(2))
    rows.sort(key=lambda row: row.username_key != key)
    return Credentials(record(rows[0]), rows[0].password_hash) if rows else None


def credentials(user_id: int) -> Credentials | None:
    """Return an account with its password hash, to check its password again."""
    row = User.get_or_none(User.id == user_id)
    return Credentials(record(row), row.password_hash) if row else None


def update(user_id: int, changes: dict[str, Any], *, by: Actor) -> UserRecord:
    """Change the fields of an account that its owner may change.

    Args:
        changes: any of username, email, first_name, last_name.

    Raises:
        UsernameTaken, EmailTaken: as for `create`.
        User.DoesNotExist: the account was deleted.
    """
    _check_free(username=changes.get("username"), email=changes.get("email"), exclude_id=user_id)
    before = User.get_by_id(user_id)
    values = dict(changes, updated_at=now())
    if "username" in changes:
        values["username_key"] = fold(changes["username"])
    if "email" in changes:
        values["email_key"] = fold(changes["email"]) or None
        if values["email_key"] != before.email_key:
            values["email_verified_at"] = None
    try:
        User.update(values).where(User.id == user_id).execute()
    except peewee.IntegrityError as error:
        raise _taken(error) from error
    changed = sorted(name for name in changes if getattr(before, name) != changes[name])
    if changed:
        name = before.username
        audit.record(Action.CHANGED, by, user_id=user_id, username=name, fields=changed)
    return record(User.get_by_id(user_id))


def set_password_hash(user_id: int, password_hash: str) -> None:
    """Store the hash of a new password."""
    User.update(password_hash=password_hash, updated_at=now()).where(User.id == user_id).execute()


def delete(user_id: int, *, by: Actor) -> list[int]:
    """Delete an account with its sessions and bots.

    Returns:
        The ids of the deleted bots.
    """
    user = User.get_or_none(User.id == user_id)
    bot_ids = [bot.id for bot in user.bots] if user else []
    User.delete().where(User.id == user_id).execute()
    if user is not None:
        name = user.username
        audit.record(Action.DELETED, by, user_id=user_id, username=name, bots=bot_ids)
    change_marker.renew()
    return bot_ids
