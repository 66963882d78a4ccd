"""The file of a message that a person has sent.

Sources: https://core.telegram.org/bots/api#message and the objects of its fields. What people say
about their files may be wrong or mean harm, and so may what a server sends that is not Telegram's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from models.messaging.message_rows import MessageRow
from models.messaging.messages import MessageState
from services.errors import MessageHasNoFile

UNTOLD = "application/octet-stream"
PICTURE = "image/jpeg"
MAX_FILE_ID = 1024  # characters
# what Telegram makes of these is always of one type, whatever was sent
_FIXED = {"photo": PICTURE, "video_note": "video/mp4"}
# the type of the others if the person's program has told none
_USUAL = {
    "video": "video/mp4",
    "animation": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "document": UNTOLD,
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file at Telegram.

    Args:
        kind: photo, video and so on; `thumbnail` for a preview.
        file_id: Telegram's id for the bot.
        name: what the person calls it; empty if it has no name.
        mime_type: its type; of a video, an audio or a document as the person says.
    """

    kind: str
    file_id: str
    name: str
    mime_type: str


def attachment_of(row: MessageRow, *, is_preview: bool) -> Attachment:
    """Return the file of a message.

    Args:
        is_preview: True for its small picture in place of the file.

    Raises:
        MessageHasNoFile: a person has not sent it, or it has no file, or no small picture.
    """
    content = orjson.loads(row.content) if row.content else {}
    kind = row.kind or ""
    found = content.get(kind) if row.state is MessageState.RECEIVED else None
    missing = MessageHasNoFile(row.id, is_preview=is_preview)
    if kind == "photo":
        found = _photo(found, smallest=is_preview)
    elif kind in _USUAL or kind in ("video_note", "sticker"):
        found = found.get("thumbnail") if is_preview and isinstance(found, dict) else found
    else:
        raise missing
    if not isinstance(found, dict):
        raise missing
    file_id = found.get("file_id")
    if not isinstance(file_id, str) or not 0 < len(file_id) <= MAX_FILE_ID:
        raise missing
    if is_preview:
        return Attachment("thumbnail", file_id, "", PICTURE)
    return Attachment(kind, file_id, _text(found, "file_name"), _mime_type(kind, found))


def _photo(sizes: Any, *, smallest: bool) -> Any:
    """Return the largest of the sizes of a photo, or the smallest."""
    known = [size for size in sizes if isinstance(size, dict)] if isinstance(sizes, list) else []
    if not known:
        return None
    return min(known, key=_area) if smallest else max(known, key=_area)


def _area(size: dict[str, Any]) -> int:
    width, height = size.get("width"), size.get("height")
    return width * height if type(width) is int and type(height) is int else 0


def _mime_type(kind: str, file: dict[str, Any]) -> str:
    if kind == "sticker":
        if file.get("is_animated") is True:
            return UNTOLD  # a packed animation, which no browser shows
        return "video/webm" if file.get("is_video") is True else "image/webp"
    if kind in _FIXED:
        return _FIXED[kind]
    told = _text(file, "mime_type").partition(";")[0].strip().lower()
    return told or _USUAL[kind]


def _text(file: dict[str, Any], name: str) -> str:
    value = file.get(name)
    return value if isinstance(value, str) else ""
