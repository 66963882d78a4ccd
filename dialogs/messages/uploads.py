"""The uploaded files of a message."""

from __future__ import annotations

from dataclasses import dataclass

from dialogs.messages.content import MediaType, Message
from dialogs.messages.problems import Path, pointer


@dataclass(frozen=True, slots=True)
class UsedUpload:
    """An uploaded file in a message.

    Args:
        id: of the file.
        type: as what it is to be sent.
        pointer: its place in the document, a JSON Pointer (RFC 6901).
    """

    id: int
    type: MediaType
    pointer: str


def uploads_of(message: Message) -> list[UsedUpload]:
    """Return the uploaded files of a message, in order."""
    is_album = len(message.media) > 1
    found = []
    for index, media in enumerate(message.media):
        place: Path = ("media", index, "upload") if is_album else ("media", "upload")
        if media.upload:
            found.append(UsedUpload(media.upload, media.type, pointer(place)))
    return found
