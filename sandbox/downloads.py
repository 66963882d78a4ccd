"""Downloads of files over HTTP, whole or in parts, in pieces that take little memory."""

from __future__ import annotations

import re

from tornado.iostream import StreamClosedError

from sandbox.errors import ApiError, Dropped
from sandbox.files import Upload
from sandbox.params import Params
from sandbox.wire import TelegramHandler

# Several ranges in one request are taken as none, as RFC 9110 lets a server do.
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


class FileHandler(TelegramHandler):
    """/file/bot<token>/<path>. Source: https://core.telegram.org/bots/api#getfile"""

    async def get(self, token: str, path: str) -> None:
        """Download a file that getFile gave the path of."""
        try:
            await self.pass_faults(token, "file", Params({}, {}))
            stored = self.sandbox.authorize(token).files.by_path(path)
            if stored is None:
                raise ApiError(404, "Not Found")
            if self._lost:
                raise Dropped
        except ApiError as error:
            self.answer_error(error)
        except Dropped:
            self.drop()
        else:
            await self._stream(stored.upload)

    async def _stream(self, upload: Upload) -> None:
        """Answer with the file, or with the part that the request asks for."""
        part = read_range(self.request.headers.get("Range", ""), upload.size)
        self.set_header("Accept-Ranges", "bytes")
        if part is not None and part.start >= upload.size:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{upload.size}")
            self.finish()
            return
        if part is not None:
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {part.start}-{part.stop - 1}/{upload.size}")
        part = part or range(upload.size)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", str(len(part)))
        try:
            for piece in upload.pieces(part.start, part.stop):
                self.write(piece)
                await self.flush()
        except StreamClosedError:
            return  # the client went away
        self.finish()


def read_range(header: str, size: int) -> range | None:
    """Read a Range header.

    Args:
        header: The header; empty when there is none.
        size: The size of the file in bytes.

    Returns:
        The bytes that are asked for, None for all of them. It begins at or after `size` when there
        are none such.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        return range(max(size - int(last), 0) if int(last) else size, size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1 if last else size, size))
