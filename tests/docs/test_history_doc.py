"""docs/history.md: its commands are run as they stand, and their output is what it says."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import orjson
from support.client import BOTS, DEADLINE, Client

from sandbox import Sandbox

TEXT = (Path(__file__).parents[2] / "docs" / "history.md").read_text()
ADDRESS = "http://127.0.0.1:8000"


async def test_its_commands_work(ann: Client, telegram: Sandbox, tmp_path: Path) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    telegram.send_message(bot.id, text="Where is order 4711?", chat_id=7)
    messages = f"{BOTS}{made['id']}/chats/7/messages/"
    async with asyncio.timeout(DEADLINE):
        while (await ann.get(messages)).status != 200:
            await asyncio.sleep(0.01)
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 5
    script = "\n".join(["set -eu", *blocks]).replace(ADDRESS, ann.url)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script,
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "KEY": ann.key or "", "ID": str(made["id"]), "CHAT": "7"},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    chats, shown, read, found, changed = [orjson.loads(line) for line in out.splitlines() if line]
    assert [chat["chat_id"] for chat in chats["items"]] == [7]
    assert {item["direction"] for item in shown["items"]} == {"in", "out"}
    assert read["unread"] == 0
    assert {item["text"] for item in found["items"]} == {"Where is order 4711?"}
    assert changed["history"] is False
    (export,) = tmp_path.glob("*.jsonl")
    assert len(export.read_bytes().splitlines()) == 3
    assert (await ann.get(messages)).status == 404
