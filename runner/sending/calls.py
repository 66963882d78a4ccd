"""Messages of the one format as calls of the Bot API."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import orjson

from dialogs.messages import Message, render
from models.messaging.effects import OutgoingMessage


def outgoing_messages(
    chat_id: int,
    message: Message,
    variables: Mapping[str, str] | None = None,
    *,
    topic_id: int | None = None,
) -> list[OutgoingMessage]:
    """Return the calls that send a message to a chat; none if it has no visible content.

    Args:
        variables: as for `dialogs.messages.render`.
        topic_id: the topic of a forum; None for none.
    """
    place: dict[str, int] = {"chat_id": chat_id}
    if topic_id is not None:
        place["message_thread_id"] = topic_id
    calls = [
        OutgoingMessage(
            chat_id,
            call.method,
            orjson.dumps({**place, **call.parameters}),
            call.size,
            text=call.text,
        )
        for call in render(message, variables)
    ]
    if calls and message.typing:
        calls[0] = replace(calls[0], typing=math.ceil(message.typing))
    return calls
