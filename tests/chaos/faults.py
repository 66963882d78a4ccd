"""What is broken on purpose, one thing after another, at random with a seed."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from support.tcp_proxy import BOTH, Direction, TcpProxy

from chaos.cluster import Cluster, Member
from chaos.events import EventLog, Fault
from chaos.windows import ENGINE

PAUSE = 4.0, 12.0  # seconds between two faults
FREEZES = 2.0, 4.5, 8.0, 20.0  # seconds; ownership is lost after five


@dataclass(eq=False)
class Injector:
    """Breaks and mends.

    Args:
        kinds: what may be broken, see `KINDS`.
    """

    cluster: Cluster
    log: EventLog
    rng: random.Random
    kinds: list[str]

    async def run(self, seconds: float) -> None:
        """Break one thing after another for so long, and mend the last of them."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            pause = self.rng.uniform(*PAUSE) if self.kinds else left
            await asyncio.sleep(min(left, pause))
            if pause < left:
                await self.inject(self.rng.choice(self.kinds))

    async def inject(self, kind: str) -> None:
        """Break one thing, wait, and mend it."""
        member = self.rng.choice(self.cluster.members)
        target = ENGINE if kind.startswith(ENGINE) else member.name
        begin = time.monotonic()
        print(f"{kind} ({target})", flush=True)
        try:
            await KINDS[kind](self, member)
            await self.cluster.until_ready()
        finally:
            self.log.add(Fault(begin, time.monotonic(), kind, target))

    # processes

    async def kill(self, member: Member) -> None:
        """Kill -9, and start again at once or later."""
        await member.end(signal.SIGKILL)
        await asyncio.sleep(self.rng.choice([0.0, 0.0, 3.0, 9.0]))
        await member.start(self.cluster.http)

    async def terminate(self, member: Member) -> None:
        """SIGTERM, and start again."""
        await member.end(signal.SIGTERM)
        await member.start(self.cluster.http)

    async def freeze(self, member: Member) -> None:
        """SIGSTOP for a while."""
        member.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(self.rng.choice(FREEZES))
        finally:
            member.send(signal.SIGCONT)

    # PostgreSQL

    async def restart_engine(self, _: Member) -> None:
        """Stop PostgreSQL in order, and start it again."""
        await self._restart("fast")

    async def crash_engine(self, _: Member) -> None:
        """Stop PostgreSQL as a crash would, and start it again."""
        await self._restart("immediate")

    async def _restart(self, mode: str) -> None:
        postgresql = self.cluster.postgresql
        await asyncio.to_thread(postgresql.stop, mode)
        try:
            await asyncio.sleep(self.rng.choice([0.0, 3.0, 8.0, 20.0]))
        finally:
            await asyncio.to_thread(postgresql.start)

    async def freeze_engine(self, _: Member) -> None:
        """SIGSTOP of the postmaster: sessions go on, and nobody gets a new one."""
        postgresql = self.cluster.postgresql
        postgresql.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(self.rng.uniform(2.0, 10.0))
        finally:
            postgresql.signal(signal.SIGCONT)

    # lines

    async def hole(self, line: TcpProxy) -> None:
        """Forward nothing for a while, in both directions or in one."""
        ways: list[tuple[Direction, ...]] = [BOTH, BOTH, ("to_server",), ("to_client",)]
        line.black_hole(*self.rng.choice(ways))
        await self._mend(line, self.rng.uniform(2.0, 15.0))

    async def slow(self, line: TcpProxy) -> None:
        """Make each round trip half a second longer."""
        line.delay(0.25)
        await self._mend(line, self.rng.uniform(3.0, 10.0))

    async def cut(self, line: TcpProxy) -> None:
        """Reset the connections."""
        line.cut()

    @staticmethod
    async def _mend(line: TcpProxy, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            line.heal()


KINDS: dict[str, Callable[[Injector, Member], Awaitable[None]]] = {
    "kill": Injector.kill,
    "term": Injector.terminate,
    "stop": Injector.freeze,
    "postgresql restart": Injector.restart_engine,
    "postgresql crash": Injector.crash_engine,
    "postgresql stop": Injector.freeze_engine,
    "black hole database": lambda self, member: self.hole(member.database),
    "delay database": lambda self, member: self.slow(member.database),
    "cut database": lambda self, member: self.cut(member.database),
    "black hole telegram": lambda self, member: self.hole(member.telegram),
    "delay telegram": lambda self, member: self.slow(member.telegram),
    "cut telegram": lambda self, member: self.cut(member.telegram),
}
# What one process survives with all it promises.
ALONE = ["kill", "term", "postgresql restart", "postgresql crash"]
