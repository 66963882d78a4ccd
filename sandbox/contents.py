"""What people send: the fields of a Message for each kind of content."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.dice import HIGHEST
from sandbox.errors import InvalidValue
from sandbox.files import (
    ANIMATION,
    AUDIO,
    DOCUMENT,
    PHOTO,
    STICKER,
    THUMBNAIL,
    VIDEO,
    VIDEO_NOTE,
    VOICE,
    Kind,
    Upload,
)
from sandbox.media import (
    PHOTO_HEIGHT,
    PHOTO_WIDTH,
    SECONDS,
    STICKER_SIDE,
    THUMBNAIL_SIDE,
    VIDEO_HEIGHT,
    VIDEO_WIDTH,
)

Fields = dict[str, Any]

UNTOLD_SIZE = 1000  # bytes of a file of which nothing is told
SMALL_SIZE = 500  # bytes of a thumbnail, and of the small size of a photo
SMALL_WIDTH, SMALL_HEIGHT = 90, 67
NOTE_SIDE = 240
MAX_SIZE = 4_000_000_000  # bytes; what Telegram takes from people who pay for it

CAPTIONED = frozenset(("photo", "video", "animation", "audio", "voice", "document"))
IN_ALBUMS = frozenset(("photo", "video", "audio", "document"))

_MOVING: Fields = {"width": VIDEO_WIDTH, "height": VIDEO_HEIGHT, "duration": SECONDS}
_FILES: dict[str, tuple[Kind, Fields]] = {
    "photo": (PHOTO, {"width": PHOTO_WIDTH, "height": PHOTO_HEIGHT}),
    "video": (VIDEO, _MOVING),
    "animation": (ANIMATION, _MOVING),
    "audio": (AUDIO, {"duration": SECONDS}),
    "voice": (VOICE, {"duration": SECONDS}),
    "video_note": (VIDEO_NOTE, {"length": NOTE_SIDE, "duration": SECONDS}),
    "document": (DOCUMENT, {}),
    "sticker": (
        STICKER,
        {
            "type": "regular",
            "width": STICKER_SIDE,
            "height": STICKER_SIDE,
            "is_animated": False,
            "is_video": False,
        },
    ),
}
_PLACE: Fields = {"latitude": 52.52, "longitude": 13.405}


@dataclass(slots=True, frozen=True)
class Given:
    """What is told of a content.

    Attributes:
        data: The bytes of a file.
        size: The size of a file in bytes, in place of `data`: its bytes are made when read.
        file_name: The name of a file, taken as it is; None leaves it out of the message.
        mime_type: The media type of a file, taken as it is; None takes that of its name or kind.
        details: Fields of the content's object in place of those it has by itself: duration of
            a video, latitude of a location, options of a poll, ...
    """

    data: bytes | None = None
    size: int | None = None
    file_name: str | None = None
    mime_type: str | None = None
    details: Fields = field(default_factory=dict)


def make(bot: SandboxBot, kind: str, given: Given, extra: Fields) -> Fields:
    """Make the fields of a Message with a content that a person sends.

    Args:
        bot: The bot that gets it: it alone can name and download the file.
        kind: One of `KINDS`; "text" and "other" have no fields beside those that the caller gives.
        given: What is told of the content.
        extra: More fields of the Message, such as the caption.

    Raises:
        InvalidValue: There is no such kind, or something is told that it does not have.
    """
    if kind not in KINDS:
        raise InvalidValue("kind", f"must be one of {', '.join(KINDS)}")
    if "caption" in extra and kind not in CAPTIONED | {"other"}:
        raise InvalidValue("caption", f"is not for {kind}")
    if kind in _FILES:
        return _file(bot, kind, given) | extra
    for name in ("data", "size", "file_name", "mime_type"):
        if getattr(given, name) is not None:
            raise InvalidValue(name, f"is only for files, not for {kind}")
    if kind in _OBJECTS:
        return _OBJECTS[kind](given.details) | extra
    if given.details:
        raise InvalidValue("details", f"cannot be told of {kind}")
    return extra


def _file(bot: SandboxBot, name: str, given: Given) -> Fields:
    kind, usual = _FILES[name]
    if given.data is not None and given.size is not None:
        raise InvalidValue("size", "must not be given together with the bytes")
    if given.size is not None and not 0 <= given.size <= MAX_SIZE:
        raise InvalidValue("size", f"must be from 0 to {MAX_SIZE}")
    if given.file_name is not None and (kind is VOICE or not kind.mime_type):
        raise InvalidValue("file_name", f"is not for {name}")
    if given.mime_type is not None and not kind.mime_type:
        raise InvalidValue("mime_type", f"is not for {name}")
    size = UNTOLD_SIZE if given.size is None and given.data is None else given.size
    file_name = "sticker.webp" if kind is STICKER else given.file_name or ""
    upload = Upload(file_name, given.data or b"", made_up=size or 0)
    details = {**usual, **_smaller(bot, kind)}
    if given.mime_type is not None:
        details["mime_type"] = given.mime_type
    content = bot.files.add(upload, kind, **{**details, **given.details}).content()
    if kind is PHOTO:  # Telegram makes smaller ones of every photo, each a file of its own
        small = {"width": SMALL_WIDTH, "height": SMALL_HEIGHT}
        photo = bot.files.add(Upload("", made_up=SMALL_SIZE), PHOTO, **small)
        return {"photo": [*photo.content()["photo"], *content["photo"]]}
    return content


def _smaller(bot: SandboxBot, kind: Kind) -> Fields:
    """Give the still picture that Telegram makes of everything that moves."""
    if kind not in {VIDEO, ANIMATION, VIDEO_NOTE}:
        return {}
    stored = bot.files.add(Upload("", made_up=SMALL_SIZE), THUMBNAIL)
    side = {"width": THUMBNAIL_SIDE, "height": THUMBNAIL_SIDE}
    return {"thumbnail": {**stored.reference(), **side}}


def _contact(details: Fields) -> Fields:
    return {"contact": {"phone_number": "+15550100", "first_name": "Cy", **details}}


def _location(details: Fields) -> Fields:
    return {"location": {**_PLACE, **details}}


def _venue(details: Fields) -> Fields:
    venue = {"location": _PLACE, "title": "Cafe", "address": "Main Street 1", **details}
    return {"venue": venue, "location": venue["location"]}


def _dice(details: Fields) -> Fields:
    emoji = details.get("emoji", "🎲")
    value = 1 + secrets.randbelow(HIGHEST.get(str(emoji), 6))
    return {"dice": {"emoji": emoji, "value": value, **details}}


def _poll(details: Fields) -> Fields:
    options = details.get("options", ["Yes", "No"])
    if not isinstance(options, list):
        raise InvalidValue("details", "must have a list as options of a poll")
    poll = {
        "id": str(secrets.randbits(62)),
        "question": "Yes?",
        "total_voter_count": 0,
        "is_closed": False,
        "is_anonymous": True,
        "type": "regular",
        "allows_multiple_answers": False,
        "allows_revoting": True,
        "members_only": False,
        **details,
        "options": [
            {"persistent_id": str(number), "text": one, "voter_count": 0}
            if isinstance(one, str)
            else one
            for number, one in enumerate(options)
        ],
    }
    return {"poll": poll}


_OBJECTS: dict[str, Callable[[Fields], Fields]] = {
    "contact": _contact,
    "location": _location,
    "venue": _venue,
    "poll": _poll,
    "dice": _dice,
}
KINDS = ("text", *_FILES, *_OBJECTS, "other")
