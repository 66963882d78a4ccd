"""Login sessions: a key is worth something only while its row is here."""

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
from models.engine.base import BaseModel, UTCDateTimeField, now
from models.errors import AccountDisabled, NotStaff, PasswordChanged, SessionEnded

T = TypeVar("T")

KEPT = 50  # living sessions of an account


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
    """The account that somebody wants to log in to, and whether they did so from here before.

    The same statements run when there is no such account.
    """
    found = find_credentials(username=username, email=email)
    return found, known_networks.knows(found.user.id if found else 0, address)


def register(
    *, username: str, email: str, password_hash: str, by: Actor, **session: Any
) -> tuple[UserRecord, SessionRecord]:
    """Add an account and log it in; see `models.accounts.users.create` and `create`."""
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
    """Begin a session, and drop the account's expired ones and those beyond `KEPT` on the way.

    Args:
        password_hash: what the password was checked against; checking takes so long that it
            may have been changed meanwhile.

    Raises:
        User.DoesNotExist: the account was deleted meanwhile.
        AccountDisabled: it is switched off.
        PasswordChanged: it has another password by now.
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
    """End the sessions that were used longest ago, until the account may have one more."""
    mine = Session.user == user_id
    last_used = Session.select(Session.id).where(mine).order_by(Session.last_used_at.desc())
    kept = [session_id for (session_id,) in last_used.limit(KEPT - 1).tuples()]
    Session.delete().where(mine, Session.id.not_in(kept)).execute()


def find(session_id: str, user_id: int) -> tuple[UserRecord, SessionRecord] | None:
    """Find a live session with its account; None if it is over or the account is disabled."""
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
    """Run a function that writes, if the actor still may, in the same transaction.

    A request was let in some time before: it may have waited for Telegram or for its turn
    meanwhile. Revoking a session is immediate for all writes because of this check.

    Args:
        by: who writes; passed on to the function. The operator always may.
        fn: writes.

    Raises:
        SessionEnded: the actor's session is over, or their account is disabled or gone.
        NotStaff: the actor must be staff, and no longer is.
    """
    if by.user_id is not None:
        _check_authorized(by, by.user_id)
    return fn(*args, by=by, **kwargs)


def _check_authorized(by: Actor, user_id: int) -> None:
    try:
        user = locked(user_id)  # first, as everybody does, so that nobody waits in a circle
    except User.DoesNotExist:
        raise SessionEnded from None
    if user.disabled_at is not None or (by.session_id and not _is_live(by.session_id, user_id)):
        raise SessionEnded
    if by.staff and not user.is_staff:
        raise NotStaff


def _is_live(session_id: str, user_id: int) -> bool:
    """Check a session, and keep it from being ended before this transaction is over."""
    query = Session.select().where(
        Session.id == session_id, Session.user == user_id, Session.expires_at > now()
    )
    if not isinstance(Session._meta.database.obj, peewee.SqliteDatabase):
        query = query.for_update("FOR SHARE")
    return query.first() is not None


def touch(session_id: str) -> None:
    """Note that a session was used just now."""
    Session.update(last_used_at=now()).where(Session.id == session_id).execute()


def list_for(user_id: int) -> list[SessionRecord]:
    """The account's live sessions, the latest login first; never more than `KEPT`."""
    query = (
        Session.select()
        .where(Session.user == user_id, Session.expires_at > now())
        .order_by(Session.created_at.desc(), Session.id)
        .limit(KEPT)  # an older version kept more
    )
    return [_record(row) for row in query]


def delete(session_id: str, *, user: UserRecord, action: Action, by: Actor) -> bool:
    """End one session of an account; False when the account has no such session.

    Args:
        action: logout or session_ended.
    """
    query = Session.delete().where(Session.id == session_id, Session.user == user.id)
    if not query.execute():
        return False
    audit.record(action, by, user_id=user.id, username=user.username)
    return True


def delete_expired() -> None:
    """Remove the sessions whose time is over."""
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
        checked_hash: what the old password was checked against; checking takes so long that it
            may have been changed meanwhile. None where nobody asks for the old one.
        keep: the one session that goes on; None for none.
        action: for the audit log.

    Raises:
        User.DoesNotExist: the account was deleted meanwhile.
        PasswordChanged: it has another password by now.
    """
    row = locked(user.id)
    if checked_hash is not None and row.password_hash != checked_hash:
        raise PasswordChanged
    set_password_hash(user.id, password_hash)
    Session.delete().where(Session.user == user.id, Session.id != (keep or "")).execute()
    email_tokens.forget(user.id, Purpose.RESET)
    known_networks.forget_all_but(user.id, by.address)
    audit.record(action, by, user_id=user.id, username=user.username)
