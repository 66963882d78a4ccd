"""The audit log: actions with actor, time and address, written in the action's transaction.

Rows are added, and pruned when they are old; a trigger rejects changes of rows. They have no
foreign keys, so that they outlive the account or the bot that they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
import peewee

from models.engine.base import BaseModel, UTCDateTimeField, now
from models.engine.bulk import select, stored
from models.engine.pagination import Page, cut


class Action(StrEnum):
    """The kind of an action."""

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
    BOT_TAKEN_OVER = "bot_taken_over"  # from a row with a revoked token
    BOT_LOST = "bot_lost"  # to the account with the new token
    UPDATE_REPLAYED = "dead_update_replayed"
    UPDATE_DELETED = "dead_update_deleted"
    MESSAGE_WRITTEN = "message_written"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_DELETED = "message_deleted"
    MEDIA_UPLOADED = "media_uploaded"
    MEDIA_DELETED = "media_deleted"
    SCENARIO_PUBLISHED = "scenario_published"
    SCENARIO_RESTORED = "scenario_restored"
    CHAT_ERASED = "chat_erased"


class Entry(BaseModel):
    """One action."""

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
    """The actor of an action.

    Args:
        name: empty for the account itself, which may not exist yet.
        user_id: None for the account itself, and for the operator.
        address: the IP address of the request; empty for the command line.
        session_id: the session that must be valid when a write is carried out; empty for none.
        staff: True if the account must still be staff then.
    """

    name: str = ""
    user_id: int | None = None
    address: str = ""
    session_id: str = ""
    staff: bool = False


OPERATOR = Actor("operator")
PLATFORM = Actor("botyard")  # where the real actor must not be revealed
_NOBODY = 0  # no account has this id


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry as the rest of the program sees it.

    Args:
        actor_id: None for the operator at the command line.
        user_id: the affected account, or the account of the affected bot.
        details: further details; never a token or a password.
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


_INSERT = (
    "INSERT INTO audit (at, action, actor_id, actor, user_id, username, bot_id, details, address) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)


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
        by: the actor.
        user_id, username: the affected account, or the account of the affected bot.
        bot_id: the bot.
        details: further details that can be written as JSON and are not secret.

    Returns:
        The entry's id.
    """
    ((entry_id,),) = select(
        _INSERT,
        stored(now()),
        action.value,
        by.user_id if by.name else user_id,
        by.name or username,
        user_id,
        username,
        bot_id,
        orjson.dumps(details).decode() if details else "",
        by.address[:64],
    )
    return int(entry_id)


def forget_chat(user_id: int, bot_id: int, chat_id: int) -> None:
    """Remove the id of a chat from the entries about its messages; all else of them stays.

    Args:
        user_id: the account of the bot.
    """
    rows = Entry.select().where(
        Entry.user_id == user_id, Entry.bot_id == bot_id, Entry.details != ""
    )
    for row in list(rows.dicts()):
        details = orjson.loads(row["details"])
        if details.get("chat_id") == chat_id:
            del details["chat_id"]
            # a trigger refuses changes, so that an entry has to be replaced
            Entry.delete().where(Entry.id == row["id"]).execute()
            Entry.insert(**row | {"details": orjson.dumps(details).decode()}).execute()


def record_failed_login(by: Actor, *, user_id: int | None, username: str, reason: str = "") -> None:
    """Record a failed login.

    For a name without an account, the entry is deleted at once: neither the time nor the number
    of commits may reveal that an account exists.

    Args:
        user_id: the account; None if there is none with that name.
        reason: the reason, if it was not only a wrong password.
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
    """Return a page of entries, the latest first.

    Args:
        viewer_id: only entries about this account and its bots; None for all.
        action: only entries about this action.
        user: only entries about this account, in addition to `viewer_id`.
        since: only entries from this time on.
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
    """Delete old entries, up to `limit`; return the number of deleted ones."""
    entry = Entry.alias()
    old = entry.select(entry.id).where(entry.at < now() - older_than).order_by(entry.at)
    return int(Entry.delete().where(Entry.id.in_(old.limit(limit))).execute())
