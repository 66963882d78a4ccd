"""Events of a bot and its replies, independent of any messenger's types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dialogs.messages import Message


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text message from a user.

    Args:
        text: the unchanged text.
        first_name: the sender's first name; empty if unknown.
    """

    text: str
    first_name: str = ""


# The replies to one event, in the order in which they are sent.
Dialog = Callable[[TextMessage], list[Message]]
