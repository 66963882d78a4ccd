"""The history of a bot as its owner reads it: chats, and what was said in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from models.accounts.audit import Actor
from models.dialogs import tags
from models.engine import bulk
from models.messaging import outgoing, search
from models.messaging.message_rows import MessageRow, newest, rows_where
from models.messaging.messages import MessageState
from models.messaging.received import ChatInfo


@dataclass(frozen=True, slots=True)
class ChatRow:
    """A chat as its bot's owner sees it.

    Args:
        last_seen_at: when something came from it for the last time; None if that is not known.
        blocked_at: since when it refuses the bot's messages; None if it does not.
        unread: how many messages of people nobody has read.
        position: where the list goes on after this chat.
        last_message: None if it has none, or it was deleted.
        tags: of the person; a group has none.
    """

    chat_id: int
    info: ChatInfo
    first_seen_at: datetime
    last_seen_at: datetime | None
    blocked_at: datetime | None
    unread: int
    position: int
    last_message: MessageRow | None
    tags: list[str]


_CHAT_ID = re.compile(r"-?[0-9]{1,16}")

Place = tuple[int, int]  # the newest message and the chat id of the last chat of a page

_COLUMNS = (
    "chat_id, kind, title, first_name, last_name, username, language, is_premium, source, "
    "first_seen_at, last_seen_at, blocked_at, unread, last_message_id"
)


@dataclass(frozen=True, slots=True)
class ChatFilter:
    """Which chats of a bot to list; None for all.

    Args:
        text: a part of a name or user name, in letters of any case, or a chat id.
        unread: True for chats with messages that nobody has read.
        blocked: True for chats that refuse the bot's messages.
        tag: one that the person has.
    """

    text: str | None = None
    unread: bool | None = None
    blocked: bool | None = None
    tag: str | None = None


def chats(bot_id: int, wanted: ChatFilter, *, after: Place | None, limit: int) -> list[ChatRow]:
    """List the chats of a bot, those with the newest messages first.

    Args:
        after: the place of the last chat that is known already; None for the first page.
    """
    conditions: list[str] = ["bot_id = ?"]
    parameters: list[Any] = [bot_id]
    if after is not None:
        conditions.append("(last_message_id, chat_id) < (?, ?)")
        parameters += after
    if wanted.unread is not None:
        conditions.append("unread > 0" if wanted.unread else "unread = 0")
    if wanted.blocked is not None:
        conditions.append("blocked_at IS " + ("NOT NULL" if wanted.blocked else "NULL"))
    if wanted.tag is not None:
        conditions.append(
            "chat_id IN (SELECT person_id FROM person_tags WHERE bot_id = ? AND tag = ?)"
        )
        parameters += [bot_id, wanted.tag]
    if wanted.text is not None:
        condition, texts = _named(wanted.text)
        conditions.append(condition)
        parameters += texts
    rows = bulk.select(
        f"SELECT {_COLUMNS} FROM chats WHERE {' AND '.join(conditions)} "  # noqa: S608
        "ORDER BY last_message_id DESC, chat_id DESC LIMIT ?",
        *parameters, limit,
    )  # fmt: skip
    return _whole(bot_id, rows)


def _named(text: str) -> tuple[str, list[Any]]:
    """Return the condition of chats whose names contain a text."""
    condition: str = "names LIKE ? ESCAPE '\\'"
    parameters: list[Any] = [search.containing(text.casefold())]
    if _CHAT_ID.fullmatch(text):
        return f"({condition} OR chat_id = ?)", [*parameters, int(text)]
    return condition, parameters


def chat(bot_id: int, chat_id: int) -> ChatRow | None:
    """Return a chat of a bot; None if there is none."""
    found = several(bot_id, [chat_id])
    return found[0] if found else None


def several(bot_id: int, chat_ids: list[int]) -> list[ChatRow]:
    """Return those of some chats that a bot knows."""
    marks = ", ".join("?" * len(chat_ids))
    rows = bulk.select(
        f"SELECT {_COLUMNS} FROM chats WHERE bot_id = ? AND chat_id IN ({marks})",  # noqa: S608
        bot_id, *chat_ids,
    )  # fmt: skip
    return _whole(bot_id, rows)


def _whole(bot_id: int, rows: list[tuple[Any, ...]]) -> list[ChatRow]:
    """Return chats with their last messages and tags, which are read at once."""
    ids = [row[-1] for row in rows if row[-1]]
    marks = ", ".join("?" * len(ids))
    condition = f"+messages.bot_id = ? AND messages.id IN ({marks})"
    found = {row.id: row for row in (rows_where(condition, bot_id, *ids) if ids else [])}
    tagged = tags.of_people(bot_id, [row[0] for row in rows if row[0] > 0])
    return [
        ChatRow(
            chat_id,
            ChatInfo(*info),
            cast(datetime, bulk.loaded(first)),
            bulk.loaded(last),
            bulk.loaded(blocked),
            unread,
            position,
            found.get(position),
            tagged.get(chat_id, []),
        )
        for chat_id, *info, first, last, blocked, unread, position in (
            (*row[:7], bool(row[7]), *row[8:]) for row in rows
        )
    ]


def mark_read(bot_id: int, chat_id: int, up_to: int | None, *, by: Actor) -> bool:
    """Take note that messages of a chat were read.

    Args:
        up_to: the last message that was read; None for all.
        by: the actor, whose permission `sessions.authorized` has checked.

    Returns:
        False if the bot does not know the chat.
    """
    left = 0
    if up_to is not None:
        left = bulk.select(
            "SELECT COUNT(*) FROM messages WHERE bot_id = ? AND chat_id = ? AND id > ? "
            "AND state = 'received'",
            bot_id, chat_id, up_to,
        )[0][0]  # fmt: skip
    changed = bulk.execute(
        # what was read stays read
        "UPDATE chats SET unread = CASE WHEN unread < ? THEN unread ELSE ? END "
        "WHERE bot_id = ? AND chat_id = ?",
        left, left, bot_id, chat_id,
    )  # fmt: skip
    return bool(changed.rowcount)


def messages(
    bot_id: int, chat_id: int, *, before: int | None, topic_id: int | None = None, limit: int
) -> list[MessageRow]:
    """List the messages of a chat, of both directions, the newest first.

    Args:
        before: only messages with a smaller id; None for the newest.
        topic_id: only those of this topic of a forum; None for all.
    """
    condition, parameters = "messages.bot_id = ? AND messages.chat_id = ?", [bot_id, chat_id]
    if before is not None:
        condition += " AND messages.id < ?"
        parameters.append(before)
    if topic_id is not None:
        condition += " AND topic_id = ?"
        parameters.append(topic_id)
    return newest(condition, *parameters, limit=limit)


def exported(bot_id: int, chat_id: int, *, after: int, limit: int) -> list[MessageRow]:
    """List the messages of a chat, oldest first; for an export, page by page."""
    condition = (
        "messages.id IN (SELECT id FROM messages WHERE bot_id = ? AND chat_id = ? AND id > ? "
        "ORDER BY id LIMIT ?)"
    )
    return rows_where(condition, bot_id, chat_id, after, limit)


def found(
    bot_id: int, text: str, *, chat_id: int | None, before: int | None, limit: int
) -> tuple[list[MessageRow], int | None]:
    """Search the messages of a bot; see `models.messaging.search.find`.

    Returns:
        Messages, the newest first, and before which message to go on; None if there are no others.
    """
    result = search.find(bot_id, text, chat_id=chat_id, before=before, limit=limit)
    if not result.ids:
        return [], result.before
    marks = ", ".join("?" * len(result.ids))
    condition = f"+messages.bot_id = ? AND messages.id IN ({marks})"
    return newest(condition, bot_id, *result.ids, limit=limit), result.before


@dataclass(frozen=True, slots=True)
class Latest:
    """New messages and the chats with messages of people among them, each with account and bot."""

    messages: list[tuple[int, int, MessageRow]]
    chats: list[tuple[int, int, ChatRow]]


def latest(ids: list[int], user_ids: list[int]) -> Latest:
    """Read those of some messages whose bots belong to some accounts, and their chats."""
    rows = outgoing.news(ids, user_ids)
    received = {
        (user_id, bot_id, row.chat_id)
        for user_id, bot_id, row in rows
        if row.state is MessageState.RECEIVED
    }
    of_bots: dict[tuple[int, int], list[int]] = {}
    for user_id, bot_id, chat_id in received:
        of_bots.setdefault((user_id, bot_id), []).append(chat_id)
    chats_of = [
        (user_id, bot_id, found)
        for (user_id, bot_id), chat_ids in of_bots.items()
        for found in several(bot_id, chat_ids)
    ]
    return Latest(rows, chats_of)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a message said before it was edited."""

    text: str | None
    replaced_at: datetime


def earlier(message_id: int) -> list[Earlier]:
    """Return the earlier texts of a message, oldest first."""
    rows = bulk.select(
        "SELECT text, replaced_at FROM earlier_texts WHERE message_id = ? ORDER BY id", message_id
    )
    return [Earlier(text, cast(datetime, bulk.loaded(moment))) for text, moment in rows]
