"""What a user does, as a dialog sees it: independent of any messenger's types.

An event that resumes a suspended talk (the answer to a call, a timer) will be one more kind: a talk
that waits for it stands in a state like any other, and state and visit tell which wait is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# A command may carry the bot's name: https://core.telegram.org/bots/features#commands
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL)


class EventKind(StrEnum):
    """The kinds of events."""

    TEXT = "text"
    COMMAND = "command"
    TAP = "tap"
    CONTACT = "contact"
    LOCATION = "location"
    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"
    STICKER = "sticker"
    OTHER = "other"


FILE_KINDS = frozenset((
    EventKind.PHOTO, EventKind.VIDEO, EventKind.ANIMATION, EventKind.AUDIO, EventKind.VOICE,
    EventKind.DOCUMENT, EventKind.STICKER,
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a user does.

    Args:
        text: the unchanged text of a message, also of a command; the caption of a file.
        command: the name of a command in small letters, without the slash and the bot's name.
        payload: what follows a command, such as the payload of a deep link.
        data: the callback data of the button that was tapped.
        phone: the phone number of a contact.
        file_id: the id of a file.
        about: built-in values for texts and conditions by their full names, such as
            `user.first_name`; `built_in` makes them.
    """

    kind: EventKind
    text: str = ""
    command: str = ""
    payload: str = ""
    data: str = ""
    phone: str = ""
    file_id: str = ""
    place: Place | None = None
    about: Mapping[str, str] = field(default_factory=dict)


def read_text(text: str, about: Mapping[str, str] | None = None) -> Event:
    """Return the event of a text message: a command if it begins with one."""
    about = {} if about is None else about
    if text.startswith("/") and (found := _COMMAND.fullmatch(text)):
        payload = (found[2] or "").strip()
        return Event(EventKind.COMMAND, text, found[1].lower(), payload, about=about)
    return Event(EventKind.TEXT, text, about=about)


# The built-in values besides `now`, which the dialog makes itself.
ABOUT = {
    "user.id": "the user's id",
    "user.first_name": "their first name",
    "user.last_name": "their last name; empty if there is none",
    "user.name": "first and last name",
    "user.username": "their username without @; empty if there is none",
    "user.language": "the language of their app, such as en",
    "chat.id": "the chat's id",
    "chat.type": "private, group, supergroup or channel",
    "chat.title": "the title of a group",
    "bot.name": "the bot's name",
    "bot.username": "the bot's username without @",
}


def built_in(**parts: Mapping[str, Any]) -> dict[str, str]:
    """Return built-in values by their full names.

    Args:
        parts: what is known of `user`, `chat` and `bot`; a value that is None counts as empty.
    """
    found = {
        f"{owner}.{name}": "" if value is None else str(value)
        for owner, values in parts.items()
        for name, value in values.items()
    }
    found = {name: value for name, value in found.items() if name in ABOUT}
    if "user.name" not in found:
        names = (found.get("user.first_name", ""), found.get("user.last_name", ""))
        found["user.name"] = " ".join(name for name in names if name)
    return found
