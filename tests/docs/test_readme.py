"""README.md, read and run: its session works as it is printed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from support.commands import run
from support.server_process import ROOT, ServerProcess, serving

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
    ended = await run("bash", "-c", f"set -euo pipefail\n{script}")
    assert ended.code == 0, ended.err
    return ended.out


def talk(telegram: Sandbox, server: ServerProcess) -> list[str]:
    """The blocks that are typed while a sandbox and a server run, with their addresses."""
    _install, _serve, *typed = blocks()
    addresses = {
        "http://127.0.0.1:8081": telegram.url,  # type: ignore[attr-defined]
        "http://127.0.0.1:8000": server.url,
    }
    for printed, real in addresses.items():
        typed = [block.replace(printed, real) for block in typed]
    return typed


def test_the_session_begins_with_the_two_programs() -> None:
    install, serve, *_ = blocks()
    assert install == "make install\n.venv/bin/botyard sandbox --port 8081\n"
    assert serve == ".venv/bin/botyard serve --telegram-api-url http://127.0.0.1:8081\n"


async def test_the_session_works_as_it_is_printed_and_works_again(
    tmp_path: Path, telegram: Sandbox
) -> None:
    async with serving(tmp_path, telegram.url) as server:  # type: ignore[attr-defined]
        script = "\n".join(f"{block}\necho; echo ==" for block in talk(telegram, server))
        for _ in range(2):
            printed = _parts(await bash(script))
            parts = [[json.loads(line) for line in part.split("\n") if line] for part in printed]
            _token, account, made, written, again, own, switched, bots, left = parts
            assert account[0]["user"]["username"].startswith("ann-")
            assert made[0]["status"]["state"] == "running"
            assert written[1][0]["message"]["text"] == "Hello, bot!"
            assert [one["message"]["text"] for one in again[1]] == ["And now?"]
            assert own[0]["items"][0]["text"] == "This comes from a person."
            assert [bot["status"]["state"] for bot in switched] == ["stopped", "running"]
            assert made[0]["id"] in [bot["id"] for bot in bots[0]]
            assert left == [{"detail": "Successfully logged out."}]


async def test_a_registration_that_fails_is_seen_and_is_no_key(
    tmp_path: Path, telegram: Sandbox
) -> None:
    async with serving(tmp_path, telegram.url) as server:  # type: ignore[attr-defined]
        _token, register, *_ = talk(telegram, server)
        assert "\nNAME=" in f"\n{register}"
        taken = re.sub("^NAME=.*$", "NAME=ann", register, flags=re.MULTILINE)
        await bash(taken)
        ended = await run("bash", "-c", f'{taken}\necho "KEY=<$KEY>"')
    assert "curl: (22) The requested URL returned error: 400" in ended.err
    assert "A user with this name already exists." in ended.out
    assert ended.out.endswith("\nKEY=<>\n")


async def test_without_make_the_same_is_installed() -> None:
    (block,) = re.findall(r"^Without make.*?```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    *install, serve = block.splitlines()
    assert serve == ".venv/bin/botyard serve"
    planned = await run("make", "--dry-run", "--always-make", "install", "PYTHON=python3")
    assert planned.code == 0, planned.err
    lines = [
        line.replace("--quiet --disable-pip-version-check ", "")
        for line in planned.out.splitlines()
    ]
    assert [line for line in lines if "venv .venv" in line or " pip " in line] == install


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
