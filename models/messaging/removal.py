"""Deleting messages: past their retention, of a bot, or of a person."""

from __future__ import annotations

from datetime import timedelta

from models.engine import bulk
from models.engine.base import now
from models.messaging import search
from models.messaging.messages import Message

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
    columns = Message.id, Message.bot, Message.text, Message.created_at, Message.done_at
    old: list[tuple[int, int, str | None]] = []
    for number, bot_id, text, created_at, done_at in (
        Message.select(*columns).order_by(Message.id).tuples().iterator()
    ):
        if len(old) == limit or created_at > before:
            break
        if done_at is not None and done_at <= before:
            old.append((number, bot_id, text))
    remove(old)
    return len(old)


def prune_unkept(*, limit: int) -> int:
    """Delete what was sent of bots that keep no history, in one step; as `prune`."""
    rows = bulk.select(
        "SELECT messages.id, bot_id, text FROM messages JOIN bots ON bots.id = bot_id "
        "WHERE NOT bots.history AND done_at IS NOT NULL LIMIT ?",
        limit,
    )
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
