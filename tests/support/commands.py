"""Programs that are run to their end: `botyard` as an operator types it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from support.client import DEADLINE
from support.forks import fork_server
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


async def run_fork(*command: str, stdin: str = "", umask: int | None = None, **env: str) -> Ended:
    """Run a Python program to its end, without the time that its imports take.

    Args:
        command: what follows `python` on a command line: -m and a module, or a file.
        umask: None for that of the tests.
    """
    environ = {name: value for name, value in os.environ.items() if "BOTYARD" not in name}
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        source.write(stdin.encode())
        source.seek(0)
        streams = (source.fileno(), out.fileno(), err.fileno())
        process = await fork_server.fork(command, env=environ | env, streams=streams, umask=umask)
        try:
            async with asyncio.timeout(DEADLINE):
                code = await process.wait()
        finally:
            process.kill()
            await process.wait()
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read().decode(), err.read().decode())


async def botyard_command(*args: str, **options: str) -> Ended:
    """`python -m server`, which is `botyard`."""
    return await run_fork("-m", "server", *args, **options)


def only_line(ended: Ended) -> str:
    """The one line of an error; the exit code is 1."""
    lines = [line for line in ended.err.splitlines() if "INFO" not in line]
    assert (ended.code, len(lines)) == (1, 1), ended.err
    return lines[0]
