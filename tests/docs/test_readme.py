"""README.md, read and run: its session works as it is printed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from support.server_process import ROOT, serving

from sandbox import Sandbox
from server.cli import main
from server.config import Config
from server.setting_values import PREFIX

TEXT = (ROOT / "README.md").read_text()
SESSION = TEXT.partition("## A whole session\n")[2].partition("\n## ")[0]


def blocks() -> list[str]:
    """The blocks of commands of the session, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", SESSION, re.MULTILINE | re.DOTALL)


async def bash(script: str) -> str:
    """What commands print; they must not fail."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", f"set -euo pipefail\n{script}",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_the_session_works_as_it_is_printed(tmp_path: Path, telegram: Sandbox) -> None:
    install, serve, *talk = blocks()
    assert install == "make install\n.venv/bin/botyard sandbox --port 8081\n"
    assert serve == ".venv/bin/botyard serve --telegram-api-url http://127.0.0.1:8081\n"
    async with serving(tmp_path, telegram.url) as server:  # type: ignore[attr-defined]
        script = "\n".join(f"{block}\necho; echo ==" for block in talk)
        script = script.replace("http://127.0.0.1:8081", telegram.url)  # type: ignore[attr-defined]
        printed = await bash(script.replace("http://127.0.0.1:8000", server.url))
    parts = [[json.loads(line) for line in part.split("\n") if line] for part in _parts(printed)]
    _token, _key, made, written, switched, left = parts
    assert made[0]["status"]["state"] == "running"
    assert written[1][0]["message"]["text"] == "Hello, bot!"
    assert [bot["status"]["state"] for bot in switched] == ["stopped", "running"]
    assert left == [{"detail": "Successfully logged out."}]


def _parts(printed: str) -> list[str]:
    """What each block printed, each JSON document on a line of its own."""
    apart = re.sub(r"([\]}])(?=[\[{])", r"\1\n", printed)
    return apart.split("\n==\n")[:-1]


def test_every_setting_has_its_row_and_its_default() -> None:
    rows = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| (.*?) \|", TEXT, re.MULTILINE))
    assert rows.keys() == {name.upper() for name in Config.__dataclass_fields__}
    defaults: dict[str, Any] = {
        name: getattr(Config.load({}), name.lower())
        for name in ("HOST", "PORT", "SESSION_DAYS", "MAX_BOTS_PER_USER", "AUDIT_DAYS")
    }
    assert {name: rows[name].strip("`") for name in defaults} == {
        name: str(value) for name, value in defaults.items()
    }


def test_every_command_it_names_exists() -> None:
    operators = TEXT.partition("## For operators\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"^botyard ([a-z-]+)", operators, re.MULTILINE))
    assert named
    assert named | {"serve", "sandbox", "demo"} <= set(main.commands)
    assert Path(sys.executable).with_name("botyard").exists(), "make install makes it"
