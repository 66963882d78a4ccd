"""Deleting messages: past their retention, of a bot, or of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from models.accounts.audit import Actor
from models.engine import bulk
from models.engine.base import now
from models.messaging import search
from models.messaging.messages import Message

_READ_AT_ONCE = 500
_DELETED_AT_ONCE = 500


def prune(*, older_than: timedelta, limit: int) -> int:
    """Delete messages that were sent or given up, oldest first, in one step.

    Args:
        older_than: the retention time.
        limit: the maximum number of deletions in this step.

    Returns:
        The number of deletions; fewer than `limit` means that none are left.
    """
    before = now() - older_than
    # Ids ascend with time, so the old ones are the first; those that wait are passed over.
    old: list[tuple[int, int, str | None]] = []
    for number, bot_id, text, created_at, done_at in _oldest_first():
        if len(old) == limit or created_at > before:
            break
        if done_at is not None and done_at <= before:
            old.append((number, bot_id, text))
    remove(old)
    return len(old)


def _oldest_first() -> Iterator[tuple[Any, ...]]:
    """Read messages part by part: PostgreSQL's driver has all rows of a query in memory."""
    columns = Message.id, Message.bot, Message.text, Message.created_at, Message.done_at
    last = 0
    while rows := list(
        Message.select(*columns)
        .where(Message.id > last)
        .order_by(Message.id)
        .limit(_READ_AT_ONCE)
        .tuples()
    ):
        yield from rows
        last = rows[-1][0]


def prune_unkept(*, limit: int) -> int:
    """Delete what was received or sent of bots that keep no history, in one step; as `prune`."""
    bot_ids = [bot_id for (bot_id,) in bulk.select("SELECT id FROM bots WHERE NOT history")]
    return _remove_some(bot_ids, "AND done_at IS NOT NULL", limit) if bot_ids else 0


def discard(bot_ids: list[int], *, limit: int, by: Actor) -> int:
    """Delete messages of bots that are about to be deleted, in one step; as `prune`.

    Args:
        by: the actor, whose permission `sessions.authorized` has checked.
    """
    return _remove_some(bot_ids, "", limit)


def forget(bot_id: int) -> None:
    """Delete all messages of a bot."""
    while _remove_some([bot_id], "", _READ_AT_ONCE) == _READ_AT_ONCE:
        pass


def _remove_some(bot_ids: list[int], condition: str, limit: int) -> int:
    """Delete messages of bots; return their number.

    Args:
        condition: SQL that follows that of the bots.
    """
    marks = ", ".join("?" * len(bot_ids))
    rows = bulk.select(
        f"SELECT id, bot_id, text FROM messages WHERE bot_id IN ({marks}) {condition} LIMIT ?",  # noqa: S608
        *bot_ids, limit,
    )  # fmt: skip
    remove(rows)
    return len(rows)


def remove(rows: list[tuple[int, int, str | None]]) -> None:
    """Delete messages, with what they said before and their entries in the index.

    Args:
        rows: id, bot and text of each.
    """
    search.remove(rows)
    for start in range(0, len(rows), _DELETED_AT_ONCE):
        numbers = [number for number, *_ in rows[start : start + _DELETED_AT_ONCE]]
        marks = ", ".join("?" * len(numbers))
        bulk.execute(f"DELETE FROM messages WHERE id IN ({marks})", *numbers)  # noqa: S608
