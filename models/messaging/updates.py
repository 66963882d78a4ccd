"""The journal: every update of a bot, stored before it is confirmed to Telegram.

New updates and marks of handled ones are written by `models.messaging.flush`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import peewee

from models.bots.tables import Bot
from models.dialogs import conversations, menus, statistics, tags
from models.engine import bulk
from models.engine.base import BaseModel, UTCDateTimeField, now
from models.messaging import chats, media, removal


class Update(BaseModel):
    """One update of one bot: waiting, handled (`handled_at`) or dead (`dead_at`)."""

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    update_id = peewee.BigIntegerField()
    payload = peewee.BlobField()
    received_at = UTCDateTimeField()
    attempts = peewee.SmallIntegerField(default=0)
    handled_at = UTCDateTimeField(null=True)
    dead_at = UTCDateTimeField(null=True)
    error = peewee.TextField(default="")

    class Meta:
        table_name = "updates"
        primary_key = peewee.CompositeKey("bot", "update_id")


@dataclass(frozen=True, slots=True)
class StoredUpdate:
    """An update that is stored and not handled."""

    update_id: int
    payload: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of pending and of dead updates of a bot."""

    pending: int
    dead: int


def waiting(bot_id: int, *, after: int | None, limit: int) -> list[StoredUpdate]:
    """List the updates of a bot that are stored and not handled, oldest first.

    Args:
        after: only updates with a greater id; None for all.
        limit: the maximum number of updates.
    """
    query = (
        Update.select(Update.update_id, Update.payload, Update.attempts)
        .where(Update.bot == bot_id, *unhandled(dead=False))
        .order_by(Update.update_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Update.update_id > after)
    return [
        StoredUpdate(number, bytes(payload), tries) for number, payload, tries in query.tuples()
    ]


def save_failure(bot_id: int, update_id: int, *, attempts: int, error: str) -> None:
    """Store a failed attempt of an update's handler that will be retried.

    Args:
        attempts: the number of failed attempts so far.
        error: the error, without secrets.
    """
    Update.update(attempts=attempts, error=error).where(
        Update.bot == bot_id, Update.update_id == update_id
    ).execute()


def counts(bot_ids: list[int]) -> dict[int, Counts]:
    """Count the updates of some bots that wait, and those that are dead."""
    if not bot_ids:
        return {}
    mine = f"bot_id IN ({', '.join('?' * len(bot_ids))}) AND handled_at IS NULL"
    # Apart, and each in the words of its index: nothing but the index is read then.
    sql = (
        f"SELECT bot_id, COUNT(*), 0 FROM updates WHERE {mine} AND dead_at IS NULL "  # noqa: S608
        f"GROUP BY bot_id UNION ALL SELECT bot_id, 0, COUNT(*) FROM updates WHERE {mine} "
        "AND dead_at IS NOT NULL GROUP BY bot_id"
    )
    pending, dead = dict.fromkeys(bot_ids, 0), dict.fromkeys(bot_ids, 0)
    for bot_id, waiting_ones, dead_ones in bulk.select(sql, *bot_ids, *bot_ids):
        pending[bot_id] += waiting_ones
        dead[bot_id] += dead_ones
    return {bot_id: Counts(pending[bot_id], dead[bot_id]) for bot_id in bot_ids}


def totals() -> Counts:
    """Count the pending and the dead updates of all bots."""
    pending, dead_ones = (
        Update.select().where(*unhandled(dead=dead)).count() for dead in (False, True)
    )
    return Counts(pending, dead_ones)


def unhandled(*, dead: bool) -> tuple[Any, Any]:
    """Return the condition of pending or of dead updates, identical to that of its index."""
    return Update.handled_at.is_null(), Update.dead_at.is_null(not dead)


def forget(bot_id: int) -> None:
    """Clear a bot's journal, because it is another Telegram bot now."""
    Update.delete().where(Update.bot == bot_id).execute()
    removal.forget(bot_id)
    chats.forget(bot_id)
    conversations.forget(bot_id)
    statistics.forget(bot_id)
    tags.forget(bot_id)
    media.forget_file_ids(bot_id)
    Bot.update(update_offset=0, last_update_at=None).where(Bot.id == bot_id).execute()
    menus.forget(bot_id)  # whoever writes a menu locks the bot's row before, too


def prune(*, older_than: timedelta, limit: int) -> int:
    """Delete the keys of handled updates, oldest first, in one step.

    Args:
        older_than: the retention time.
        limit: the maximum number of deletions in this step.

    Returns:
        The number of deletions; fewer than `limit` means that none are left.
    """
    handled = Update.alias()
    old = (
        handled.select(handled.bot, handled.update_id)
        .where(handled.handled_at < now() - older_than)
        .order_by(handled.handled_at)
        .limit(limit)
    )
    key = peewee.Tuple(Update.bot, Update.update_id)
    return int(Update.delete().where(key.in_(old)).execute())
