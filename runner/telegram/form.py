"""A form with files (multipart/form-data) whose content is read while it is sent."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form.

    Args:
        field: the name of its part.
        name: the file's name.
        mime_type: its media type.
        size: in bytes.
        content: reads it, in pieces.
    """

    field: str
    name: str
    mime_type: str
    size: int
    content: Callable[[], AsyncIterator[bytes]]


class FileForm:
    """The body of a call of the Bot API with files, which is sent once.

    Args:
        parameters: the other parameters, of types that orjson can write.
        files: the files.

    Attributes:
        headers: those of the request.
        length: in bytes.
        is_complete: True from the moment that the last byte may have been sent. Before, Telegram
            cannot have carried out the call.
        failure: why the content of a file could not be read; None if it could.
    """

    def __init__(self, parameters: dict[str, Any], files: list[FormFile]) -> None:
        self._boundary = f"botyard-{secrets.token_hex(16)}"
        self._head = b"".join(self._field(name, value) for name, value in parameters.items())
        self._files = [(self._file_head(file), file) for file in files]
        self._tail = f"--{self._boundary}--\r\n".encode()
        ends = len(b"\r\n") * len(files)
        sizes = sum(len(head) + file.size for head, file in self._files)
        self.length = len(self._head) + sizes + ends + len(self._tail)
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(self.length),
        }
        self.is_complete = False
        self.failure: Exception | None = None

    def _field(self, name: str, value: Any) -> bytes:
        text = value.encode() if isinstance(value, str) else orjson.dumps(value)
        head = f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        return head.encode() + text + b"\r\n"

    def _file_head(self, file: FormFile) -> bytes:
        # Telegram takes the name as it stands: no escape for a quote is understood by all
        shown = file.name.replace('"', "'").replace("\r", " ").replace("\n", " ")
        return (
            f"--{self._boundary}\r\n"
            f'Content-Disposition: form-data; name="{file.field}"; filename="{shown}"\r\n'
            f"Content-Type: {file.mime_type}\r\n\r\n"
        ).encode()

    async def content(self) -> AsyncIterator[bytes]:
        """Return the body in pieces; only one piece of a file is in memory."""
        yield self._head
        for head, file in self._files:
            yield head
            try:
                async for data in file.content():
                    yield data
            except Exception as error:
                self.failure = error
                raise
            yield b"\r\n"
        self.is_complete = True
        yield self._tail
