"""Files that one bot can see: uploaded by it or sent to it."""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import PurePosixPath
from typing import Any

from sandbox.errors import bad_request

MAX_DOWNLOAD = 20 * 1024 * 1024
UNTOLD = "application/octet-stream"
PIECE = 64 * 1024  # bytes of a file that are in hand at once

# What a file holds of which only the size was told, over and over.
_PATTERN = bytes(range(256)) * (PIECE // 256)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
# The form of all ids that `FileStore.add` gives out, here or for another bot.
_ISSUED = re.compile(r"[A-Za-z]{2}[AM]CAgIAAxk[\w-]{48}", re.ASCII)


@dataclass(slots=True, frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        field: The parameter and the field of a Message that carry it.
        name: Telegram's name for it in error messages.
        folder: The folder of its download path.
        prefix: The beginning of its `file_id`.
        suffix: The ending of its download path; empty takes that of the file's name.
        mime_type: The type of files whose name does not tell; empty where the Bot API names none.
    """

    field: str
    name: str
    folder: str
    prefix: str
    suffix: str = ""
    mime_type: str = ""


PHOTO = Kind("photo", "Photo", "photos", "AgACAgIAAxk", ".jpg")
DOCUMENT = Kind("document", "Document", "documents", "BQACAgIAAxk", mime_type=UNTOLD)
VIDEO = Kind("video", "Video", "videos", "BAACAgIAAxk", mime_type="video/mp4")
ANIMATION = Kind("animation", "Animation", "animations", "CgACAgIAAxk", mime_type="video/mp4")
AUDIO = Kind("audio", "Audio", "music", "CQACAgIAAxk", mime_type="audio/mpeg")
VOICE = Kind("voice", "VoiceNote", "voice", "AwACAgIAAxk", ".oga", mime_type="audio/ogg")
STICKER = Kind("sticker", "Sticker", "stickers", "CAACAgIAAxk")
VIDEO_NOTE = Kind("video_note", "VideoNote", "video_notes", "DQACAgIAAxk", ".mp4")
THUMBNAIL = Kind("thumbnail", "Thumbnail", "thumbnails", "AAMCAgIAAxk", ".jpg")


@dataclass(slots=True, frozen=True)
class Upload:
    """A file as it comes in.

    Attributes:
        name: Its name, empty when it has none.
        data: Its bytes.
        mime_type: Its media type, None when it is not told.
        made_up: The size in bytes of a file without `data`, whose bytes are made when they are
            read, so that a large one takes no memory.
    """

    name: str
    data: bytes = b""
    mime_type: str | None = None
    made_up: int = 0

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return len(self.data) or self.made_up

    def pieces(self, begin: int, end: int) -> Iterator[bytes]:
        """Give its bytes from `begin` up to `end`, in pieces of 64 KiB at most."""
        while begin < end:
            length = min(PIECE - begin % PIECE, end - begin)
            at = begin if self.data else begin % PIECE
            yield (self.data or _PATTERN)[at : at + length]
            begin += length


@dataclass(slots=True, frozen=True)
class StoredFile:
    """A file that the bot can name by `file_id` and download from `path`.

    Attributes:
        details: The fields that its kind has beside those of every file: width, duration, ...
    """

    file_id: str
    unique_id: str
    path: str
    upload: Upload
    kind: Kind
    details: dict[str, Any] = field(default_factory=dict)

    def reference(self) -> dict[str, Any]:
        """List the fields that every file object of the Bot API has."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.upload.size,
        }

    def content(self) -> dict[str, Any]:
        """Give the fields of a Message that carry the file."""
        described = {**self.reference(), **self.details}
        if self.kind is PHOTO:
            return {"photo": [described]}
        if self.kind is ANIMATION:  # a document too, for bots that know no animations
            return {"animation": described, "document": {**self.reference(), **self._naming()}}
        return {self.kind.field: described}

    def _naming(self) -> dict[str, Any]:
        named = ("file_name", "mime_type")
        return {name: self.details[name] for name in named if name in self.details}


class FileStore:
    """The files of one bot, in memory."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._numbers = count()

    def add(self, upload: Upload, kind: Kind, /, **details: Any) -> StoredFile:
        """Keep a file and give it an id and a path such as "documents/file_3.pdf".

        Args:
            upload: The file.
            kind: Its kind.
            details: The fields of its object beside id, size, name and type.
        """
        details = {**_name_and_type(upload, kind), **details}
        stored = StoredFile(
            file_id=kind.prefix + secrets.token_urlsafe(36),
            unique_id="AgAD" + secrets.token_urlsafe(9),
            path=f"{kind.folder}/file_{next(self._numbers)}{_suffix(upload, kind)}",
            upload=upload,
            kind=kind,
            details=details,
        )
        self._by_id[stored.file_id] = stored
        self._by_path[stored.path] = stored
        return stored

    def by_id(self, file_id: str) -> StoredFile | None:
        """Find a file by its `file_id`."""
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """Find a file by its download path."""
        return self._by_path.get(path)

    def info(self, file_id: str) -> dict[str, Any]:
        """Describe a file as getFile does.

        Raises:
            ApiError: 400, the id is not known or the file is over 20 MB.
        """
        stored = self._by_id.get(file_id)
        if stored is None:
            # Telegram finds no fault in the id that another bot got, but no file for it, either.
            unavailable = "wrong file_id or the file is temporarily unavailable"
            raise bad_request(unavailable if _ISSUED.fullmatch(file_id) else "invalid file_id")
        if stored.upload.size > MAX_DOWNLOAD:
            raise bad_request("file is too big")
        return {**stored.reference(), "file_path": stored.path}


def _name_and_type(upload: Upload, kind: Kind) -> dict[str, Any]:
    if not kind.mime_type:
        return {}
    told = upload.mime_type
    if told == UNTOLD and kind is not DOCUMENT:  # what clients say that do not look
        told = None
    found = told or mimetypes.guess_type(upload.name)[0]
    mime_type = {"mime_type": found or kind.mime_type}
    named = {"file_name": upload.name} if upload.name and kind is not VOICE else {}
    return {**named, **mime_type}


def _suffix(upload: Upload, kind: Kind) -> str:
    """Give the ending of a download path: nothing of a name that would not be plain in an URL."""
    if kind.suffix:
        return kind.suffix
    if upload.name:
        suffix = PurePosixPath(upload.name).suffix
        return suffix if _SUFFIX.fullmatch(suffix) else ""
    return "" if kind is DOCUMENT else mimetypes.guess_extension(kind.mime_type) or ""
