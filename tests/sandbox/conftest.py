"""A sandbox on a free port, and clients that talk to it over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from support.sandbox_client import Api, until
from telegram import Bot
from telegram.request import HTTPXRequest

from sandbox import Sandbox, SandboxBot, port_of, serve, stop


@pytest.fixture
async def served() -> AsyncIterator[tuple[Sandbox, str]]:
    """A sandbox and its address; at the end no task may be left."""
    before = asyncio.all_tasks()
    server, sandbox = await serve(port=0)
    yield sandbox, f"http://127.0.0.1:{port_of(server)}"
    await stop(server, sandbox)
    this = asyncio.current_task()
    await until(lambda: asyncio.all_tasks() <= {*before, this})


@pytest.fixture
def sandbox(served: tuple[Sandbox, str]) -> Sandbox:
    """The sandbox."""
    return served[0]


@pytest.fixture
def bot(sandbox: Sandbox) -> SandboxBot:
    """One bot of it."""
    return sandbox.add_bot(username="first_bot")


@pytest.fixture
def chat_id(sandbox: Sandbox, bot: SandboxBot) -> int:
    """A chat in which a user wrote message 1."""
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    return 7


@pytest.fixture
async def api(served: tuple[Sandbox, str]) -> AsyncIterator[Api]:
    """Raw calls to it."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Api(session, served[1])


@pytest.fixture
async def ptb(
    served: tuple[Sandbox, str], bot: SandboxBot, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bot]:
    """A real python-telegram-bot Bot that talks to it."""
    # Without this each RetryAfter warns of a change to come, and warnings are errors here.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    request = HTTPXRequest(connection_pool_size=8)
    base = served[1]
    async with Bot(
        bot.token, base_url=f"{base}/bot", base_file_url=f"{base}/file/bot", request=request
    ) as client:
        yield client
