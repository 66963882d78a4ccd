"""Uploads of files as frontends send them, and a slow one that a test sends piece by piece."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import aiohttp

from models.messaging.media import Media, MediaPiece
from server.app import Botyard
from support.client import BOTS, Answer, Client
from support.wire import Wire

BOUNDARY = "----formBoundary7MA4YWxk"


def form(data: bytes, *, name: str = "a.pdf", mime_type: str = "application/pdf") -> Any:
    """A form with one file, as a frontend sends it."""
    made = aiohttp.FormData(quote_fields=False)
    made.add_field("file", io.BytesIO(data), filename=name, content_type=mime_type)
    return made


def raw_form(data: bytes, disposition: str, *, mime_type: str = "application/pdf") -> bytes:
    """A form with one part, byte by byte as a test says."""
    head = (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: {mime_type}\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def media_path(bot: dict[str, Any]) -> str:
    """The address of a bot's files."""
    return f"{BOTS}{bot['id']}/media/"


async def upload(
    client: Client, bot: dict[str, Any], data: bytes, *, kind: str = "", **file: str
) -> Answer:
    """Upload a file."""
    query = f"?kind={kind}" if kind else ""
    return await client.post(media_path(bot) + query, data=form(data, **file))


async def uploaded(client: Client, bot: dict[str, Any], data: bytes, **file: str) -> dict[str, Any]:
    """Upload a file; as it was answered."""
    answer = await upload(client, bot, data, **file)
    assert answer.status == 201, answer.text
    shown: dict[str, Any] = answer.json
    return shown


async def upload_raw(client: Client, bot: dict[str, Any], body: bytes) -> Answer:
    """Upload a form that was written by hand."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return await client.post(media_path(bot), data=body, headers=headers)


async def stored(botyard: Botyard) -> tuple[int, int]:
    """How many files and pieces are in the database, complete or not."""
    db = botyard.services.db
    return await db.read(Media.select().count), await db.read(MediaPiece.select().count)


@dataclass
class SlowUpload:
    """An upload whose body a test sends in parts."""

    wire: Wire
    left: bytes

    @classmethod
    async def begin(
        cls, wire: Wire, client: Client, bot: dict[str, Any], data: bytes, *, length: int = 0
    ) -> SlowUpload:
        """Send the head of the request; `length` is what it says in place of the truth."""
        body = raw_form(data, 'form-data; name="file"; filename="a.pdf"')
        await wire.send(
            f"POST {media_path(bot)}",
            f"Authorization: Bearer {client.key}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {length or len(body)}",
        )
        return cls(wire, body)

    async def send(self, size: int) -> None:
        """Send some bytes of the body."""
        part, self.left = self.left[:size], self.left[size:]
        self.wire.writer.write(part)
        await self.wire.writer.drain()

    async def finish(self) -> int:
        """Send the rest of the body; the status of the answer."""
        await self.send(len(self.left))
        status, _ = await self.wire.answer()
        return status
