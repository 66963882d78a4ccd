"""The chats of a bot: who they are, what was said last, and which of them refuse its messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import peewee

from models.bots.records import Writer
from models.bots.tables import Bot
from models.engine.base import BaseModel, UTCDateTimeField
from models.engine.bulk import run_in_few_statements
from models.messaging.received import ChatInfo


class Chat(BaseModel):
    """A chat from which a bot has received something.

    Args:
        blocked_at: since when its user blocks the bot, or the bot is not in it any more.
        names: as `ChatInfo.names`.
        last_message_id: the newest message, of either direction; 0 if there was none.
        unread: how many messages of people nobody has read here yet.
    """

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    chat_id = peewee.BigIntegerField()
    first_seen_at = UTCDateTimeField()
    blocked_at = UTCDateTimeField(null=True)
    kind = peewee.CharField(max_length=16, default="")
    title = peewee.TextField(default="")
    first_name = peewee.TextField(default="")
    last_name = peewee.TextField(default="")
    username = peewee.TextField(default="")
    language = peewee.CharField(max_length=35, default="")
    is_premium = peewee.BooleanField(default=False)
    source = peewee.CharField(max_length=64, default="")
    names = peewee.TextField(default="")
    last_seen_at = UTCDateTimeField(null=True)
    last_message_id = peewee.BigIntegerField(default=0)
    unread = peewee.IntegerField(default=0)

    class Meta:
        table_name = "chats"
        primary_key = peewee.CompositeKey("bot", "chat_id")


def exists(bot_id: int, chat_id: int) -> bool:
    """Return True if a bot knows a chat."""
    return bool(Chat.select().where(Chat.bot == bot_id, Chat.chat_id == chat_id).exists())


@dataclass(slots=True)
class Activity:
    """What happened in a chat.

    Args:
        info: what the last update tells of it; None for nothing.
        last_message_id: its newest message; 0 for none.
        unread: how many messages people have sent.
    """

    info: ChatInfo | None = None
    last_message_id: int = 0
    unread: int = 0


# Nothing is stored for a bot that was deleted or has another token: its chats may be others.
_OF_WRITERS = (
    "FROM (VALUES ROWS) AS given "
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2"
)
_LATER = (
    "last_message_id = CASE WHEN excluded.last_message_id > chats.last_message_id "
    "THEN excluded.last_message_id ELSE chats.last_message_id END, "
    "unread = chats.unread + excluded.unread"
)
_INFO = ("kind", "title", "first_name", "last_name", "username", "language", "is_premium", "names")
_KNOWN = (
    f"INSERT INTO chats (bot_id, chat_id, first_seen_at, last_seen_at, last_message_id, unread, "
    f"source, {', '.join(_INFO)}) "
    "SELECT given.column1, given.column3, ?, ?, given.column4, given.column5, given.column6, "
    + ", ".join(f"given.column{place}" for place in range(7, 7 + len(_INFO)))
    + f" {_OF_WRITERS} WHERE TRUE ON CONFLICT (bot_id, chat_id) DO UPDATE SET {_LATER}, "
    "last_seen_at = excluded.last_seen_at, "
    # the first link by which a person came
    "source = CASE WHEN chats.source = '' THEN excluded.source ELSE chats.source END, "
    + ", ".join(f"{name} = excluded.{name}" for name in _INFO)
)
_SEEN = (
    "INSERT INTO chats (bot_id, chat_id, first_seen_at, last_message_id, unread) "
    "SELECT given.column1, given.column3, ?, given.column4, given.column5 "
    f"{_OF_WRITERS} WHERE TRUE ON CONFLICT (bot_id, chat_id) DO UPDATE SET {_LATER}"
)


def store_seen(chats: dict[tuple[Writer, int], Activity], moment: Any) -> None:
    """Store what happened in chats.

    Args:
        chats: by bot and chat id.
        moment: the current time, as returned by `bulk.stored`.
    """
    known, seen = [], []
    # in this order everywhere, so that two transactions do not wait for each other
    for (writer, chat_id), activity in sorted(chats.items(), key=lambda item: item[0]):
        numbers = (*writer[:2], chat_id, activity.last_message_id, activity.unread)
        if (info := activity.info) is None:
            seen.append(numbers)
        else:
            values = (getattr(info, name) for name in _INFO)
            known.append((*numbers, info.source, *values))
    run_in_few_statements(_KNOWN, known, moment, moment)
    run_in_few_statements(_SEEN, seen, moment)


def store_blocked(changes: dict[tuple[Writer, int | None], bool], moment: Any) -> None:
    """Store which chats refuse messages from now on, and which no longer do.

    Args:
        changes: True for a chat that refuses messages, by bot and chat id.
        moment: the current time, as returned by `bulk.stored`.
    """
    run_in_few_statements(
        "INSERT INTO chats (bot_id, chat_id, first_seen_at, blocked_at) "
        f"SELECT given.column1, given.column3, ?, ? {_OF_WRITERS} "
        "WHERE TRUE ON CONFLICT (bot_id, chat_id) DO UPDATE SET blocked_at = excluded.blocked_at",
        [(*writer[:2], chat) for (writer, chat), refuses in changes.items() if refuses],
        moment,
        moment,
    )
    run_in_few_statements(
        "UPDATE chats SET blocked_at = NULL WHERE (bot_id, chat_id) IN ("  # noqa: S608
        f"SELECT given.column1, given.column3 {_OF_WRITERS})",
        [(*writer[:2], chat) for (writer, chat), refuses in changes.items() if not refuses],
    )


def touch(bot_id: int, chat_id: int, message_id: int) -> None:
    """Store that a chat has a newer message."""
    Chat.update(last_message_id=message_id).where(
        Chat.bot == bot_id, Chat.chat_id == chat_id, Chat.last_message_id < message_id
    ).execute()


def forget(bot_id: int) -> None:
    """Delete all chats of a bot."""
    Chat.delete().where(Chat.bot == bot_id).execute()
