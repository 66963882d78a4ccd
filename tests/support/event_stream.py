"""A live stream of events, as a client of any server reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from support.client import Client, until


class Stream:
    """A live stream of events, as far as it has come."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.last_id: str | None = None
        self.ended = False

    async def read(self, content: Any) -> None:
        """Read until it ends."""
        kind = ""
        async for line in content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "id":
                self.last_id = value
            elif name == "data":
                self.events.append((kind, orjson.loads(value)))
        self.ended = True

    def kinds(self) -> list[str]:
        """The kinds of the events, in their order."""
        return [kind for kind, _ in self.events]

    def texts(self) -> list[str]:
        """The texts of new messages, in their order."""
        return [data["message"]["text"] for kind, data in self.events if kind == "message"]

    def states(self) -> list[str]:
        """The states of bots, in their order."""
        return [data["state"] for kind, data in self.events if kind == "state"]


@asynccontextmanager
async def streaming(client: Client, *, last_id: str | None = None) -> AsyncIterator[Stream]:
    """The stream of an account; a new one has shown what is the case when this begins.

    Args:
        last_id: of the last event that an earlier stream has shown.
    """
    stream = Stream()
    headers = {"Authorization": f"Bearer {client.key}"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    async with client.http.get(client.url + "/api/v1/events/", headers=headers) as response:
        assert response.status == 200
        reading = asyncio.create_task(stream.read(response.content), name="stream")
        try:
            if last_id is None:
                await until(lambda: stream.events, "the first events")
            yield stream
        finally:
            reading.cancel()
            await asyncio.wait({reading})
