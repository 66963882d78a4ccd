"""Effects of an update: messages to send, and rows to store together with "handled"."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One call of the Bot API that sends a message, or the messages of an album.

    Args:
        chat_id: the chat.
        method: the method, such as sendMessage.
        parameters: its parameters as JSON, with the chat.
        size: the number of messages of Telegram that the call makes.
        typing: seconds for which the bot shows that it is typing before.
        text: its text or caption; None if it has none.
    """

    chat_id: int
    method: str
    parameters: bytes
    size: int = 1
    typing: int = 0
    text: str | None = None


@dataclass(slots=True)
class Effects:
    """The effects of one update. A handler collects them; they take effect after it has ended.

    Args:
        messages: the messages to send, in order.
        blocked: True if the update's chat refuses messages from now on, False if it no longer
            does; None for no change.
    """

    messages: list[OutgoingMessage] = field(default_factory=list)
    blocked: bool | None = None
