"""docs/operations.md: every command in it works."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from support.client import DEADLINE, PASSWORD
from support.commands import botyard_command, run
from support.server_process import ROOT

from sandbox import Sandbox
from server.cli import main

PAGE = (ROOT / "docs" / "operations.md").read_text()
SECTIONS = {
    part.partition("\n")[0]: part.partition("\n")[2] for part in re.split(r"^## ", PAGE, flags=re.M)
}
OURS = ["Upgrade", "Backup and restore", "Rotate the secret", "Users", "Doctor"]


def blocks(section: str) -> list[str]:
    """The commands of a section, a block each."""
    found = re.findall(r"^( *)```sh\n(.*?)^ *```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


@pytest.mark.early
@pytest.mark.timeout(600)
@pytest.mark.parametrize("section", OURS)
async def test_every_command_of_a_section_works(
    tmp_path: Path, telegram: Sandbox, section: str
) -> None:
    data = tmp_path / "data"
    env = {
        "BOTYARD_DATA_DIR": str(data),
        "BOTYARD_TELEGRAM_API_URL": telegram.url,  # type: ignore[attr-defined]
        "PYTHONPATH": str(ROOT),  # where `botyard` is installed, another checkout may be
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    await botyard_command("migrate", "up", **env)
    await botyard_command("user", "create", "eve", "--password-stdin", stdin=PASSWORD, **env)
    shell = shutil.which("bash")
    assert shell
    assert blocks(section), "no commands"
    for block in blocks(section):
        script, lines = f"cd {tmp_path}\n{block}", block.count("\n")  # a program a line
        ended = await run(shell, "-euo", "pipefail", "-c", script, deadline=lines * DEADLINE, **env)
        assert ended.code == 0, f"{block}\n{ended.out}\n{ended.err}"


@pytest.mark.parametrize("name", ["backup", "restore", "rotate-secret", "doctor", "user"])
def test_every_command_for_operators_is_in_it(name: str) -> None:
    assert name in main.commands
    assert f"botyard {name}" in PAGE


def test_every_command_of_accounts_is_in_it() -> None:
    group = main.commands["user"]
    for name in group.commands:  # type: ignore[attr-defined]
        assert f"botyard user {name}" in SECTIONS["Users"]
