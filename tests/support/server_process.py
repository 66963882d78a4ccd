"""A real server process, for what only a process can show: signals, kill -9, exit codes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

from server.config import Config
from support.client import DEADLINE
from support.forks import Fork, fork_server

ROOT = Path(__file__).parent.parent.parent
CHECKOUT = (sys.executable, "-m", "server")
_SERVING = re.compile(r"serving on (\S+),")


@dataclass
class ServerProcess:
    """`botyard serve` on a free port."""

    process: asyncio.subprocess.Process | Fork
    url: str = ""
    log: list[str] = field(default_factory=list)
    reader: asyncio.Task[None] | None = None

    async def _read(self, stderr: asyncio.StreamReader, serving: asyncio.Future[str]) -> None:
        while line := (await stderr.readline()).decode():
            self.log.append(line.rstrip())
            if (found := _SERVING.search(line)) and not serving.done():
                serving.set_result(found[1])
        if not serving.done():
            serving.set_exception(AssertionError("the server ended:\n" + "\n".join(self.log)))

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code, negative when killed by a signal."""
        self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE):
            code = await self.process.wait()
            if self.reader is not None:
                await self.reader
        return code


async def _fork(
    environ: dict[str, str], open_files: int | None
) -> tuple[Fork, asyncio.StreamReader]:
    """`botyard serve`, and its standard error."""
    readable, writable = os.pipe()
    stderr = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stderr), os.fdopen(readable, "rb")
    )
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        process = await fork_server.fork(
            ("-m", "server", "serve"),
            env=environ,
            streams=(nothing, nothing, writable),
            open_files=open_files,
        )
    finally:
        os.close(nothing)
        os.close(writable)
    return process, stderr


async def _execute(
    program: Sequence[str], environ: dict[str, str]
) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader]:
    """A program's `serve`, and its standard error."""
    process = await asyncio.create_subprocess_exec(
        *program, "serve",
        cwd=ROOT, env=environ, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    return process, process.stderr


def environment(config: Config) -> dict[str, str]:
    """The variables that lead to a configuration, but for the folder."""
    given = {}
    for field_ in fields(config):
        value = getattr(config, field_.name)
        if field_.name != "data_dir" and value != field_.default:
            if isinstance(value, tuple | frozenset):
                value = ",".join(map(str, value))
            elif isinstance(value, bool):
                value = "yes" if value else "no"
            given[f"BOTYARD_{field_.name.upper()}"] = str(value)
    return given


@asynccontextmanager
async def serving(
    data_dir: Path,
    telegram_url: str,
    *,
    program: Sequence[str] | None = None,
    open_files: int | None = None,
    **env: str,
) -> AsyncIterator[ServerProcess]:
    """A server of its own on a folder; killed at the end when it still runs.

    Args:
        program: what is `botyard` on this command line; None for a fork, which starts at once.
        open_files: how many a fork may have; None for as many as the tests.
    """
    environ = {name: value for name, value in os.environ.items() if "BOTYARD" not in name}
    environ |= {
        "BOTYARD_PORT": "0",
        "BOTYARD_DATA_DIR": str(data_dir),
        "BOTYARD_TELEGRAM_API_URL": telegram_url,
        "BOTYARD_ACCOUNT_RATE": "32767",  # tests ask again and again until something is so
    } | env
    process, stderr = await (
        _fork(environ, open_files) if program is None else _execute(program, environ)
    )
    server = ServerProcess(process)
    announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server.reader = asyncio.create_task(server._read(stderr, announced), name="the server's log")
    try:
        async with asyncio.timeout(DEADLINE):
            server.url = await announced
        yield server
    finally:
        if process.returncode is None:
            await server.end(signal.SIGKILL)
        await server.reader
