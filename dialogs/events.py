"""Events of a bot and its replies, free of any messenger's types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text that somebody wrote.

    Args:
        text: the text as it was written.
        first_name: the writer's first name; empty when it is not known.
    """

    text: str
    first_name: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A text to send into the chat the event came from."""

    text: str


# The replies to one event, in the order in which they are sent.
Dialog = Callable[[TextMessage], list[Reply]]
