"""Keeps this process in line with the others: hears their bells, beats, claims, and drains."""

from __future__ import annotations

import asyncio
import logging
import resource
import time

from models.cluster.link import Identity, Vitals
from models.engine.database import Database
from models.engine.doorbell import Bell
from models.errors import StorageError
from runner.cluster.claimer import Claimer
from runner.cluster.membership import Membership, Reactions
from runner.cluster.reachability import Reachability
from runner.runner import Runner

log = logging.getLogger("botyard.cluster")


class Cluster:
    """This process among others.

    Args:
        db: the database.
        membership: its row.
        runner: its bots.
        identity: what it tells of itself.
    """

    def __init__(
        self, db: Database, membership: Membership, runner: Runner, identity: Identity
    ) -> None:
        self._membership = membership
        self._identity = identity
        self._runner = runner
        self.claimer = Claimer(db, membership, runner.manager, runner.reconciler)
        self._reachability = Reachability(runner.transport, membership)
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False
        self._used = self._cpu_seconds()
        self._measured_at = time.monotonic()

    async def begin(self) -> None:
        """Begin to beat and to claim bots; return when the first of them are being started."""
        reactions = Reactions(
            heard=self._heard, lost=self._lost, changed=self.claimer.wake, vitals=self._vitals
        )
        self._membership.start(self._identity, reactions)
        await self.claimer.begin()
        self._start(self.claimer.run(), "claimer")
        self._start(self._reachability.run(), "reachability")

    def _start(self, work, name: str) -> None:  # type: ignore[no-untyped-def]
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Give all bots away, if there are others to run them."""
        self._draining = True
        try:
            await self._membership.beat(self._vitals())  # others raise their share
            await self.claimer.drain()
        except StorageError as error:
            log.warning("the bots are not given away: %s", error)

    async def close(self) -> None:
        """End, before the bots are stopped."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # -- reactions

    def _heard(self, bell: Bell, ids: list[int]) -> None:
        if bell is Bell.FREE:
            self.claimer.wake()
        elif bell is Bell.RUNS:
            self._runner.wishes.heard(ids)
        elif bell is Bell.WISH:
            for bot_id in ids:  # whoever owns it has it start or stop
                self._start(self._reconcile(bot_id), f"wish for bot {bot_id}")

    async def _reconcile(self, bot_id: int) -> None:
        try:
            await self._runner.reconciler.reconcile(bot_id)
        except StorageError as error:
            log.warning("the wish for bot %d is not carried out yet: %s", bot_id, error)
            self._runner.reconciler.doubt()

    async def _lost(self) -> None:
        runner = self._runner
        runner.reconciler.forget_all()
        await runner.manager.drop_all()
        runner.statuses.forget_all()

    def _vitals(self) -> Vitals:
        now, used = time.monotonic(), self._cpu_seconds()
        passed = max(0.001, now - self._measured_at)
        load, self._used, self._measured_at = (used - self._used) / passed, used, now
        return Vitals(load, self._draining, self._reachability.reaches)

    @staticmethod
    def _cpu_seconds() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime
