"""Chats of bots: those that refuse messages."""

from __future__ import annotations

from typing import Any

import peewee

from models.bots.bots import Bot
from models.engine.base import BaseModel, UTCDateTimeField
from models.messaging.bulk import run_in_few_statements


class BlockedChat(BaseModel):
    """A chat whose user has blocked the bot, or which it was thrown out of."""

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    chat_id = peewee.BigIntegerField()
    blocked_at = UTCDateTimeField()

    class Meta:
        table_name = "blocked_chats"
        primary_key = peewee.CompositeKey("bot", "chat_id")


def blocked(bot_id: int) -> frozenset[int]:
    """The chats that refuse a bot's messages."""
    chats = BlockedChat.select(BlockedChat.chat_id).where(BlockedChat.bot == bot_id).tuples()
    return frozenset(chat_id for (chat_id,) in chats)


def store_blocked(changes: dict[tuple[int, int | None], bool], moment: Any) -> None:
    """Store which chats refuse messages from now on, and which no longer do.

    Args:
        changes: by bot id and chat id.
        moment: now, as `bulk.moment` gives it.
    """
    run_in_few_statements(
        "INSERT INTO blocked_chats (bot_id, chat_id, blocked_at) "
        "VALUES ROWS ON CONFLICT DO NOTHING",
        [(*chat, moment) for chat, refuses in changes.items() if refuses],
    )
    run_in_few_statements(
        "DELETE FROM blocked_chats WHERE (bot_id, chat_id) IN (VALUES ROWS)",
        [chat for chat, refuses in changes.items() if not refuses],
    )


def forget(bot_id: int) -> None:
    """Remove all of them of a bot."""
    BlockedChat.delete().where(BlockedChat.bot == bot_id).execute()
