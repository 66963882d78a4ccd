"""Effects of an update: messages to send, and rows to store together with "handled"."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A text for a chat."""

    chat_id: int
    text: str


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
