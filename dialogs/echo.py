"""The default dialog of a bot: it greets, then repeats each message."""

from __future__ import annotations

import re

from dialogs.events import TextMessage
from dialogs.messages import Message

# A command may carry the bot's name: https://core.telegram.org/bots/features#commands
_START = re.compile(r"/start(@\w+)?(\s|$)")


def answer(event: TextMessage) -> list[Message]:
    """Return the replies to one message."""
    if _START.match(event.text):
        name = f", {event.first_name}" if event.first_name else ""
        return [Message(f"Hello{name}! Write to me and I will repeat what you say.")]
    return [Message(event.text)]
