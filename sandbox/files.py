"""Files that one bot can see: uploaded by it or sent to it."""

from __future__ import annotations

import mimetypes
import secrets
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath
from typing import Any, Literal

from sandbox.errors import bad_request

MAX_DOWNLOAD = 20 * 1024 * 1024
PHOTO_WIDTH, PHOTO_HEIGHT = 800, 600


@dataclass(slots=True, frozen=True)
class Upload:
    """A file as it comes in: its name, its bytes and, where told, its media type."""

    name: str
    data: bytes
    mime_type: str | None = None


@dataclass(slots=True, frozen=True)
class StoredFile:
    """A file that the bot can name by `file_id` and download from `path`."""

    file_id: str
    unique_id: str
    path: str
    upload: Upload

    def reference(self) -> dict[str, Any]:
        """List the fields that every file object of the Bot API has."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": len(self.upload.data),
        }

    def as_document(self) -> dict[str, Any]:
        """Describe it as a Document."""
        mime_type = self.upload.mime_type or mimetypes.guess_type(self.upload.name)[0]
        return {
            **self.reference(),
            "file_name": self.upload.name,
            "mime_type": mime_type or "application/octet-stream",
        }

    def as_photo(self) -> list[dict[str, Any]]:
        """Describe it as the PhotoSize list of a message."""
        return [{**self.reference(), "width": PHOTO_WIDTH, "height": PHOTO_HEIGHT}]


class FileStore:
    """The files of one bot, in memory."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._numbers = count()

    def add(self, upload: Upload, *, folder: Literal["documents", "photos"]) -> StoredFile:
        """Keep a file and give it an id and a path such as "documents/file_3.pdf"."""
        suffix = ".jpg" if folder == "photos" else PurePosixPath(upload.name).suffix
        stored = StoredFile(
            file_id="BQACAgIAAxk" + secrets.token_urlsafe(36),
            unique_id="AgAD" + secrets.token_urlsafe(9),
            path=f"{folder}/file_{next(self._numbers)}{suffix}",
            upload=upload,
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
            raise bad_request("invalid file_id")
        if len(stored.upload.data) > MAX_DOWNLOAD:
            raise bad_request("file is too big")
        return {**stored.reference(), "file_path": stored.path}
