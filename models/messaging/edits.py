"""Edits: a message says something else now, and what it said before is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.engine import bulk
from models.messaging import search
from models.messaging.marks import Handled
from models.messaging.received import Received


def store(early: list[Handled], handled: list[Handled], moment: Any) -> list[Handled]:
    """Store the edits among some updates.

    Args:
        early: updates that this transaction stores.
        handled: others; of those that are marked already, an edit was stored with the mark.
        moment: the current time, as returned by `bulk.stored`.

    Returns:
        The edits of messages that are not stored, as new messages: they say what is known of them.
    """
    unknown: list[Handled] = []
    for mark in (*early, *(mark for mark in handled if _edit_of(mark) and not _is_marked(mark))):
        if (edit := _edit_of(mark)) is not None and not _store(mark, edit, moment):
            unknown.append(replace(mark, received=replace(edit, is_edit=False), messages=[]))
    return unknown


def _edit_of(mark: Handled) -> Received | None:
    return mark.received if mark.received is not None and mark.received.is_edit else None


def _is_marked(mark: Handled) -> bool:
    return not bulk.select(
        "SELECT 1 FROM updates WHERE bot_id = ? AND update_id = ? AND handled_at IS NULL", *mark.key
    )


def _store(mark: Handled, edit: Received, moment: Any) -> bool:
    """Store an edit, if its bot is still the same and has a history.

    Returns:
        False if the message is not stored.
    """
    rows = bulk.select(
        "SELECT messages.id, text, content, edited_at FROM messages "
        "JOIN bots ON bots.id = messages.bot_id AND bots.token_generation = ? "
        "AND COALESCE(bots.owner_id, 0) = ? AND bots.history "
        "WHERE bot_id = ? AND chat_id = ? "
        "AND state = 'received' AND messages.telegram_id IS NOT NULL AND messages.telegram_id = ? "
        "ORDER BY messages.id DESC LIMIT 1",
        mark.writer.token_generation, mark.writer.owner_id, mark.writer.bot_id, mark.chat_id,
        edit.telegram_id,
    )  # fmt: skip
    if not rows:
        return False
    number, text, content, edited_at = rows[0]
    content = bytes(content or b"")
    if (text, content) == (edit.text, edit.content):
        return True
    last = bulk.loaded(edited_at)
    if last is not None and edit.sent_at < last:  # of a dead update that was handled again
        _keep(number, edit.text, edit.content, moment)
        return True
    keep_earlier(number, mark.writer.bot_id, text, content, new=edit.text, moment=moment)
    bulk.execute(
        "UPDATE messages SET kind = ?, text = ?, content = ?, edited_at = ? WHERE id = ?",
        edit.kind, edit.text, edit.content, bulk.stored(edit.sent_at), number,
    )  # fmt: skip
    return True


def keep_earlier(
    number: int, bot_id: int, old: str | None, content: bytes, *, new: str | None, moment: Any
) -> None:
    """Keep the text of a message that is about to say something else.

    Args:
        number: the message.
        old, content: what it says.
        new: the text that it gets.
        moment: the current time, as returned by `bulk.stored`.
    """
    search.replace(number, bot_id, old, new)
    _keep(number, old, content, moment)


def _keep(number: int, text: str | None, content: bytes, moment: Any) -> None:
    bulk.execute(
        "INSERT INTO earlier_texts (message_id, text, content, replaced_at) VALUES (?, ?, ?, ?)",
        number, text, content, moment,
    )  # fmt: skip
