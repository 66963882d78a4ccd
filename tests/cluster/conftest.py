"""Servers on one PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from support.ensemble import Ensemble

from sandbox import Sandbox


@pytest.fixture
async def ensemble(pg_url: str, telegram: Sandbox, tmp_path: Path) -> AsyncIterator[Ensemble]:
    """Servers that are not started yet."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Ensemble(pg_url, telegram, tmp_path, stack, http)
