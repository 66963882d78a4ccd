"""A PostgreSQL server and its standby."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.client import DEADLINE
from support.postgresql import PostgreSQL
from support.tcp_proxy import TcpProxy

_STATE = "SELECT sync_state, replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"


@dataclass
class Pair:
    """Both servers, and the line by which one follows the other."""

    primary: PostgreSQL
    standby: PostgreSQL
    line: TcpProxy

    @property
    def url(self) -> str:
        """The address of whichever accepts writes."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://botyard@{hosts}/postgres?target_session_attrs=read-write"

    async def until_level(self, *, sync: bool) -> None:
        """Wait until the standby has all that the primary has."""
        wanted = [("sync" if sync else "async", True)]
        async with asyncio.timeout(DEADLINE):
            while await asyncio.to_thread(self.primary.execute, _STATE) != wanted:
                await asyncio.sleep(0.05)

    async def make_synchronous(self) -> None:
        """Have each commit of the primary wait until the standby has it on its disk."""
        for statement in (
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ):
            await asyncio.to_thread(self.primary.execute, statement)
        await self.until_level(sync=True)

    async def fail_over(self) -> None:
        """Have the primary crash, and promote the standby with what has reached it."""
        await asyncio.to_thread(self.primary.stop, "immediate")
        await self.line.close()  # what is held on the way does not arrive
        await asyncio.to_thread(self.standby.promote)


@asynccontextmanager
async def primary_and_standby() -> AsyncIterator[Pair]:
    """Two servers with durable commits; the standby follows asynchronously."""
    folders = [Path(tempfile.mkdtemp(prefix="botyard-pg-")) for _ in range(2)]
    primary, standby = (PostgreSQL(folder, durable=True) for folder in folders)
    line = TcpProxy("127.0.0.1", primary.port)
    await line.open()
    try:
        await asyncio.to_thread(primary.create)
        await asyncio.to_thread(primary.start)
        source = f"postgresql://botyard@127.0.0.1:{line.port}/postgres"
        await asyncio.to_thread(standby.follow, source)
        await asyncio.to_thread(standby.start)
        pair = Pair(primary, standby, line)
        await pair.until_level(sync=False)
        yield pair
    finally:
        for server in (primary, standby):
            if server.is_running():
                await asyncio.to_thread(server.stop, "immediate")
        await line.close()
        for folder in folders:
            shutil.rmtree(folder)
