"""What the tests of the API document's readers share: the document, and the programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.client import Client
from support.commands import Ended, Program, run

FOLDER = Path(__file__).parent
PROGRAMS = FOLDER / "node_modules" / ".bin"
SECONDS = 300.0  # in which a program must end; the slowest takes about ten


@pytest.fixture
async def folder(tmp_path: Path, anonymous: Client) -> Path:
    """A folder with the document as the server gives it, and the packages of Node.js."""
    folder = tmp_path / "clients"
    folder.mkdir()
    (folder / "openapi.json").write_text((await anonymous.get("/openapi.json")).text)
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    return folder


@pytest.fixture
def program(folder: Path) -> Program:
    """Run a program in the folder, one of Node.js's packages or of Python's, to its end."""

    async def run_there(name: str, *options: str, **env: str) -> Ended:
        places = (PROGRAMS, Path(sys.executable).parent)
        path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
        quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
        script = ("sh", "-c", 'cd "$0" && exec "$@"', str(folder))
        return await run(*script, name, *options, deadline=SECONDS, PATH=path, **quiet, **env)

    return run_there
