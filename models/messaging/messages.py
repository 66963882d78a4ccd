"""Messages of both directions; those that go out are rows from the moment they are decided.

A bot's own messages are stored as `sending`, in the commit that marks their update as handled. What
a person writes is stored as `queued`, and becomes `sending` in a commit before it is sent. So after
a crash it is known which of them may have reached Telegram.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

import peewee

from models.accounts.users import User
from models.bots.tables import Bot
from models.engine import bulk
from models.engine.base import BaseModel, UTCDateTimeField, now


class Lane(IntEnum):
    """Who goes first when a bot may not send as fast as it would like."""

    DIALOG = 0
    OPERATOR = 1
    SERVICE = 2
    BROADCAST = 3


class MessageState(StrEnum):
    """How far a message is."""

    RECEIVED = "received"  # from a person; all others are of messages that go out
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class SendReason(StrEnum):
    """Why a message was not sent, or why that is not known."""

    BLOCKED = "blocked"  # the person blocked the bot, or a group removed it
    REJECTED = "rejected"  # Telegram does not accept the message
    EXPIRED = "expired"
    UNREACHABLE = "telegram_unreachable"
    INTERRUPTED = "interrupted"  # the server or the bot ended while it was sent
    NO_REPLY = "no_reply"


class Message(BaseModel):
    """One message, of either direction. `state` is `received` of those that people sent.

    An album is one call of Telegram and several rows: the first has the call, the others have an
    empty `method`. `group_id` ties the rows of one document: it is the id of the first of them.
    """

    id = peewee.BigAutoField()
    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    chat_id = peewee.BigIntegerField()
    lane = peewee.SmallIntegerField()
    author = peewee.ForeignKeyField(User, null=True, on_delete="SET NULL", index=False)
    group_id = peewee.BigIntegerField(null=True)
    update_id = peewee.BigIntegerField(null=True)
    state = peewee.CharField(max_length=8)
    method = peewee.CharField(max_length=32)
    parameters = peewee.BlobField()
    typing = peewee.SmallIntegerField(default=0)
    telegram_id = peewee.BigIntegerField(null=True)
    reason = peewee.CharField(max_length=32, null=True)
    detail = peewee.CharField(max_length=300, null=True)
    created_at = UTCDateTimeField()
    expires_at = UTCDateTimeField(null=True)
    done_at = UTCDateTimeField(null=True)
    kind = peewee.CharField(max_length=32, null=True)
    text = peewee.TextField(null=True)
    content = peewee.BlobField(null=True)
    sender_id = peewee.BigIntegerField(null=True)
    topic_id = peewee.BigIntegerField(null=True)
    edited_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "messages"


class EarlierText(BaseModel):
    """What a message said before it was edited."""

    id = peewee.BigAutoField()
    message = peewee.ForeignKeyField(Message, on_delete="CASCADE", backref="earlier")
    text = peewee.TextField(null=True)
    content = peewee.BlobField()
    replaced_at = UTCDateTimeField()

    class Meta:
        table_name = "earlier_texts"


@dataclass(slots=True)
class StoredMessage:
    """A message that is stored and not sent: one call of Telegram.

    Args:
        ids: its rows; several for an album.
        parameters: the call's parameters as JSON.
        typing: seconds for which the bot shows that it is typing before.
        expires_at: when it is no longer to be sent; None for never.
    """

    ids: tuple[int, ...]
    chat_id: int
    lane: Lane
    method: str
    parameters: bytes
    typing: int = 0
    expires_at: datetime | None = None


_PENDING = "state IN ('queued', 'sending')"  # in the words of its index


def pending(bot_id: int, lane: Lane, *, after: int, limit: int) -> tuple[list[StoredMessage], bool]:
    """List a bot's messages that are to be sent, oldest first.

    Args:
        after: only those with a greater id.
        limit: the number of rows to read; more than an album has.

    Returns:
        The messages, and True if there are no others.
    """
    condition = "lane = ? AND id > ? ORDER BY id LIMIT ?"
    rows = _select_pending(condition, bot_id, int(lane), after, limit)
    if len(rows) < limit:
        return _calls(rows), True
    return _calls(rows)[:-1], False  # the last may be cut


def of_updates(bot_id: int, update_ids: list[int]) -> list[StoredMessage]:
    """List the bot's own messages that are to be sent and that these updates led to."""
    marks = ", ".join("?" * len(update_ids))
    return _calls(
        _select_pending(f"lane = 0 AND update_id IN ({marks}) ORDER BY id", bot_id, *update_ids)
    )


def of_ids(bot_id: int, ids: list[int]) -> list[StoredMessage]:
    """List those of some messages that have not been sent, nor are being sent."""
    marks = ", ".join("?" * len(ids))
    return _calls(
        _select_pending(f"state = 'queued' AND id IN ({marks}) ORDER BY id", bot_id, *ids)
    )


def _select_pending(condition: str, bot_id: int, *parameters: Any) -> list[tuple[Any, ...]]:
    sql = (
        "SELECT id, chat_id, group_id, lane, method, parameters, typing, expires_at FROM messages "  # noqa: S608
        f"WHERE bot_id = ? AND {_PENDING} AND {condition}"
    )
    return bulk.select(sql, bot_id, *parameters)


def _calls(rows: list[tuple[Any, ...]]) -> list[StoredMessage]:
    """Combine rows to calls: those of an album follow its first."""
    calls: list[StoredMessage] = []
    album = None
    for number, chat_id, group_id, lane, method, parameters, typing, expires_at in rows:
        if not method:
            if album == (chat_id, group_id):
                calls[-1].ids += (number,)
            continue
        album = chat_id, group_id
        calls.append(
            StoredMessage(
                (number,),
                chat_id,
                Lane(lane),
                method,
                bytes(parameters),
                typing,
                bulk.loaded(expires_at),
            )
        )
    return calls


def interrupted(bot_id: int | None = None) -> int:
    """Tell of people's messages that were being sent when a process ended: their fate is unknown.

    Args:
        bot_id: the bot; None for all bots.

    Returns:
        The number of messages.
    """
    mine = "" if bot_id is None else "bot_id = ? AND "
    sql = (
        "UPDATE messages SET state = 'unknown', reason = ?, done_at = ? "  # noqa: S608
        f"WHERE {mine}{_PENDING} AND state = 'sending' AND lane > ?"
    )
    mine_too = () if bot_id is None else (bot_id,)
    moment = bulk.stored(now())
    cursor = bulk.execute(sql, SendReason.INTERRUPTED, moment, *mine_too, int(Lane.DIALOG))
    return int(cursor.rowcount)


def interrupted_of(process_id: int) -> None:
    """Tell of people's messages that a process was sending when it died; as `interrupted`."""
    bulk.execute(
        "UPDATE messages SET state = 'unknown', reason = ?, done_at = ? FROM bots "  # noqa: S608
        f"WHERE bots.id = messages.bot_id AND bots.owner_id = ? AND {_PENDING} "
        "AND messages.state = 'sending' AND lane > ?",
        SendReason.INTERRUPTED,
        bulk.stored(now()),
        process_id,
        int(Lane.DIALOG),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """The messages of a lane and state that are to be sent.

    Args:
        oldest: when the oldest of a bot that should run was written; None if there is none.
    """

    lane: Lane
    state: MessageState
    count: int
    oldest: datetime | None


def waiting() -> list[Waiting]:
    """Count the messages of all bots that are to be sent."""
    sql = (
        "SELECT lane, state, COUNT(*), MIN(CASE WHEN bots.active THEN messages.created_at END) "  # noqa: S608
        f"FROM messages JOIN bots ON bots.id = messages.bot_id WHERE {_PENDING} "
        "GROUP BY lane, state"
    )
    return [
        Waiting(Lane(lane), MessageState(state), count, bulk.loaded(oldest))
        for lane, state, count, oldest in bulk.select(sql)
    ]
