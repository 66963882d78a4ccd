"""Real processes of the checkout on one PostgreSQL, each behind proxies of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from support.postgresql import PostgreSQL, free_port
from support.server_process import ROOT
from support.tcp_proxy import TcpProxy

READY = 60.0  # seconds within which a process serves
ENDING = 60.0  # seconds within which it ends after SIGTERM
RESTART = 0.5  # seconds until a process that ended by itself is started again, as systemd would
MAX_BOTS = 100
_PATIENCE = aiohttp.ClientTimeout(total=2)  # with the question whether a process is ready
_SECRET = "a secret that all processes of the run share"


@dataclass(eq=False)
class Member:
    """One `botyard serve`.

    Args:
        name: of the process.
        folder: its data folder, and its log beside it.
        database: the line to PostgreSQL.
        telegram: the line to the sandbox.
        several: whether there are others, and it needs a name.
        database_name: of the database.

    Attributes:
        ended: exit codes of a process that ended by itself.
        expected: whether it may end: a fault has asked for it.
    """

    name: str
    folder: Path
    database: TcpProxy
    telegram: TcpProxy
    several: bool
    database_name: str = "postgres"
    port: int = field(default_factory=free_port)
    ended: list[int] = field(default_factory=list)
    expected: bool = True
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def _environ(self) -> dict[str, str]:
        environ = {name: value for name, value in os.environ.items() if "BOTYARD" not in name}
        environ |= {
            "BOTYARD_PORT": str(self.port),
            "BOTYARD_DATA_DIR": str(self.folder),
            "BOTYARD_DATABASE_URL": (
                f"postgresql://botyard@127.0.0.1:{self.database.port}/{self.database_name}"
            ),
            "BOTYARD_TELEGRAM_API_URL": f"http://127.0.0.1:{self.telegram.port}",
            "BOTYARD_SECRET_KEY": _SECRET,
            "BOTYARD_ACCOUNT_RATE": "32767",
            "BOTYARD_MAX_BOTS_PER_USER": str(MAX_BOTS),
        }
        if self.several:
            environ["BOTYARD_PROCESS_NAME"] = self.name
        return environ

    async def start(self, http: aiohttp.ClientSession) -> None:
        """Start it, and wait until it serves."""
        await self.spawn()
        await self.until_ready(http)

    async def spawn(self) -> None:
        """Start it."""
        with (self.folder.parent / f"{self.name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server", "serve",
                cwd=ROOT, env=self._environ(), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.expected = False

    async def until_ready(self, http: aiohttp.ClientSession) -> None:
        """Wait until it is ready: its bots have been started, and it reaches its database."""
        async with asyncio.timeout(READY):
            while not await self.ready(http):
                await asyncio.sleep(0.05)

    async def ready(self, http: aiohttp.ClientSession) -> bool:
        """Ask whether it is."""
        try:
            async with http.get(f"{self.url}/readyz", timeout=_PATIENCE) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def end(self, number: signal.Signals) -> int:
        """End it with a signal; its exit code."""
        assert self.process is not None
        self.expected = True
        self.send(number)
        async with asyncio.timeout(ENDING):
            return await self.process.wait()

    async def supervise(self) -> None:
        """Start it again whenever it has ended by itself."""
        while True:
            assert self.process is not None
            code = await self.process.wait()
            if self.expected:  # a fault has ended it, and starts it again
                await asyncio.sleep(0.05)
                continue
            self.ended.append(code)
            await asyncio.sleep(RESTART)
            await self.spawn()


@dataclass(eq=False)
class Cluster:
    """All processes, and what they share."""

    members: list[Member]
    postgresql: PostgreSQL
    http: aiohttp.ClientSession

    @property
    def hosts(self) -> dict[str, str]:
        """The names of the processes by the address under which they know the sandbox."""
        return {f"127.0.0.1:{one.telegram.port}": one.name for one in self.members}

    async def start_others(self) -> None:
        """Start all but the first, which has migrated the database."""
        for member in self.members[1:]:
            await member.start(self.http)

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Start processes again that end by themselves."""
        tasks = [asyncio.create_task(member.supervise()) for member in self.members]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until_ready(self) -> None:
        """Wait until all are."""
        for member in self.members:
            await member.until_ready(self.http)

    async def close(self) -> None:
        """End what still runs, and close the lines."""
        for member in self.members:
            if member.process is not None and member.process.returncode is None:
                member.send(signal.SIGCONT)
                await member.end(signal.SIGKILL)
            for line in (member.database, member.telegram):
                await line.close()


async def make_cluster(
    number: int, folder: Path, postgresql: PostgreSQL, sandbox_url: str, http: aiohttp.ClientSession
) -> Cluster:
    """Prepare processes that are called a, b, c...; none is started."""
    sandbox_port = urlsplit(sandbox_url).port
    assert sandbox_port is not None
    members = []
    for name in "abcdefghij"[:number]:
        (folder / name).mkdir(mode=0o700)
        database = TcpProxy("127.0.0.1", postgresql.port)
        telegram = TcpProxy("127.0.0.1", sandbox_port)
        for line in (database, telegram):
            await line.open()
        members.append(Member(name, folder / name, database, telegram, number > 1))
    return Cluster(members, postgresql, http)
