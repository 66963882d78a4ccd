"""Deleting messages: past their retention, of a bot, or of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

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
    rows: list[tuple[int, int, str | None]] = []
    for (bot_id,) in bulk.select("SELECT id FROM bots WHERE NOT history"):  # usually none
        rows += bulk.select(
            "SELECT id, bot_id, text FROM messages WHERE bot_id = ? AND done_at IS NOT NULL "
            "LIMIT ?",
            bot_id, limit - len(rows),
        )  # fmt: skip
        if len(rows) == limit:
            break
    remove(rows)
    return len(rows)


def forget(bot_id: int) -> None:
    """Delete all messages of a bot."""
    remove(bulk.select("SELECT id, bot_id, text FROM messages WHERE bot_id = ?", bot_id))


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
