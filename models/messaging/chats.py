"""Chats that refuse a bot's messages."""

from __future__ import annotations

from typing import Any

import peewee

from models.bots.records import Writer
from models.bots.tables import Bot
from models.engine.base import BaseModel, UTCDateTimeField
from models.engine.bulk import run_in_few_statements


class BlockedChat(BaseModel):
    """A chat whose user has blocked the bot, or from which the bot was removed."""

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    chat_id = peewee.BigIntegerField()
    blocked_at = UTCDateTimeField()

    class Meta:
        table_name = "blocked_chats"
        primary_key = peewee.CompositeKey("bot", "chat_id")


def blocked(bot_id: int) -> frozenset[int]:
    """Return the chats that refuse a bot's messages."""
    chats = BlockedChat.select(BlockedChat.chat_id).where(BlockedChat.bot == bot_id).tuples()
    return frozenset(chat_id for (chat_id,) in chats)


def store_blocked(changes: dict[tuple[Writer, int | None], bool], moment: Any) -> None:
    """Store the chats that refuse messages from now on, and delete those that no longer do.

    Nothing is stored for a bot that was deleted or has another token: its chats may be others.

    Args:
        changes: True for a chat that refuses messages, by bot and chat id.
        moment: the current time, as returned by `bulk.stored`.
    """
    run_in_few_statements(
        "INSERT INTO blocked_chats (bot_id, chat_id, blocked_at) "
        "SELECT given.column1, given.column3, ? FROM (VALUES ROWS) AS given "
        "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2 "
        "WHERE TRUE ON CONFLICT DO NOTHING",
        [(*writer, chat) for (writer, chat), refuses in changes.items() if refuses],
        moment,
    )
    run_in_few_statements(
        "DELETE FROM blocked_chats WHERE (bot_id, chat_id) IN ("
        "SELECT given.column1, given.column3 FROM (VALUES ROWS) AS given "
        "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2)",
        [(*writer, chat) for (writer, chat), refuses in changes.items() if not refuses],
    )


def forget(bot_id: int) -> None:
    """Delete all rows of a bot."""
    BlockedChat.delete().where(BlockedChat.bot == bot_id).execute()
