"""Answers that are files from people: nothing in them can act as a part of this site."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from handlers.base import ApiHandler

SLOW = 30.0  # seconds that a reader may take for a piece
BASE_TIME = 60.0  # seconds that a whole file may take, beside the time by its size
SLOWEST = 16 * 1024  # bytes a second that a reader must take on the average
# What browsers show and never run; everything else is a download.
SHOWN = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "video/mp4",
        "video/webm",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
    }
)


def set_file_headers(handler: ApiHandler, *, name: str, mime_type: str, size: int | None) -> None:
    """Set the headers of an answer that is a file.

    Args:
        name: its name.
        mime_type: its type, which counts only if it is one of `SHOWN`.
        size: the number of bytes that are answered; None if it is not known.
    """
    shown = mime_type in SHOWN
    handler.set_header("Content-Type", mime_type if shown else "application/octet-stream")
    if size is not None:
        handler.set_header("Content-Length", str(size))
    disposition = "inline" if shown else "attachment"
    handler.set_header("Content-Disposition", f"{disposition}; {_file_name(name)}")
    policy = "default-src 'none'; sandbox; frame-ancestors 'none'"
    handler.set_header("Content-Security-Policy", policy)
    handler.set_header("Cross-Origin-Resource-Policy", "same-site")


def _file_name(name: str) -> str:
    """Return the parameters of Content-Disposition with a file's name (RFC 6266, appendix D)."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def send_pieces(handler: ApiHandler, pieces: AsyncIterator[bytes], *, size: int) -> None:
    """Send the content of a file, as fast as it is read and no faster.

    Args:
        size: the number of bytes, at most.

    Raises:
        TimeoutError: the reader is too slow.
        Exception: as `pieces` raises.
    """
    try:
        async with asyncio.timeout(BASE_TIME + size / SLOWEST):
            async for data in pieces:
                handler.write(data)
                async with asyncio.timeout(SLOW):
                    await handler.flush()
    except StreamClosedError:
        return  # nobody reads it any more
