"""Messages as the owner of their bot sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from models.engine import bulk
from models.messaging.messages import Lane, MessageState


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as its bot's owner sees it: one message of Telegram, or an act of a person.

    Args:
        author: the name of the account that wrote it; None for the bot's own, and for those of
            people who write to the bot.
        group_id: the id of the first of the messages that were written together; None for one.
        method: the call of the Bot API; empty for those of an album after the first.
        parameters: the call's parameters as JSON; empty of those that people sent.
        telegram_id: the id that Telegram has given it; None until it is sent.
        done_at: when it was sent or given up; when a person sent it, as Telegram says.
        kind, text, content, sender_id, topic_id: as for `models.messaging.received.Received`; of
            those that go out, `text` only.
        edited_at: when a person changed it for the last time; None if they have not.
    """

    id: int
    chat_id: int
    lane: Lane
    author: str | None
    group_id: int | None
    state: MessageState
    method: str
    parameters: bytes
    telegram_id: int | None
    reason: str | None
    detail: str | None
    created_at: datetime
    expires_at: datetime | None
    done_at: datetime | None
    kind: str | None
    text: str | None
    content: bytes
    sender_id: int | None
    topic_id: int | None
    edited_at: datetime | None


_SELECT = (
    "SELECT messages.id, chat_id, lane, users.username, group_id, state, method, parameters, "
    "telegram_id, reason, detail, messages.created_at, expires_at, done_at, kind, text, content, "
    "sender_id, topic_id, edited_at "
    "FROM messages LEFT JOIN users ON users.id = messages.author_id "
)


def rows_where(condition: str, *parameters: Any) -> list[MessageRow]:
    """Read messages.

    Args:
        condition: SQL on the columns of `messages`, with a question mark for each parameter.
    """
    sql = f"{_SELECT} WHERE {condition} ORDER BY messages.id"
    return [_row(columns) for columns in bulk.select(sql, *parameters)]


def newest(condition: str, *parameters: Any, limit: int) -> list[MessageRow]:
    """Read the newest of some messages, the newest first.

    Args:
        condition: as for `rows_where`.
    """
    sql = f"{_SELECT} WHERE {condition} ORDER BY messages.id DESC LIMIT ?"
    return [_row(columns) for columns in bulk.select(sql, *parameters, limit)]


def _row(columns: tuple[Any, ...]) -> MessageRow:
    (
        number, chat_id, lane, author, group_id, state, method, parameters, telegram_id, reason,
        detail, created_at, expires_at, done_at, kind, text, content, sender_id, topic_id,
        edited_at,
    ) = columns  # fmt: skip
    return MessageRow(
        number,
        chat_id,
        Lane(lane),
        author,
        group_id,
        MessageState(state),
        method,
        bytes(parameters),
        telegram_id,
        reason,
        detail,
        cast(datetime, bulk.loaded(created_at)),
        bulk.loaded(expires_at),
        bulk.loaded(done_at),
        kind,
        text,
        bytes(content or b""),
        sender_id,
        topic_id,
        bulk.loaded(edited_at),
    )
