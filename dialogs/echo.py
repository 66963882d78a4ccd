"""The dialog of a bot whose owner has set nothing else: it greets, then repeats what it hears."""

from __future__ import annotations

import re

from dialogs.events import Reply, TextMessage

# A command may carry the bot's name: https://core.telegram.org/bots/features#commands
_START = re.compile(r"/start(@\w+)?(\s|$)")


def answer(event: TextMessage) -> list[Reply]:
    """The replies to one message."""
    if _START.match(event.text):
        name = f", {event.first_name}" if event.first_name else ""
        return [Reply(f"Hello{name}! Write to me and I will repeat what you say.")]
    return [Reply(event.text)]
