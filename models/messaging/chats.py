"""The chats of a bot, and which of them refuse its messages."""

from __future__ import annotations

from typing import Any

import peewee

from models.bots.records import Writer
from models.bots.tables import Bot
from models.engine.base import BaseModel, UTCDateTimeField
from models.engine.bulk import run_in_few_statements


class Chat(BaseModel):
    """A chat from which a bot has received something.

    Args:
        blocked_at: since when its user blocks the bot, or the bot is not in it any more.
    """

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    chat_id = peewee.BigIntegerField()
    first_seen_at = UTCDateTimeField()
    blocked_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "chats"
        primary_key = peewee.CompositeKey("bot", "chat_id")


def exists(bot_id: int, chat_id: int) -> bool:
    """Return True if a bot knows a chat."""
    return bool(Chat.select().where(Chat.bot == bot_id, Chat.chat_id == chat_id).exists())


# Nothing is stored for a bot that was deleted or has another token: its chats may be others.
_OF_WRITERS = (
    "FROM (VALUES ROWS) AS given "
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2"
)


def store_seen(chats: set[tuple[Writer, int]], moment: Any) -> None:
    """Store the chats that have not been seen before.

    Args:
        moment: the current time, as returned by `bulk.stored`.
    """
    run_in_few_statements(
        "INSERT INTO chats (bot_id, chat_id, first_seen_at) "
        f"SELECT given.column1, given.column3, ? {_OF_WRITERS} "
        "WHERE TRUE ON CONFLICT DO NOTHING",
        [(*writer[:2], chat_id) for writer, chat_id in chats],
        moment,
    )


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


def forget(bot_id: int) -> None:
    """Delete all chats of a bot."""
    Chat.delete().where(Chat.bot == bot_id).execute()
