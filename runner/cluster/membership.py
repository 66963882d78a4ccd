"""This process among those that share a database: its row, and its heartbeat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from models.bots.records import BotRecord
from models.cluster import processes
from models.cluster.fence import ProcessFence
from models.cluster.link import Link, Vitals
from models.engine.database import Database
from models.engine.doorbell import Bell
from models.errors import StorageError
from runner.cluster.gate import Gate
from runner.cluster.lease import Lease, boottime
from runner.cluster.namesakes import Namesakes
from runner.cluster.peers import Peers
from runner.settings import ClusterTuning

log = logging.getLogger("botyard.cluster")


@dataclass(slots=True)
class Reactions:
    """What to do when something happens.

    Args:
        heard: a bell has rung.
        lost: this process was declared dead: stop every bot, and forget what is not written.
        changed: bots may be without an owner, or processes have come or gone.
        missed: bells may have been missed, and commits: a standby that was promoted may lack the
            last ones, also those with which this process took bots or gave them away.
        vitals: returns what to tell of this process.
    """

    heard: Callable[[Bell, list[int]], None]
    lost: Callable[[], Awaitable[None]]
    changed: Callable[[], None]
    missed: Callable[[], None]
    vitals: Callable[[], Vitals]


class Membership:
    """The row of this process, by which it owns bots; see `runner.ownership.Ownership`.

    Args:
        db: the database.
        link: the process's own connection.
        fence: refuses the process's writes once it was declared dead.
        settings: times.
        clock: returns seconds; goes on while the machine is suspended.

    Attributes:
        link: as given.
        gate: what calls of Telegram pass through.
        peers: the processes that share the database.
        lost: how often this process was declared dead.
    """

    def __init__(
        self,
        db: Database,
        link: Link,
        fence: ProcessFence,
        settings: ClusterTuning,
        *,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._db = db
        self.link = link
        self._fence = fence
        self.settings = settings
        self.gate = Gate(Lease(settings.trust, clock=clock))
        self.peers = Peers(settings, clock=clock)
        self.lost = 0
        self._heart: asyncio.Task[None] | None = None
        fence.on_lost = self.gate.end

    @property
    def process_id(self) -> int | None:
        """The row of this process; None while it has none."""
        return self._fence.process_id

    @property
    def fenced_writes(self) -> int:
        """The number of writes that were refused, because this process was declared dead."""
        return self._fence.refused

    def owns(self, bot: BotRecord) -> bool:
        """Return True if this process runs the bot; see `Ownership`."""
        return bot.owner_id is not None and bot.owner_id == self.process_id

    def silence(self, process_id: int) -> float:
        """Return the seconds since a process was heard of, or since this one's last heartbeat."""
        if process_id == self.process_id:
            return self.gate.lease.age
        return self.peers.silence(process_id)

    def is_silent(self, bot: BotRecord) -> bool:
        """Return True if the bot's process has not been heard of; see `Ownership`."""
        return bot.owner_id is not None and self.peers.silent(bot.owner_id)

    async def claim(self, bot: BotRecord) -> BotRecord:
        """Make this process the owner of a bot that has none; see `Ownership`.

        If the database does not carry that out, the bot is left to whoever claims it next.
        """
        try:
            process_id = self._fence.identity()
            if self.peers.leaves_to_others(process_id):
                return bot  # this process ends, or does not reach Telegram: others claim it
            if await self._db.write_as_owner(processes.claim_one, process_id, bot.id):
                return replace(bot, owner_id=process_id)
        except StorageError as error:
            log.info("bot %d is not claimed: %s", bot.id, error)
        return bot

    async def register(self) -> None:
        """Make the row.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        began = self.gate.lease.now()
        self._fence.process_id, dead = await self.link.register()
        for process_id, beat in dead:  # predecessors whose lock this process has now
            await self._db.write(processes.end_sessions, process_id, beat)  # they may hold locks
            await self._db.write_as_owner(processes.remove, process_id)
            log.info("process %d has ended: its bots are free", process_id)
        self.gate.renew(began)
        log.info("this is process %d (%s)", self._fence.process_id, self.link.identity.name)

    def start(self, reactions: Reactions) -> None:
        """Begin to beat."""
        heart = Heart(self, reactions)
        self._heart = asyncio.create_task(heart.run(), name="heart")

    async def beat(self, vitals: Vitals) -> bool | None:
        """Tell the others that this process lives, and find out whether they do.

        Returns:
            True if processes have come or gone, False if not; None if this process was declared
            dead.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        process_id = self._fence.identity()
        began = self.gate.lease.now()
        seen = await self.link.beat(process_id, vitals)
        if seen is None:
            self.lost += 1
            self._fence.process_id = None
            self.gate.end()
            return None
        self.gate.renew(began)
        changed = self.peers.look(seen)
        self.peers.bury(self._db, process_id)
        return changed

    async def beat_now(self, vitals: Vitals) -> None:
        """Beat without waiting for the end of the wait for bells, which has the connection.

        Raises:
            StorageUnavailable: the database did not answer.
        """

        async def in_turn() -> None:
            async with self.link.turn:
                await self.beat(vitals)

        await asyncio.gather(in_turn(), self._db.ring(Bell.WAKE, []))

    async def leave(self) -> None:
        """Remove the row, which frees the bots that are left, and close the connection."""
        await self.peers.close()
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.wait({self._heart})
        self.gate.close()
        try:
            if self.process_id is not None:
                await self._db.write(processes.remove, self.process_id)
        except StorageError as error:
            log.warning("this process stays on the list until others find it dead: %s", error)
        await self.link.close()


class Heart:
    """Beats once a second, and listens for bells in between.

    Args:
        membership: the row of this process.
        reactions: what to do when something happens.
    """

    def __init__(self, membership: Membership, reactions: Reactions) -> None:
        self._membership = membership
        self._reactions = reactions
        self._namesakes = Namesakes(membership.link.identity.name)
        self._is_away = False
        self._connections = membership.link.connections  # nothing was missed so far

    async def run(self) -> None:
        """Beat; never returns."""
        settings, now = self._membership.settings, self._membership.gate.lease.now
        while True:
            due = now() + settings.beat
            try:
                await self._beat()
                self._tell_away(None)
                while (left := due - now()) > 0:
                    async with self._membership.link.turn:
                        heard = await self._membership.link.bells(timeout=left)
                    for bell, ids in heard:
                        self._reactions.heard(bell, ids)
            except StorageError as error:
                self._tell_away(error)
                await asyncio.sleep(settings.beat / 4)
            except Exception:  # it must go on, or others would take the bots over
                log.exception("no heartbeat")
                await asyncio.sleep(settings.beat / 4)

    async def _beat(self) -> None:
        membership, reactions = self._membership, self._reactions
        changed: bool | None = None
        if membership.process_id is not None:
            changed = await membership.beat(reactions.vitals())
            self._namesakes.look(membership.peers.seen, me=membership.process_id)
        if changed is None:
            log.error("this process was declared dead: it stops its bots, and begins anew")
            await reactions.lost()
            await membership.register()
        if changed is not False:
            reactions.changed()
        if membership.link.connections != self._connections:
            self._connections = membership.link.connections
            reactions.missed()

    def _tell_away(self, error: StorageError | None) -> None:
        """Log the first of several failures, and the end of them."""
        if error is not None and not self._is_away:
            log.warning("no heartbeat: %s", error)
        if error is None and self._is_away:
            log.info("the heartbeat is back")
            self._reactions.missed()
        self._is_away = error is not None
