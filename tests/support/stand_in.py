"""Calls of the benchmark's stand-in for Telegram."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson


async def ask(url: str, path: str, **parameters: Any) -> Any:
    """Call the stand-in over a connection of its own."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/{path}", data=orjson.dumps(parameters)) as answer,
    ):
        return orjson.loads(await answer.read())
