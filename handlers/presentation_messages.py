"""Messages as JSON."""

from __future__ import annotations

from typing import Any

import orjson

from handlers.schemas.common import shared
from handlers.schemas.messages import MessageSchema
from models.messaging.messages import SendReason
from models.messaging.outgoing import MessageRow
from runner.live.hub import MessageNews


def present_message(row: MessageRow) -> dict[str, Any]:
    """Write a message; see `handlers.schemas.messages.MessageSchema`."""
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
            "text": parameters.get("text", parameters.get("caption")),
            "parameters": parameters,
            "telegram_message_id": row.telegram_id,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "finished_at": row.done_at,
        }
    )
    return presented


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
