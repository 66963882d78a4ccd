"""A raw connection to a server, for what no HTTP client would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from support.client import DEADLINE


@dataclass
class Wire:
    """A connection on which anything can be sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, url: str, *, local: str | None = None) -> Self:
        """Connect to a server.

        Args:
            url: of the server.
            local: the address to come from; None for any.
        """
        parts = urlsplit(url)
        source = (local, 0) if local else None
        return cls(*await asyncio.open_connection(parts.hostname, parts.port, local_addr=source))

    async def send(self, start: str, *headers: str, body: bytes = b"") -> None:
        """Send the head of a request, and some of its body."""
        lines = [f"{start} HTTP/1.1", "Host: localhost", *headers]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Read one answer: its status and its body."""
        async with asyncio.timeout(DEADLINE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            lengths = [
                int(line.partition(":")[2])
                for line in head.lower().splitlines()
                if line.startswith("content-length:")
            ]
            body = await self.reader.readexactly(lengths[0]) if lengths else b""
        return int(head.split()[1]), body

    async def closed(self) -> bool:
        """Wait until the server closes the connection."""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass
        return True

    async def close(self) -> None:
        """Go away."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def wire_to(url: str, *, local: str | None = None) -> AsyncIterator[Wire]:
    """A connection for as long as it is used."""
    wire = await Wire.open(url, local=local)
    try:
        yield wire
    finally:
        await wire.close()
