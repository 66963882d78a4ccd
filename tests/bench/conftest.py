"""What the tests of the benchmark share: a stand-in for Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.client import until
from support.stand_in import ask

from bench import telegram


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a stand-in with two bots."""
    port_file = tmp_path / "port"
    task = asyncio.create_task(telegram.serve(port_file))
    await until(port_file.exists, "the stand-in listens")
    url = f"http://127.0.0.1:{port_file.read_text()}"
    await ask(url, "control/reset", bots=2)
    yield url
    task.cancel()
    await asyncio.wait({task})
