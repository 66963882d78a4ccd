"""What the history keeps of an update: a message of a person, and what is known of its chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Received:
    """A message of a person, or something else that they did.

    Args:
        kind: text, photo, button and so on; the field's name of content that nobody knows.
        text: the text or the caption; None without one.
        sent_at: when it was sent, as Telegram says.
        telegram_id: its id in the chat; None of what is no message, such as a pressed button.
        content: the rest as JSON; empty if there is none.
        sender_id: who did it, if the chat is not theirs alone.
        topic_id: the topic of a forum; None for none.
        is_edit: True if it replaces the message of that id.
    """

    kind: str
    text: str | None
    sent_at: datetime
    telegram_id: int | None = None
    content: bytes = b""
    sender_id: int | None = None
    topic_id: int | None = None
    is_edit: bool = False


@dataclass(frozen=True, slots=True)
class ChatInfo:
    """What an update tells of its chat; texts are empty if they are not known.

    Args:
        kind: private, group, supergroup or channel.
        title: of a group or channel.
        first_name, last_name, username: of the person, or of the group.
        language: the IETF language tag of the person's app.
        source: the payload of the link by which the person came.
    """

    kind: str
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language: str = ""
    is_premium: bool = False
    source: str = ""

    @property
    def names(self) -> str:
        """All that the chat is called, as searches compare it."""
        parts = (self.title, self.first_name, self.last_name, self.username)
        return " ".join(part for part in parts if part).casefold()
