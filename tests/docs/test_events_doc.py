"""docs/events.md: its table is the API's, and its command works."""

from __future__ import annotations

import asyncio
import re

from support.client import DEADLINE, Client
from support.server_process import ROOT

from handlers.events import HEARTBEAT, STREAMS
from runner.live.events import EventKind
from runner.live.recent_events import HISTORY, LINGER
from sandbox import Sandbox

PAGE = (ROOT / "docs" / "events.md").read_text()


def test_it_lists_the_events() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [*EventKind, "reset"]


def test_its_numbers_are_those_of_the_server() -> None:
    assert f"After {HEARTBEAT:g} seconds" in PAGE
    assert f"{STREAMS} streams" in PAGE
    assert f"The last {HISTORY} events are kept,\nuntil {LINGER:g} seconds after" in PAGE


async def test_its_command_shows_events(ann: Client, telegram: Sandbox) -> None:
    made = await ann.add_bot(telegram.add_bot())
    [command] = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    script = command.replace("http://127.0.0.1:8000", ann.url)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f"exec {script}"),
        env={"KEY": ann.key or "", "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE):
            shown = await process.stdout.readuntil(b"event: counters\n")
    finally:
        process.kill()
        await process.communicate()
    assert f'data: {{"id":{made["id"]},"state":"running"' in shown.decode()
