"""Raw calls to a Bot API server, and waiting with a deadline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from sandbox import SandboxBot

DEADLINE = 30.0

Files = dict[str, tuple[str, bytes]]


class Api:
    """Raw calls to one Bot API server."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    def url(self, bot: SandboxBot, method: str) -> str:
        """Give the address of a method."""
        return f"{self.base}/bot{bot.token}/{method}"

    async def call(self, bot: SandboxBot, method: str, **params: Any) -> dict[str, Any]:
        """Call a method with a JSON body; the answer must repeat its HTTP status."""
        async with self.session.post(self.url(bot, method), json=params) as response:
            answer: dict[str, Any] = await response.json()
            assert answer.get("error_code", 200) == response.status
            return answer

    async def result(self, bot: SandboxBot, method: str, **params: Any) -> Any:
        """Call a method that must succeed."""
        answer = await self.call(bot, method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def refusal(self, bot: SandboxBot, method: str, **params: Any) -> str:
        """Call a method that must fail; gives the description."""
        answer = await self.call(bot, method, **params)
        assert not answer["ok"], answer
        return str(answer["description"])

    async def upload(self, bot: SandboxBot, method: str, *, files: Files, **params: Any) -> Any:
        """Call a method that must succeed with a form; files by field: (name, bytes)."""
        form = aiohttp.FormData()
        for name, value in params.items():
            form.add_field(name, value if isinstance(value, str) else json.dumps(value))
        for name, (file_name, data) in files.items():
            form.add_field(name, data, filename=file_name)
        async with self.session.post(self.url(bot, method), data=form) as response:
            answer = await response.json()
        assert answer["ok"], answer
        return answer["result"]

    async def download(self, bot: SandboxBot, file_id: str) -> bytes:
        """Download a file as getFile says."""
        path = (await self.result(bot, "getFile", file_id=file_id))["file_path"]
        async with self.session.get(f"{self.base}/file/bot{bot.token}/{path}") as response:
            assert response.status == 200
            return await response.read()

    async def control(self, verb: str, path: str, **fields: Any) -> tuple[int, Any]:
        """Call the control API; gives status and answer."""
        body = fields or None
        async with self.session.request(verb, f"{self.base}/control{path}", json=body) as response:
            return response.status, await response.json(content_type=None)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until a condition holds."""
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0)
