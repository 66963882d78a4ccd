"""What people write through a bot: queue, show, edit and delete messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from models.accounts.audit import Action, Actor
from models.bots import bots
from models.bots.records import BotRecord
from models.engine import bulk, doorbell
from models.engine.base import now
from models.engine.doorbell import Bell
from models.errors import ChatUnknown, MessageChanged, OutboxFull
from models.messaging import chats, edits, idempotency, search
from models.messaging.effects import OutgoingMessage
from models.messaging.idempotency import RequestKey
from models.messaging.message_rows import MessageRow, rows_where
from models.messaging.messages import Lane, StoredMessage, of_ids

MAX_WAITING = 1000  # messages that people may have waiting for one bot


def find(bot_id: int, message_id: int) -> MessageRow | None:
    """Return a message of a bot; None if there is none."""
    found = rows_where("messages.bot_id = ? AND messages.id = ?", bot_id, message_id)
    return found[0] if found else None


def news(ids: list[int], user_ids: list[int]) -> list[tuple[int, int, MessageRow]]:
    """Return those of some messages whose bots belong to some accounts.

    Returns:
        The accounts, the bots and the messages.
    """
    if not ids or not user_ids:
        return []
    of_ids, of_users = (", ".join("?" * len(some)) for some in (ids, user_ids))
    owners = {
        number: (user_id, bot_id)
        for number, user_id, bot_id in bulk.select(
            "SELECT messages.id, bots.user_id, bots.id FROM messages "  # noqa: S608
            "JOIN bots ON bots.id = messages.bot_id "
            f"WHERE messages.id IN ({of_ids}) AND bots.user_id IN ({of_users})",
            *ids,
            *user_ids,
        )
    }
    rows = rows_where(f"messages.id IN ({of_ids})", *ids)
    return [(*owners[row.id], row) for row in rows if row.id in owners]


def written_together(bot_id: int, row: MessageRow) -> list[MessageRow]:
    """Return the messages that were written together with one, including it, in order."""
    if row.group_id is None:
        return rows_where("messages.bot_id = ? AND messages.id = ?", bot_id, row.id)
    return rows_where(
        "messages.bot_id = ? AND messages.chat_id = ? AND group_id = ?",
        bot_id, row.chat_id, row.group_id,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """What a person has written.

    Args:
        rows: its rows.
        calls: what is to be sent of them.
        is_repeated: True if an earlier request with the same key has written it.
    """

    rows: list[MessageRow]
    calls: list[StoredMessage]
    is_repeated: bool = False


def queue(
    bot: BotRecord,
    chat_id: int,
    messages: list[OutgoingMessage],
    *,
    lifetime: timedelta,
    key: RequestKey | None,
    ring: bool = False,
    by: Actor,
) -> Written:
    """Queue what a person has written.

    Args:
        lifetime: how long it may wait.
        key: the request's key; None for none.
        ring: True to tell the process that runs the bot, if there is one.

    Raises:
        ChatUnknown: the bot has never received anything from the chat.
        KeyReused: the key was used for another request.
        OutboxFull: too many messages of the bot wait already.
    """
    if not chats.exists(bot.id, chat_id):
        raise ChatUnknown
    if key is not None and (before := idempotency.written(bot.id, key)) is not None:
        rows = rows_where("messages.bot_id = ? AND messages.id BETWEEN ? AND ?", bot.id, *before)
        mine = [row for row in rows if row.chat_id == chat_id]
        # the first request may not know that it has written them
        return Written(mine, of_ids(bot.id, [row.id for row in mine]), is_repeated=True)
    if _waiting(bot.id) >= MAX_WAITING:
        raise OutboxFull(MAX_WAITING)
    ids = _insert(bot.id, chat_id, messages, author_id=by.user_id, expires_at=now() + lifetime)
    if key is not None:
        idempotency.store(bot.id, key, first_id=ids[0], last_id=ids[-1])
    bots.record_action(Action.MESSAGE_WRITTEN, bot, by, chat_id=chat_id, messages=ids)
    if ring:
        doorbell.ring(Bell.OUTBOX, [bot.id])
    chats.touch(bot.id, chat_id, ids[-1])
    written = "messages.bot_id = ? AND messages.id BETWEEN ? AND ?"
    rows = rows_where(written, bot.id, ids[0], ids[-1])
    return Written(rows, _calls(messages, rows))


def _waiting(bot_id: int) -> int:
    sql = (
        "SELECT COUNT(*) FROM messages WHERE bot_id = ? AND lane = ? "
        "AND state IN ('queued', 'sending')"
    )
    return int(bulk.select(sql, bot_id, int(Lane.OPERATOR))[0][0])


def _insert(
    bot_id: int,
    chat_id: int,
    messages: list[OutgoingMessage],
    *,
    author_id: int | None,
    expires_at: datetime,
) -> list[int]:
    moment, until = bulk.stored(now()), bulk.stored(expires_at)
    rows = [
        (bot_id, chat_id, int(Lane.OPERATOR), author_id, "queued", method, parameters, typing,
         text, moment, until)
        for message in messages
        for method, parameters, typing, text in [
            (message.method, message.parameters, message.typing, message.text),
            *[("", b"", 0, None)] * (message.size - 1),
        ]
    ]  # fmt: skip
    inserted = bulk.run_in_few_statements(
        "INSERT INTO messages (bot_id, chat_id, lane, author_id, state, method, parameters, "
        "typing, text, created_at, expires_at) VALUES ROWS RETURNING id",
        rows,
    )
    ids = sorted(number for (number,) in inserted.returned)
    if len(ids) > 1:
        marks = ", ".join("?" * len(ids))
        bulk.execute(f"UPDATE messages SET group_id = ? WHERE id IN ({marks})", ids[0], *ids)  # noqa: S608
    return ids


def _calls(messages: list[OutgoingMessage], rows: list[MessageRow]) -> list[StoredMessage]:
    left = list(rows)
    calls = []
    for message in messages:
        mine, left = left[: message.size], left[message.size :]
        calls.append(
            StoredMessage(
                tuple(row.id for row in mine),
                message.chat_id,
                Lane.OPERATOR,
                message.method,
                message.parameters,
                message.typing,
                mine[0].expires_at,
            )
        )
    return calls


class Content(NamedTuple):
    """What a message says: its call of the Bot API, and its text or caption."""

    method: str
    parameters: bytes
    text: str | None


def edit(
    bot: BotRecord,
    rows: list[MessageRow],
    contents: list[Content],
    *,
    by: Actor,
) -> list[MessageRow]:
    """Store the new content of messages that were written together.

    Args:
        rows: as they were read.
        contents: the new content of each of them.

    Raises:
        MessageChanged: the state of one of them is another one now.
    """
    moment = bulk.stored(now())
    for row, content in zip(rows, contents, strict=True):
        changed = bulk.execute(
            "UPDATE messages SET method = ?, parameters = ?, text = ?, edited_at = ? "
            "WHERE bot_id = ? AND id = ? AND state = ?",
            *content, moment, bot.id, row.id, row.state.value,
        )  # fmt: skip
        if changed.rowcount != 1:
            raise MessageChanged
        if row.text != content.text:
            edits.keep_earlier(
                row.id, bot.id, row.text, row.content, new=content.text, moment=moment
            )
    ids = [row.id for row in rows]
    bots.record_action(Action.MESSAGE_EDITED, bot, by, chat_id=rows[0].chat_id, messages=ids)
    return written_together(bot.id, rows[0])


def delete(bot: BotRecord, rows: list[MessageRow], *, by: Actor) -> None:
    """Delete messages that were written together.

    Args:
        rows: as they were read.

    Raises:
        MessageChanged: the state of one of them is another one now.
    """
    search.remove((row.id, bot.id, row.text) for row in rows)
    for row in rows:
        deleted = bulk.execute(
            "DELETE FROM messages WHERE bot_id = ? AND id = ? AND state = ?",
            bot.id, row.id, row.state.value,
        )  # fmt: skip
        if deleted.rowcount != 1:
            raise MessageChanged
    ids = [row.id for row in rows]
    bots.record_action(Action.MESSAGE_DELETED, bot, by, chat_id=rows[0].chat_id, messages=ids)
