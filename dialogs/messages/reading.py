"""A message from its JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogs.messages.content import (
    Button,
    Contact,
    Keyboard,
    KeyboardButton,
    Location,
    Media,
    MediaType,
    Message,
    TextFormat,
)
from dialogs.messages.problems import InvalidMessage
from dialogs.messages.validation import validate


def parse(document: Any) -> Message:
    """Return the message of a document.

    Args:
        document: any value, as it was read from JSON.

    Raises:
        InvalidMessage: it is no message; with everything that is wrong.
    """
    if problems := validate(document):
        raise InvalidMessage(problems)
    return read_valid(document)


def read_valid(document: Mapping[str, Any]) -> Message:
    """Return the message of a document that has been validated before, such as a stored one."""
    media = document.get("media", [])
    keyboard = document.get("keyboard")
    contact, location = document.get("contact"), document.get("location")
    return Message(
        text=document.get("text", ""),
        format=TextFormat(document.get("format", TextFormat.PLAIN)),
        media=tuple(_media(one) for one in (media if isinstance(media, list) else [media])),
        location=Location(**location) if location else None,
        contact=Contact(**contact) if contact else None,
        buttons=tuple(
            tuple(Button(**button) for button in row) for row in document.get("buttons", ())
        ),
        keyboard=_keyboard(keyboard) if keyboard else None,
        remove_keyboard=document.get("remove_keyboard", False),
        reply_to=int(document["reply_to"]) if "reply_to" in document else None,
        silent=document.get("silent", False),
        protect=document.get("protect", False),
        typing=float(document.get("typing", 0)),
        link_preview=document.get("link_preview", True),
    )


def _media(document: Mapping[str, Any]) -> Media:
    return Media(
        MediaType(document["type"]),
        document.get("url", ""),
        document.get("file_id", ""),
        int(document.get("upload", 0)),
    )


def _keyboard(document: Mapping[str, Any]) -> Keyboard:
    rows = tuple(tuple(KeyboardButton(**button) for button in row) for row in document["rows"])
    return Keyboard(**{**document, "rows": rows})
