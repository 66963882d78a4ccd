"""A form with one file (multipart/form-data, RFC 7578) that is read while it comes in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import unquote

from handlers import errors

FIELD = "file"  # the name of the part
MAX_HEAD = 4096  # bytes of the headers of a part
OVERHEAD = 16 * 1024  # bytes of a form beside the file, at most
UNTOLD = "application/octet-stream"
MAX_FILE_NAME = 255  # characters

_BOUNDARY = re.compile(r'(?i)multipart/form-data\s*;.*?\bboundary="?([^";,\s]{1,70})"?')
_PARAMETER = re.compile(r';\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))')
_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
# control characters, lone surrogates, and those that change the direction of what follows
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Browsers encode these and nothing else (the HTML standard, "multipart/form-data encoding").
_ENCODED = {"%22": '"', "%0D": "\r", "%0A": "\n"}


@dataclass(frozen=True, slots=True)
class Part:
    """What a form says of its file.

    Args:
        name: the file's name, without folders.
        mime_type: its type; application/octet-stream if the form names none.
    """

    name: str
    mime_type: str


class _Stage(Enum):
    """Where in the form the reader is."""

    BEGINNING = auto()
    HEAD = auto()
    FILE = auto()
    END = auto()


class FileForm:
    """Reads a form from pieces, and gives out the content of its one file.

    Args:
        content_type: the header of the request.

    Attributes:
        part: what the form says of the file; None until that has come.
        received: the bytes of the form so far.

    Raises:
        UnsupportedMediaType: the body is no such form.
    """

    def __init__(self, content_type: str) -> None:
        boundary = _BOUNDARY.match(content_type)
        if boundary is None:
            raise errors.UnsupportedMediaType(
                f"Send the file as the part {FIELD} of a form, multipart/form-data."
            )
        self.part: Part | None = None
        self.received = 0
        self._delimiter = b"\r\n--" + boundary[1].encode()
        self._stage = _Stage.BEGINNING
        self._left = b"\r\n"  # so that the first delimiter is like the others
        self._begins_at = 0  # the file, in the body

    def content_length(self, announced: int) -> int:
        """Return the size of the file, once its part has begun, if it is the last part.

        Args:
            announced: the length of the whole body in bytes; 0 if it is not known.
        """
        return max(0, announced - self._begins_at - len(self._delimiter) - len(b"--\r\n"))

    def feed(self, data: bytes) -> bytes:
        """Take a piece of the body.

        Returns:
            The content of the file in it; may be empty.

        Raises:
            BadRequest: the form is malformed, or has something else than one file.
        """
        self.received += len(data)
        self._left += data
        if self._stage is _Stage.BEGINNING:
            self._begin()
        if self._stage is _Stage.HEAD:
            self._read_head()
        if self._stage is _Stage.FILE:
            return self._content()
        if self._stage is _Stage.END:
            self._end()
        return b""

    def finish(self) -> None:
        """Check that the form is complete.

        Raises:
            BadRequest: it has no file, or breaks off.
        """
        if self._stage is _Stage.BEGINNING:
            raise errors.invalid({FIELD: ["Choose a file."]})
        if self._stage is not _Stage.END or not self._left.startswith(b"--"):
            raise _malformed("it breaks off")

    def _begin(self) -> None:
        found = self._left.find(self._delimiter)
        if found < 0:
            self._check_length(OVERHEAD)
            return
        self._left = self._left[found + len(self._delimiter) :]
        self._stage = _Stage.HEAD

    def _read_head(self) -> None:
        if self._left.startswith(b"--"):
            raise errors.invalid({FIELD: ["Choose a file."]})
        end = self._left.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD:
            self._check_length(MAX_HEAD)
            return
        self.part = _read_part(self._left[:end])
        self._left = self._left[end + 4 :]
        self._begins_at = self.received - len(self._left)
        if self._left.startswith(self._delimiter[2:]):  # of a file without content
            self._left = b"\r\n" + self._left
        self._stage = _Stage.FILE

    def _content(self) -> bytes:
        found = self._left.find(self._delimiter)
        if found < 0:  # the delimiter may have begun
            safe = max(0, len(self._left) - len(self._delimiter) + 1)
            content, self._left = self._left[:safe], self._left[safe:]
            return content
        content, self._left = self._left[:found], self._left[found + len(self._delimiter) :]
        self._stage = _Stage.END
        self._end()
        return content

    def _end(self) -> None:
        """Check that nothing follows."""
        if len(self._left) >= 2 and not self._left.startswith(b"--"):
            raise errors.invalid({FIELD: ["Send one file, and nothing else, in the form."]})
        self._check_length(OVERHEAD)

    def _check_length(self, most: int) -> None:
        if len(self._left) > most:
            raise _malformed("its parts cannot be told from each other")


def _malformed(why: str) -> errors.ApiError:
    return errors.BadRequest(f"The form in the request body is malformed: {why}.")


def _read_part(head: bytes) -> Part:
    lines = head.decode("utf-8", "replace").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    }
    disposition = headers.get("content-disposition", "")
    given = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
        for name, quoted, plain in _PARAMETER.findall(disposition)
    }
    if given.get("name") != FIELD or not {"filename", "filename*"} & given.keys():
        about = "Send one file, and nothing else, in the form, as a part with a file name."
        raise errors.invalid({FIELD: [about]})
    mime_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Part(_file_name(given), mime_type if _MIME_TYPE.fullmatch(mime_type) else UNTOLD)


def _file_name(given: dict[str, str]) -> str:
    encoding, _, encoded = given.get("filename*", "").partition("''")
    if encoding.lower() == "utf-8":
        name = unquote(encoded, errors="replace")
    else:
        name = re.sub("%22|%0[DA]", lambda found: _ENCODED[found[0]], given.get("filename", ""))
    name = re.split(r"[/\\]", name)[-1]
    return _UNSHOWN.sub("", name).strip()[:MAX_FILE_NAME] or "file"
