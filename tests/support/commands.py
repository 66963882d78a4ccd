"""Programs that are run to their end: `botyard` as an operator types it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from support.client import DEADLINE
from support.server_process import ROOT


@dataclass
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str


Program: TypeAlias = Callable[..., Awaitable[Ended]]  # a program by its name, run to its end


async def run(*command: str, stdin: str = "", deadline: float = DEADLINE, **env: str) -> Ended:
    """Run a program of the checkout to its end."""
    environ = {name: value for name, value in os.environ.items() if "BOTYARD" not in name}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=environ | env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(deadline):
            out, err = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def botyard_command(*args: str, **options: str) -> Ended:
    """`python -m server`, which is `botyard`."""
    return await run(sys.executable, "-m", "server", *args, **options)


def only_line(ended: Ended) -> str:
    """The one line of an error; the exit code is 1."""
    lines = [line for line in ended.err.splitlines() if "INFO" not in line]
    assert (ended.code, len(lines)) == (1, 1), ended.err
    return lines[0]
