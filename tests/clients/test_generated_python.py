"""openapi-python-client generates a client that imports, type-checks and works."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.client import Client
from support.commands import Program

from sandbox import Sandbox

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
SESSION = Path(__file__).with_name("python_session.py")
IMPORT_ALL = """
import importlib, pkgutil, botyard_client
for module in pkgutil.walk_packages(botyard_client.__path__, "botyard_client."):
    print(importlib.import_module(module.name).__name__)
"""


@pytest.fixture
async def generated(folder: Path, program: Program) -> Path:
    """The folder with the generated client, which was made without a warning."""
    (folder / "config.yaml").write_text("post_hooks: []\n")
    options = ("--path", "openapi.json", "--config", "config.yaml", "--meta", "none")
    output = ("--output-path", "botyard_client", "--fail-on-warning")
    ended = await program("openapi-python-client", "generate", *options, *output)
    assert ended.code == 0, ended.out + ended.err
    return folder


async def test_every_module_can_be_imported(generated: Path, program: Program) -> None:
    ended = await program("python", "-W", "error", "-c", IMPORT_ALL)
    assert ended.code == 0, ended.err
    names = {name.rpartition(".")[2] for name in ended.out.split()}
    assert {"login", "registration", "password_change", "bot_state_event"} <= names
    assert len(names) > 60


async def test_a_whole_session_works_with_it(
    generated: Path, program: Program, anonymous: Client, telegram: Sandbox
) -> None:
    checked = await program("mypy", "--no-incremental", str(SESSION), MYPYPATH=str(generated))
    assert checked.code == 0, checked.out
    bot = telegram.add_bot()
    telegram.send_message(bot.id, text="hi", chat_id=1001)
    there = {"PYTHONPATH": str(generated)}
    ended = await program("python", str(SESSION), anonymous.url, bot.token, **there)
    assert (ended.code, ended.out) == (0, "done\n"), ended.err
    assert "Bye from Python" in [one.present_text for one in telegram.sent(bot.id)]
