"""Forgetting a person: everything that a bot has of them, wherever it is."""

from __future__ import annotations

from typing import Any

import orjson

from models.accounts import audit
from models.accounts.audit import Action, Actor
from models.bots import bots
from models.bots.records import BotRecord
from models.dialogs import conversations, tags
from models.engine import bulk, doorbell
from models.engine.doorbell import Bell
from models.messaging import removal

_AT_ONCE = 500  # messages


def erase_messages(bot_id: int, chat_id: int, *, limit: int, by: Actor) -> int:
    """Delete messages of a chat, and those that its person has written in groups, in one step.

    Args:
        limit: the maximum number of messages in this step.
        by: the actor, whose permission `sessions.authorized` has checked.

    Returns:
        The number of messages; fewer than `limit` means that none are left.
    """
    rows = bulk.select(
        # the two conditions have an index each
        "SELECT id, bot_id, text FROM messages WHERE id IN ("
        "SELECT id FROM messages WHERE bot_id = ? AND chat_id = ? UNION "
        "SELECT id FROM messages WHERE bot_id = ? AND sender_id = ? AND sender_id IS NOT NULL "
        "LIMIT ?)",
        bot_id, chat_id, bot_id, chat_id, limit,
    )  # fmt: skip
    removal.remove(rows)
    return len(rows)


def erase_chat(bot: BotRecord, chat_id: int, *, by: Actor) -> bool:
    """Delete what is left of a chat when its messages are gone, and of its person.

    Returns:
        False if the bot does not know the chat.
    """
    # The chat first: who writes a message to it then waits for this, or makes it anew. What came
    # since the last step goes with it: messages without a chat could not be erased any more.
    gone = bulk.execute("DELETE FROM chats WHERE bot_id = ? AND chat_id = ?", bot.id, chat_id)
    while erase_messages(bot.id, chat_id, limit=_AT_ONCE, by=by) == _AT_ONCE:
        pass
    _erase_updates(bot.id, chat_id)
    conversations.forget_person(bot.id, chat_id)
    tags.forget_person(bot.id, chat_id)
    doorbell.ring(Bell.SCENARIO, [bot.id])  # for the talks that are in memory
    bulk.execute("DELETE FROM calls WHERE bot_id = ? AND chat_id = ?", bot.id, chat_id)
    audit.forget_chat(bot.user_id, bot.id, chat_id)
    if gone.rowcount:
        bots.record_action(Action.CHAT_ERASED, bot, by)
    return bool(gone.rowcount)


def _erase_updates(bot_id: int, chat_id: int) -> None:
    """Delete dead updates that a person has caused or that are of a chat."""
    rows = bulk.select(
        "SELECT update_id, payload FROM updates "
        "WHERE bot_id = ? AND handled_at IS NULL AND dead_at IS NOT NULL",
        bot_id,
    )
    for update_id, payload in rows:
        if _mentions(orjson.loads(bytes(payload)), chat_id):
            bulk.execute(
                "DELETE FROM updates WHERE bot_id = ? AND update_id = ?", bot_id, update_id
            )


def _mentions(update: Any, chat_id: int) -> bool:
    """Return True if a chat or a person with this id is anywhere in an update."""
    left = [update]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if value.get("id") == chat_id:
                return True
            left += value.values()
        elif isinstance(value, list):
            left += value
    return False
