"""Dialogs of bots that tests bring along."""

from __future__ import annotations

from dataclasses import dataclass

from dialogs import echo
from dialogs.events import TextMessage
from dialogs.messages import Message


@dataclass
class FragileDialog:
    """Repeats each message, but raises on those that begin with "bad".

    Args:
        error: the message of what it raises.
        broken: how often it still raises; negative for always.
    """

    error: str = "a bug of the dialog"
    broken: int = -1

    def __call__(self, event: TextMessage) -> list[Message]:
        """Answer one message."""
        if self.broken and event.text.startswith("bad"):
            self.broken -= 1
            raise ValueError(self.error)
        return echo.answer(event)
