"""Keeps this process in line with the others: hears their bells, beats, claims, and drains."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from models.bots.vault import Vault
from models.engine.database import Database
from models.engine.doorbell import Bell
from models.errors import StorageError
from runner.cluster.catch_up import CatchUp
from runner.cluster.claimer import Claimer
from runner.cluster.handover import drop_all
from runner.cluster.membership import Membership, Reactions
from runner.cluster.reachability import Reachability
from runner.cluster.relay import Relay
from runner.cluster.vital_signs import VitalSigns
from runner.runner import Runner

log = logging.getLogger("botyard.cluster")


def _nothing(_users: list[int]) -> None:
    """Do nothing."""


class Cluster:
    """This process among others.

    Args:
        db: the database.
        membership: its row.
        runner: its bots.
        vault: decrypts the stored tokens.

    Attributes:
        membership: as given.
        claimer, relay, signs: its parts; what is to be done regularly in them is called from
            outside.
    """

    def __init__(
        self,
        db: Database,
        membership: Membership,
        runner: Runner,
        *,
        vault: Vault,
    ) -> None:
        self.membership = membership
        self._runner = runner
        self.claimer = Claimer(db, membership, runner.manager, runner.reconciler)
        self._tasks: set[asyncio.Task[None]] = set()
        self.relay = Relay(
            db, vault, runner, process_id=lambda: membership.process_id, spawn=self._start
        )
        self._catch_up = CatchUp(db, runner, process_id=lambda: membership.process_id)
        self.on_sessions: Callable[[list[int]], None] = _nothing
        self.signs = VitalSigns(Reachability(runner.transport, membership))

    async def begin(self) -> None:
        """Begin to beat and to claim bots; return when the first of them are being started."""
        reactions = Reactions(
            heard=self._heard,
            lost=self._lost,
            changed=self.claimer.wake,
            missed=self._catch_up.missed,
            vitals=self.signs.take,
        )
        self.membership.start(reactions)
        await self.claimer.begin()
        self._start(self.claimer.run(), "claimer")
        self._start(self._catch_up.run(), "catching up")

    def is_first(self) -> bool:
        """Return True if this process does what one of them has to do for all."""
        able = self.membership.peers.able(self.membership.process_id)
        return not able or able[0].id == self.membership.process_id

    def has_others(self) -> bool:
        """Return True if there are other processes that can run bots."""
        return self.membership.peers.has_others(self.membership.process_id)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    async def drain(self) -> None:
        """Give all bots away, if there are others to run them."""
        self.signs.draining = True
        try:
            await self.membership.beat_now(self.signs.take())  # others raise their share
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
        self.relay.heard(bell, ids)
        if bell is Bell.FREE:
            self.claimer.wake()
        elif bell is Bell.RUNS:
            self._runner.wishes.lookout.heard(ids)
        elif bell is Bell.ANSWERS:
            self._runner.calls.lookout.heard(ids)
        elif bell is Bell.SESSIONS:
            self.on_sessions(ids)
        for bot_id in ids:
            if bell is Bell.WISH:  # whoever owns it has it start or stop
                self._start(self._reconcile(bot_id), f"wish for bot {bot_id}")
            elif bell is Bell.OUTBOX:
                self._start(self._runner.send_written(bot_id), f"messages of bot {bot_id}")
            elif bell is Bell.SCENARIO:
                self._start(self._runner.look_at_scenario(bot_id), f"scenario of bot {bot_id}")
            elif bell is Bell.CALLS:
                self._start(self._runner.calls.make(bot_id), f"calls of bot {bot_id}")
            elif bell is Bell.BACKLOG:
                self._start(self._runner.handle_again(bot_id), f"backlog of bot {bot_id}")

    async def _reconcile(self, bot_id: int) -> None:
        try:
            await self._runner.reconciler.reconcile(bot_id, priority=True)
            await self._runner.wishes.tell(bot_id)
        except StorageError as error:
            log.warning("the wish for bot %d is not carried out yet: %s", bot_id, error)
            self._runner.reconciler.doubt()

    async def _lost(self) -> None:
        runner = self._runner
        runner.reconciler.boot.forget_all()
        await drop_all(runner.manager)
        runner.statuses.forget_all()
