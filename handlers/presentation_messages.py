"""Messages as JSON."""

from __future__ import annotations

from typing import Any

import orjson

from handlers.schemas.chats import PersonSchema
from handlers.schemas.common import shared
from handlers.schemas.messages import Direction, MessageSchema
from handlers.times import rfc3339, rfc3339_or_none
from models.messaging.history import ChatRow, Earlier
from models.messaging.message_rows import MessageRow
from models.messaging.messages import MessageState, SendReason
from runner.live.events import ChatNews, MessageNews

# what a call sends, in the words of what people send; an album has no word for its other items
_KINDS = {
    "sendMessage": "text",
    "sendPhoto": "photo",
    "sendVideo": "video",
    "sendAnimation": "animation",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendDocument": "document",
    "sendSticker": "sticker",
    "sendLocation": "location",
    "sendContact": "contact",
    "sendMediaGroup": "album",
    "": "album",
}


def present_message(row: MessageRow) -> dict[str, Any]:
    """Write a message; see `handlers.schemas.messages.MessageSchema`."""
    is_received = row.state is MessageState.RECEIVED
    parameters = orjson.loads(row.parameters) if row.parameters else {}
    parameters.pop("chat_id", None)
    presented: dict[str, Any] = shared(MessageSchema).dump(
        {
            "id": row.id,
            "chat_id": row.chat_id,
            "state": row.state,
            "reason": None if row.reason is None else SendReason(row.reason),
            "detail": row.detail,
            "author": row.author,
            "group_id": row.group_id,
            "method": row.method or None,
            "direction": Direction.IN if is_received else Direction.OUT,
            "kind": row.kind if is_received else _KINDS.get(row.method, "other"),
            "text": row.text if is_received else _text(row, parameters),
            "parameters": parameters,
            "extra": orjson.loads(row.content) if row.content else {},
            "sender_id": row.sender_id,
            "topic_id": row.topic_id,
            "edited_at": row.edited_at,
            "telegram_message_id": row.telegram_id,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "finished_at": row.done_at,
        }
    )
    return presented


def _text(row: MessageRow, parameters: dict[str, Any]) -> str | None:
    """Return the text of a message of the bot; the caption of an album is at its first file."""
    text: str | None = parameters.get("text", parameters.get("caption", row.text))
    return text


def present_earlier(earlier: list[Earlier]) -> dict[str, Any]:
    """Write what a message said before; see `handlers.schemas.messages.EarlierTextsSchema`."""
    return {
        "items": [{"text": one.text, "replaced_at": rfc3339(one.replaced_at)} for one in earlier]
    }


def present_chat(row: ChatRow) -> dict[str, Any]:
    """Write a chat; see `handlers.schemas.chats.ChatSchema`."""
    presented: dict[str, Any] = shared(PersonSchema).dump(row.info)
    last = row.last_message
    return {
        "chat_id": row.chat_id,
        **presented,
        "first_seen_at": rfc3339(row.first_seen_at),
        "last_seen_at": rfc3339_or_none(row.last_seen_at),
        "blocked_at": rfc3339_or_none(row.blocked_at),
        "unread": row.unread,
        "tags": row.tags,
        "last_message": None if last is None else present_message(last),
    }


def present_new_message(row: MessageRow) -> dict[str, Any]:
    """Write a new message; see `handlers.schemas.chats.MessageEventSchema`."""
    return {"message": present_message(row)}


def present_chat_news(news: ChatNews) -> dict[str, Any]:
    """Write news of a chat; see `handlers.schemas.chats.ChatEventSchema`."""
    chat = None if news.chat is None else present_chat(news.chat)
    return {"chat_id": news.chat_id, "chat": chat}


def present_news(news: MessageNews) -> dict[str, Any]:
    """Write the state of a message; see `handlers.schemas.messages.MessageStateEventSchema`."""
    return {
        "message": {
            "id": news.id,
            "chat_id": news.chat_id,
            "state": news.state.value,
            "reason": news.reason,
            "detail": news.detail,
            "telegram_message_id": news.telegram_id,
        }
    }
