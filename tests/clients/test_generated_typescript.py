"""openapi-typescript and hey-api generate what compiles strictly, and what works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.client import Client
from support.commands import Program
from support.server_process import ROOT

from sandbox import Sandbox

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
SESSION = Path(__file__).with_name("session.ts")
CONFIG = """
export default {
  input: "openapi.json",
  output: "generated",
  logs: { file: false },
  plugins: ["@hey-api/client-fetch", "zod", { name: "@hey-api/sdk", validator: true }],
};
"""
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "target": "ES2022",
        "module": "CommonJS",
        "moduleResolution": "Node10",
        "esModuleInterop": True,
        "lib": ["ES2022", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
        "types": ["node"],
        "skipLibCheck": True,  # zod's own
        "allowJs": True,
        "outDir": "built",
    },
    "files": ["session.ts"],
}


def documented_reader() -> str:
    """The function of docs/events.md that reads the stream with fetch."""
    page = (ROOT / "docs" / "events.md").read_text()
    [function] = re.findall(r"^async function\* liveEvents.*?^}$", page, re.MULTILINE | re.DOTALL)
    return f"export {function}\n"


@pytest.fixture
async def generated(folder: Path, program: Program) -> Path:
    """The folder with the session and all that it imports."""
    (folder / "openapi-ts.config.mjs").write_text(CONFIG)
    (folder / "tsconfig.json").write_text(json.dumps(TSCONFIG))
    (folder / "session.ts").write_text(SESSION.read_text())
    (folder / "events.js").write_text(documented_reader())
    for command in (
        ("openapi-typescript", "openapi.json", "--output", "openapi.d.ts"),
        ("openapi-ts", "--file", "openapi-ts.config.mjs"),
    ):
        ended = await program(*command)
        assert ended.code == 0, ended.out + ended.err
    return folder


async def test_a_whole_session_compiles_and_works(
    generated: Path, program: Program, anonymous: Client, telegram: Sandbox
) -> None:
    compiled = await program("tsc", "--project", "tsconfig.json")
    assert compiled.code == 0, compiled.out
    bot = telegram.add_bot()
    telegram.send_message(bot.id, text="hi", chat_id=1001)
    ended = await program("node", "built/session.js", anonymous.url, bot.token)
    assert (ended.code, ended.out) == (0, "done\n"), ended.err
    assert "Bye from a page" in [one.present_text for one in telegram.sent(bot.id)]


async def test_its_types_compile_with_every_check(generated: Path, program: Program) -> None:
    ended = await program("tsc", "--noEmit", "--strict", "openapi.d.ts")
    assert ended.code == 0, ended.out
