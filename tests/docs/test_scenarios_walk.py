"""docs/scenarios.md: its commands work one after the other, as they are printed."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.client import BOTS, DEADLINE, Client
from support.server_process import ROOT

from sandbox import Sandbox

PAGE = (ROOT / "docs" / "scenarios.md").read_text()
FIRST, _, REST = PAGE.partition("\n### A form\n")
FORM = re.findall(r"^```json\n(.*?)^```$", REST, re.M | re.S)[0]


def commands(text: str) -> str:
    """The commands of a part of the page, in order."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S))


def documents(text: str) -> Iterator[Any]:
    """The JSON documents that were printed, without the headers of a response."""
    text = re.sub(r"^HTTP/.*?^\r?$", "", text, flags=re.M | re.S)
    while text := text.lstrip():
        found, end = json.JSONDecoder().raw_decode(text)
        yield found
        text = text[end:]


async def run(folder: Path, script: str, **env: str) -> list[Any]:
    """Run commands that must not fail; the JSON documents that they print."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", f"set -euo pipefail\n{script}",
        cwd=folder, env={"PATH": os.environ["PATH"], **env},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, (err.decode(), out.decode()[-500:])
    return list(documents(out.decode()))


async def test_its_commands_work(ann: Client, telegram: Sandbox, tmp_path: Path) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    url: str = telegram.url  # type: ignore[attr-defined]
    env = {"KEY": ann.key or "", "ID": str(made["id"]), "BOT": str(bot.id)}

    async def played(script: str) -> list[Any]:
        script = script.replace("http://127.0.0.1:8000", ann.url)
        return await run(tmp_path, script.replace("http://127.0.0.1:8081", url), **env)

    printed = await played(commands(FIRST))
    saved, played_through, published, _, said = printed[:5]
    assert (saved["revision"], saved["problems"], published["n"]) == (1, [], 1)
    assert played_through["transcript"][-1]["text"] == "This is bread, not a cat! Eat it!"
    assert said[0]["text"].startswith("Hi! I will help you")
    draft, changed, _, tested, second, restored, third = printed[5:12]
    assert draft["title"] == "Cat or bread"
    assert [one["revision"] for one in (changed, restored)] == [2, 3]
    assert tested["passed"]
    assert (second["n"], third["n"]) == (2, 3)
    talks, log, statistics = printed[12:]
    assert [one["id"] for one in talks["items"]] == ["1001.1001.0"]
    assert log["items"][0]["steps"][0]["to"] == "square"
    assert statistics["begun"] == 1

    (tmp_path / "cakes.json").write_text(FORM)
    setting, reading = REST.partition("\nWhere do you read")[::2]
    given = "\n".join(re.findall(r"^(?:API|SANDBOX)=.*$", FIRST, re.M))
    printed = await played(f"{given}\n{commands(setting)}")
    *_, tapped, _name, _cake, _day, shared, _yes = printed
    assert tapped["answer"] == ""
    assert shared["update"]["message"]["contact"]["user_id"] == 1001
    async with asyncio.timeout(DEADLINE):
        while not (await ann.get(f"{BOTS}{made['id']}/chats/?tag=ordered")).json["items"]:
            await asyncio.sleep(0.01)
    people, found, talk = await played(f"{given}\n{commands(reading)}")
    assert [one["chat_id"] for one in people["items"]] == [1001]
    assert found["items"][0]["text"].startswith("New order\nName: Ann\nCake: Carrot\nDay: ")
    assert talk["variables"]["phone"] == "+15550100"
