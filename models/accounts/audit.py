"""The audit log: who did what, when and from where, written in the transaction that does it.

Rows are added, and pruned when they are old; a trigger refuses to change one. They point at
nothing by foreign key, so that they survive the account or bot they tell of, with its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
import peewee

from models.engine.base import BaseModel, UTCDateTimeField, now
from models.engine.pagination import Page, cut


class Action(StrEnum):
    """What was done."""

    REGISTERED = "account_registered"
    CHANGED = "account_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    EMAIL_VERIFIED = "email_verified"
    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    SESSION_ENDED = "session_ended"
    DELETED = "account_deleted"
    DISABLED = "account_disabled"
    ENABLED = "account_enabled"
    STAFF_GIVEN = "staff_given"
    STAFF_TAKEN = "staff_taken"
    BOT_CREATED = "bot_created"
    BOT_CHANGED = "bot_changed"
    BOT_SWITCHED_ON = "bot_switched_on"
    BOT_SWITCHED_OFF = "bot_switched_off"
    BOT_DELETED = "bot_deleted"
    BOT_TAKEN_OVER = "bot_taken_over"  # from a row whose token is dead
    BOT_LOST = "bot_lost"  # to whoever has the new token
    UPDATE_REPLAYED = "dead_update_replayed"
    UPDATE_DELETED = "dead_update_deleted"


class Entry(BaseModel):
    """One thing that was done."""

    at = UTCDateTimeField(index=True)
    action = peewee.CharField(max_length=32)
    actor_id = peewee.IntegerField(null=True)
    actor = peewee.CharField(max_length=150)
    user_id = peewee.IntegerField(null=True, index=True)
    username = peewee.CharField(max_length=150, default="")
    bot_id = peewee.IntegerField(null=True)
    details = peewee.TextField(default="")
    address = peewee.CharField(max_length=64, default="")

    class Meta:
        table_name = "audit"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something.

    Args:
        name: empty for the account itself, which may not exist yet.
        user_id: None for the account itself, and for the operator.
        address: the IP address it comes from; empty at the command line.
        session_id: the session that must still live when a write is carried out; empty for none.
        staff: True if the account must still be staff then.
    """

    name: str = ""
    user_id: int | None = None
    address: str = ""
    session_id: str = ""
    staff: bool = False


OPERATOR = Actor("operator")
PLATFORM = Actor("botyard")  # when whoever brought it about must not be told
_NOBODY = 0  # no account has this id


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry as the rest of the program sees it.

    Args:
        actor_id: None for the operator at the command line.
        user_id: the account that it was done to, or to whose bot.
        details: what there is to know beside that; never a token or a password.
    """

    id: int
    at: datetime
    action: str
    actor_id: int | None
    actor: str
    user_id: int | None
    username: str
    bot_id: int | None
    details: dict[str, Any]
    address: str


def record(
    action: Action,
    by: Actor,
    *,
    user_id: int,
    username: str,
    bot_id: int | None = None,
    **details: Any,
) -> int:
    """Add an entry; it is stored if the transaction is.

    Args:
        by: who does it.
        user_id, username: the account it is done to, or to whose bot.
        bot_id: the bot.
        details: what can be written as JSON and is no secret.

    Returns:
        Its id.
    """
    entry_id: int = Entry.insert(
        at=now(),
        action=action,
        actor_id=by.user_id if by.name else user_id,
        actor=by.name or username,
        user_id=user_id,
        username=username,
        bot_id=bot_id,
        details=orjson.dumps(details).decode() if details else "",
        address=by.address[:64],
    ).execute()
    return entry_id


def record_failed_login(by: Actor, *, user_id: int | None, username: str, reason: str = "") -> None:
    """Add that somebody did not get in.

    For a name that nobody has, the entry goes again at once: what is done for an account must
    not be told from what is done for none, neither by its time nor by the count of commits.

    Args:
        user_id: the account; None when there is none of that name.
        reason: why, when it was not for the password alone.
    """
    details: dict[str, Any] = {"reason": reason} if reason else {}
    entry_id = record(
        Action.LOGIN_FAILED, by, user_id=user_id or _NOBODY, username=username, **details
    )
    Entry.delete().where(Entry.id == entry_id, Entry.user_id == _NOBODY).execute()


def entries(
    *,
    page: int,
    page_size: int,
    viewer_id: int | None = None,
    action: Action | None = None,
    user: int | None = None,
    since: datetime | None = None,
) -> Page[EntryRecord]:
    """Some of the log, the latest first.

    Args:
        viewer_id: only what was done to this account and its bots; None for everything.
        action: only this.
        user: only what was done to this account, too.
        since: only what was not done before.
    """
    query = Entry.select().order_by(Entry.id.desc())
    for account in (viewer_id, user):
        if account is not None:
            query = query.where(Entry.user_id == account)
    if action is not None:
        query = query.where(Entry.action == action)
    if since is not None:
        query = query.where(Entry.at >= since)
    return cut(query, page=page, page_size=page_size).map(lambda rows: [_record(r) for r in rows])


def _record(row: Entry) -> EntryRecord:
    return EntryRecord(
        row.id,
        row.at,
        row.action,
        row.actor_id,
        row.actor,
        row.user_id,
        row.username,
        row.bot_id,
        orjson.loads(row.details) if row.details else {},
        row.address,
    )


def prune(*, older_than: timedelta, limit: int) -> int:
    """Remove old entries, a step at a time; how many went."""
    entry = Entry.alias()
    old = entry.select(entry.id).where(entry.at < now() - older_than).order_by(entry.at)
    return int(Entry.delete().where(Entry.id.in_(old.limit(limit))).execute())
