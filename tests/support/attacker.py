"""Somebody with an account and ill will, for as long as a soak lets them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox import Sandbox, SandboxBot
from support.client import BOTS, Client
from support.wire import Wire

IDLE = 300  # connections that send nothing
SLOW = 50  # bodies of which a byte comes each second
FLOODS = 10  # requests of one account at a time
HOSTILE: list[dict[str, Any]] = [
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "status", "status": 500, "body": "<html>" + "x" * 100_000},
    {"kind": "status", "status": 404, "body": "nothing"},
    {"kind": "drop"},
    {"kind": "delay", "seconds": 1.0},
]


@dataclass
class Attacker:
    """All attacks at once, against one server.

    Args:
        client: logged in with an account of their own.
        bot: of that account; its Bot API misbehaves.
    """

    telegram: Sandbox
    client: Client
    bot: SandboxBot
    rng: random.Random

    async def attack(self, seconds: float) -> None:
        """Attack for some time."""
        works: list[Callable[[], Coroutine[Any, Any, None]]] = [
            *[self._idle] * IDLE,
            *[self._slow] * SLOW,
            *[self._flood] * FLOODS,
            self._misbehave,
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for work in works:
                    group.create_task(work(), name=work.__name__)

    async def _idle(self) -> None:
        while True:
            await self._hold(b"")

    async def _slow(self) -> None:
        head = "POST /rest-auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        while True:
            await self._hold(head.encode(), drip=b" ")

    async def _hold(self, start: bytes, *, drip: bytes = b"") -> None:
        """Hold a connection until the server closes it."""
        with suppress(ConnectionError):
            wire = await Wire.open(self.client.url)
            try:
                wire.writer.write(start)
                while not wire.reader.at_eof() and not wire.writer.is_closing():
                    wire.writer.write(drip)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(1.0):
                            await wire.reader.read(1024)
            finally:
                wire.writer.close()
        await asyncio.sleep(0.1)

    async def _flood(self) -> None:
        invented = f"{self.rng.randrange(10**8, 10**9)}:" + "A" * 35
        requests: list[tuple[str, str, Any]] = [
            ("GET", BOTS, None),
            ("POST", BOTS, {"token": invented}),
            ("PATCH", "/rest-auth/user/", {"first_name": "Eve"}),
            ("POST", "/rest-auth/login/", {"username": "quiet", "password": "wrong wrong"}),
        ]
        while True:
            with suppress(aiohttp.ClientError):
                await self.client.request(*self.rng.choice(requests))

    async def _misbehave(self) -> None:
        while True:
            fault = self.telegram.inject(**self.rng.choice(HOSTILE), bot_id=self.bot.id)
            try:
                await asyncio.sleep(2.0)
            finally:
                self.telegram.clear(fault.id)
