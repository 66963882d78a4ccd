"""Login sessions: a key is valid only while its session's row exists."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import peewee

from models.accounts import audit, email_tokens, known_networks
from models.accounts.audit import Action, Actor
from models.accounts.email_tokens import Purpose
from models.accounts.users import (
    Credentials,
    User,
    UserRecord,
    find_credentials,
    locked,
    record,
    set_password_hash,
)
from models.accounts.users import create as create_user
from models.engine import change_marker
from models.engine.base import BaseModel, UTCDateTimeField, now
from models.engine.bulk import select, stored
from models.errors import AccountDisabled, NotStaff, PasswordChanged, SessionEnded

T = TypeVar("T")

KEPT = 50  # live sessions of an account


class Session(BaseModel):
    """One login on one device. The id is random, so that it is never used twice."""

    id = peewee.CharField(max_length=32, primary_key=True)
    user = peewee.ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    user_agent = peewee.CharField(max_length=200, default="")
    address = peewee.CharField(max_length=64, default="")
    created_at = UTCDateTimeField()
    last_used_at = UTCDateTimeField()
    expires_at = UTCDateTimeField(index=True)

    class Meta:
        table_name = "sessions"


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as the rest of the program sees it."""

    id: str
    user_id: int
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


def _record(row: Session) -> SessionRecord:
    return SessionRecord(
        row.id,
        row.user_id,
        row.user_agent,
        row.address,
        row.created_at,
        row.last_used_at,
        row.expires_at,
    )


def find_for_login(
    *, username: str | None, email: str | None, address: str
) -> tuple[Credentials | None, bool]:
    """Find the account for a login; also return True if the address has logged in to it before.

    The same statements run if there is no such account.
    """
    match = find_credentials(username=username, email=email)
    return match, known_networks.knows(match.user.id if match else 0, address)


def register(
    *, username: str, email: str, password_hash: str, by: Actor, **session: Any
) -> tuple[UserRecord, SessionRecord]:
    """Create an account and a session; see `models.accounts.users.create` and `create`."""
    user = create_user(username=username, email=email, password_hash=password_hash, by=by)
    return user, create(user.id, password_hash=password_hash, by=by, **session)


def create(
    user_id: int,
    *,
    password_hash: str,
    lifetime: timedelta,
    user_agent: str = "",
    by: Actor,
) -> SessionRecord:
    """Create a session, and delete the account's expired ones and those beyond `KEPT`.

    Args:
        password_hash: the hash that the password was checked against; it may have changed during
            the check, which takes long.

    Raises:
        User.DoesNotExist: the account was deleted in the meantime.
        AccountDisabled: the account is disabled.
        PasswordChanged: the account has another password by now.
    """
    moment = now()
    user = locked(user_id)
    if user.disabled_at is not None:
        raise AccountDisabled
    if user.password_hash != password_hash:
        raise PasswordChanged
    Session.delete().where(Session.user == user_id, Session.expires_at <= moment).execute()
    _make_room(user_id)
    row = Session.create(
        id=secrets.token_urlsafe(16),
        user=user,
        user_agent=user_agent[:200],
        address=by.address[:64],
        created_at=moment,
        last_used_at=moment,
        expires_at=moment + lifetime,
    )
    if by.address:
        known_networks.remember(user_id, by.address)
    audit.record(Action.LOGIN, by, user_id=user_id, username=user.username)
    return _record(row)


def _make_room(user_id: int) -> None:
    """End the least recently used sessions, until there is room for one more."""
    mine = Session.user == user_id
    last_used = Session.select(Session.id).where(mine).order_by(Session.last_used_at.desc())
    kept = [session_id for (session_id,) in last_used.limit(KEPT - 1).tuples()]
    Session.delete().where(mine, Session.id.not_in(kept)).execute()


def find(session_id: str, user_id: int) -> tuple[UserRecord, SessionRecord] | None:
    """Find a live session with its account; None if it has ended or the account is disabled."""
    row = (
        Session.select(Session, User)
        .join(User)
        .where(
            Session.id == session_id,
            Session.user == user_id,
            Session.expires_at > now(),
            User.disabled_at.is_null(),
        )
        .first()
    )
    return (record(row.user), _record(row)) if row else None


def authorized(by: Actor, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a writing function if the actor is still authorized, in the same transaction.

    The request was authenticated earlier: since then it may have waited for Telegram or in a queue.
    With this check, revoking a session takes effect immediately for all writes.

    Args:
        by: the actor; passed on to the function. The operator is always authorized.
        fn: the writing function.

    Raises:
        SessionEnded: the actor's session has ended, or their account was disabled or deleted.
        NotStaff: the actor must be staff, and no longer is.
    """
    if by.user_id is not None:
        _check_authorized(by, by.user_id)
    return fn(*args, by=by, **kwargs)


def _check_authorized(by: Actor, user_id: int) -> None:
    sqlite = isinstance(Session._meta.database.obj, peewee.SqliteDatabase)  # a writer is alone
    # Lock the account first, as in all writes, against deadlocks; lock the session, so that it
    # cannot end before this transaction does.
    user = select(_ACCOUNT if sqlite else f"{_ACCOUNT} FOR UPDATE", user_id)
    if not user or user[0][0] is not None:
        raise SessionEnded
    if by.session_id:
        session = (by.session_id, user_id, stored(now()))
        if not select(_LIVE if sqlite else f"{_LIVE} FOR SHARE", *session):
            raise SessionEnded
    if by.staff and not user[0][1]:
        raise NotStaff


_ACCOUNT = "SELECT disabled_at, is_staff FROM users WHERE id = ?"
_LIVE = "SELECT id FROM sessions WHERE id = ? AND user_id = ? AND expires_at > ?"


def touch(session_id: str) -> None:
    """Record that a session was used just now."""
    Session.update(last_used_at=now()).where(Session.id == session_id).execute()


def list_for(user_id: int) -> list[SessionRecord]:
    """List the account's live sessions, the latest login first; `KEPT` at most."""
    query = (
        Session.select()
        .where(Session.user == user_id, Session.expires_at > now())
        .order_by(Session.created_at.desc(), Session.id)
        .limit(KEPT)  # an older version kept more
    )
    return [_record(row) for row in query]


def delete(session_id: str, *, user: UserRecord, action: Action, by: Actor) -> bool:
    """End one session of an account; return False if the account has no such session.

    Args:
        action: logout or session_ended.
    """
    query = Session.delete().where(Session.id == session_id, Session.user == user.id)
    if not query.execute():
        return False
    audit.record(action, by, user_id=user.id, username=user.username)
    return True


def delete_expired() -> None:
    """Delete the expired sessions."""
    Session.delete().where(Session.expires_at <= now()).execute()


def change_password(
    user: UserRecord,
    password_hash: str,
    *,
    checked_hash: str | None,
    keep: str | None,
    action: Action = Action.PASSWORD_CHANGED,
    by: Actor,
) -> None:
    """Store a new password's hash and end every session of the account.

    Args:
        checked_hash: the hash that the old password was checked against; it may have changed
            during the check, which takes long. None if the old password was not required.
        keep: the session that stays valid; None for none.
        action: for the audit log.

    Raises:
        User.DoesNotExist: the account was deleted in the meantime.
        PasswordChanged: the account has another password by now.
    """
    row = locked(user.id)
    if checked_hash is not None and row.password_hash != checked_hash:
        raise PasswordChanged
    set_password_hash(user.id, password_hash)
    Session.delete().where(Session.user == user.id, Session.id != (keep or "")).execute()
    email_tokens.forget(user.id, Purpose.RESET)
    known_networks.forget_all_but(user.id, by.address)
    if by.user_id is None:  # the command line: a running server must notice
        change_marker.renew()
    audit.record(action, by, user_id=user.id, username=user.username)
