"""Edits: a message says something else now, and what it said before is kept."""

from __future__ import annotations

from typing import Any

from models.engine import bulk
from models.messaging import search
from models.messaging.marks import Handled, Key
from models.messaging.received import Received


def store(handled: list[Handled], moment: Any) -> dict[Key, int]:
    """Store the edits among some updates.

    One that is stored twice changes nothing the second time: the message says that already.

    Returns:
        The ids of the messages, by update. A message that is not known is not among them.
    """
    found: dict[Key, int] = {}
    for mark in handled:
        edit = mark.received
        if edit is not None and edit.is_edit and mark.chat_id is not None:
            number = _replace(mark.writer.bot_id, mark.chat_id, edit, moment)
            if number is not None:
                found[mark.key] = number
    return found


def _replace(bot_id: int, chat_id: int, edit: Received, moment: Any) -> int | None:
    rows = bulk.select(
        "SELECT id, text, content FROM messages WHERE bot_id = ? AND chat_id = ? "
        "AND state = 'received' AND telegram_id IS NOT NULL AND telegram_id = ? "
        "ORDER BY id DESC LIMIT 1",
        bot_id, chat_id, edit.telegram_id,
    )  # fmt: skip
    if not rows:
        return None
    number, text, content = rows[0]
    content = bytes(content or b"")
    if (text, content) == (edit.text, edit.content):
        return int(number)
    keep_earlier(number, bot_id, text, content, new=edit.text, moment=moment)
    bulk.execute(
        "UPDATE messages SET kind = ?, text = ?, content = ?, edited_at = ? WHERE id = ?",
        edit.kind, edit.text, edit.content, bulk.stored(edit.sent_at), number,
    )  # fmt: skip
    return int(number)


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
    bulk.execute(
        "INSERT INTO earlier_texts (message_id, text, content, replaced_at) VALUES (?, ?, ?, ?)",
        number, old, content, moment,
    )  # fmt: skip
