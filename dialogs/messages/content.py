"""A message as the program sees it: the parts of the one format for everything that is sent.

`dialogs/messages/reading.py` makes them from JSON; `dialogs/messages/rendering.py` turns them into
calls of the Bot API.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TextFormat(StrEnum):
    """How the text of a message is written."""

    PLAIN = "plain"
    MARKDOWN = "markdown"


class MediaType(StrEnum):
    """The kinds of media that a message can have."""

    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class Media:
    """A photo, video or other file: exactly one of `url`, `file_id` and `upload` is not empty.

    Args:
        url: an https address that Telegram fetches the file from.
        file_id: the id of a file that Telegram has already.
        upload: the id of a file that was uploaded for the bot; 0 for none.
    """

    type: MediaType
    url: str = ""
    file_id: str = ""
    upload: int = 0


@dataclass(frozen=True, slots=True)
class Location:
    """A point on the map, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Contact:
    """A person's phone number and name."""

    phone_number: str
    first_name: str
    last_name: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message: exactly one of its four actions is not empty.

    Args:
        go: the callback data that the bot receives, at most 64 bytes.
        url: the address that the button opens.
        web_app: the https address of the Mini App that the button opens.
        copy: the text that the button copies.
        style: danger, success, primary, or empty for the app's own.
    """

    text: str
    go: str = ""
    url: str = ""
    web_app: str = ""
    copy: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class KeyboardButton:
    """A button in place of the user's keyboard, which sends its text.

    Args:
        request: contact or location, to send that instead; empty to send the text.
        style: danger, success, primary, or empty for the app's own.
    """

    text: str
    request: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Keyboard:
    """Buttons in place of the user's keyboard.

    Args:
        one_time: True to hide it after a button is pressed.
        resize: False for buttons as high as a keyboard.
        placeholder: the grey text in the empty input field.
    """

    rows: tuple[tuple[KeyboardButton, ...], ...]
    one_time: bool = False
    resize: bool = True
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message. It has a text, or one of media, location and contact, or a text and one of these.

    Args:
        media: one file, or the 2-10 files of an album; empty for none.
        buttons: rows of buttons below the message. At most one of `buttons`, `keyboard` and
            `remove_keyboard` is given.
        reply_to: the id of the message in the same chat that this one answers.
        silent: True to notify without a sound.
        protect: True to forbid forwarding and saving.
        typing: seconds for which the bot seems to type before it sends, 0-10; for the sender.
        link_preview: False to show no preview of the first link.
    """

    text: str = ""
    format: TextFormat = TextFormat.PLAIN
    media: tuple[Media, ...] = ()
    location: Location | None = None
    contact: Contact | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    keyboard: Keyboard | None = None
    remove_keyboard: bool = False
    reply_to: int | None = None
    silent: bool = False
    protect: bool = False
    typing: float = 0.0
    link_preview: bool = True
