"""What is told to the owners of bots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.messaging.history import ChatRow
from models.messaging.messages import MessageState


class EventKind(StrEnum):
    """The kind of an event."""

    STATE = "state"
    COUNTERS = "counters"
    DELETED = "deleted"
    MESSAGE = "message"
    MESSAGE_STATE = "message_state"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class MessageNews:
    """The state of a message, for its bot's owner.

    Args:
        telegram_id: the id that Telegram has given it; None until it is sent.
        reason, detail: why it was not sent; None otherwise.
    """

    id: int
    chat_id: int
    state: MessageState
    telegram_id: int | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class ChatNews:
    """A chat that is new or has changed; None as the chat if it was erased."""

    chat_id: int
    chat: ChatRow | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Args:
        id: the id with which a reader can resume after it.
        kind: the kind.
        bot_id: the bot.
        data: a BotStatus; a MessageRow for `message`, MessageNews for `message_state`, ChatNews for
            `chat`; None for `deleted`.
    """

    id: str
    kind: EventKind
    bot_id: int
    data: Any
