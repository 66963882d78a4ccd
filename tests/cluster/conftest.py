"""Servers on one PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from support.client import Client, register
from support.ensemble import Ensemble, Two

from sandbox import Sandbox


@pytest.fixture
async def ensemble(pg_url: str, telegram: Sandbox, tmp_path: Path) -> AsyncIterator[Ensemble]:
    """Servers that are not started yet."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Ensemble(pg_url, telegram, tmp_path, stack, http)


@pytest.fixture
async def two(ensemble: Ensemble, telegram: Sandbox) -> Two:
    """Two servers, and a bot that the first of them runs."""
    await ensemble.start("one")
    here = await register(Client(ensemble.http, ensemble.servers["one"].url))
    bot = telegram.add_bot()
    made = await here.add_bot(bot)  # before there is another server that might claim it
    await ensemble.start("two")
    assert await ensemble.owner_of(made["id"]) == "one"
    return Two(here, ensemble.through(here, "two"), bot, made)
