"""What people write through a bot: queue, show, edit and delete messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from models.accounts.audit import Action, Actor
from models.bots import bots
from models.bots.records import BotRecord
from models.engine import bulk, doorbell
from models.engine.base import now
from models.engine.doorbell import Bell
from models.errors import ChatUnknown, MessageChanged, OutboxFull
from models.messaging import chats, idempotency
from models.messaging.effects import OutgoingMessage
from models.messaging.idempotency import RequestKey
from models.messaging.messages import Lane, MessageState, StoredMessage, of_ids

MAX_WAITING = 1000  # messages that people may have waiting for one bot


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as its bot's owner sees it: one message of Telegram.

    Args:
        author: the name of the account that wrote it; None for the bot's own.
        group_id: the id of the first of the messages that were written together; None for one.
        method: the call of the Bot API; empty for those of an album after the first.
        parameters: the call's parameters as JSON.
        telegram_id: the id that Telegram has given it; None until it is sent.
        done_at: when it was sent or given up.
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


_SELECT = (
    "SELECT messages.id, chat_id, lane, users.username, group_id, state, method, parameters, "
    "telegram_id, reason, detail, messages.created_at, expires_at, done_at "
    "FROM messages LEFT JOIN users ON users.id = messages.author_id "
)


def _rows(condition: str, *parameters: Any) -> list[MessageRow]:
    return [
        MessageRow(
            number,
            chat_id,
            Lane(lane),
            author,
            group_id,
            MessageState(state),
            method,
            bytes(content),
            telegram_id,
            reason,
            detail,
            cast(datetime, bulk.loaded(created_at)),
            bulk.loaded(expires_at),
            bulk.loaded(done_at),
        )
        for (
            number, chat_id, lane, author, group_id, state, method, content, telegram_id, reason,
            detail, created_at, expires_at, done_at,
        ) in bulk.select(f"{_SELECT} WHERE {condition} ORDER BY messages.id", *parameters)
    ]  # fmt: skip


def find(bot_id: int, message_id: int) -> MessageRow | None:
    """Return a message of a bot; None if there is none."""
    found = _rows("messages.bot_id = ? AND messages.id = ?", bot_id, message_id)
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
    rows = _rows(f"messages.id IN ({of_ids})", *ids)
    return [(*owners[row.id], row) for row in rows if row.id in owners]


def written_together(bot_id: int, row: MessageRow) -> list[MessageRow]:
    """Return the messages that were written together with one, including it, in order."""
    if row.group_id is None:
        return _rows("messages.bot_id = ? AND messages.id = ?", bot_id, row.id)
    return _rows(
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
        rows = _rows("messages.bot_id = ? AND messages.id BETWEEN ? AND ?", bot.id, *before)
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
    rows = _rows("messages.bot_id = ? AND messages.id BETWEEN ? AND ?", bot.id, ids[0], ids[-1])
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
         moment, until)
        for message in messages
        for method, parameters, typing in [
            (message.method, message.parameters, message.typing),
            *[("", b"", 0)] * (message.size - 1),
        ]
    ]  # fmt: skip
    inserted = bulk.run_in_few_statements(
        "INSERT INTO messages (bot_id, chat_id, lane, author_id, state, method, parameters, "
        "typing, created_at, expires_at) VALUES ROWS RETURNING id",
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


def edit(
    bot: BotRecord,
    rows: list[MessageRow],
    contents: list[tuple[str, bytes]],
    *,
    by: Actor,
) -> list[MessageRow]:
    """Store the new content of messages that were written together.

    Args:
        rows: as they were read.
        contents: the method and the parameters of each of them.

    Raises:
        MessageChanged: the state of one of them is another one now.
    """
    for row, (method, parameters) in zip(rows, contents, strict=True):
        changed = bulk.execute(
            "UPDATE messages SET method = ?, parameters = ? "
            "WHERE bot_id = ? AND id = ? AND state = ?",
            method, parameters, bot.id, row.id, row.state.value,
        )  # fmt: skip
        if changed.rowcount != 1:
            raise MessageChanged
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
    for row in rows:
        deleted = bulk.execute(
            "DELETE FROM messages WHERE bot_id = ? AND id = ? AND state = ?",
            bot.id, row.id, row.state.value,
        )  # fmt: skip
        if deleted.rowcount != 1:
            raise MessageChanged
    ids = [row.id for row in rows]
    bots.record_action(Action.MESSAGE_DELETED, bot, by, chat_id=rows[0].chat_id, messages=ids)
