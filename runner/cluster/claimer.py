"""Claims bots that nobody runs, and gives bots away of which this process has too many."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from models.cluster import processes
from models.cluster.processes import Ownerships
from models.engine.database import Database
from models.engine.histogram import Histogram
from models.errors import StorageError
from models.repeated import Repeated
from runner.cluster import share
from runner.cluster.handover import give_away
from runner.cluster.membership import Membership
from runner.manager import BotManager
from runner.reconciler import Reconciler

log = logging.getLogger("botyard.cluster")

LOOK = 1.0  # seconds between two looks for bots that nobody runs, if no bell is heard
COUNT = 5.0  # seconds between two counts of all bots
DRAIN_STEP = 200  # bots that are given away at once when this process ends
TAKEOVER_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)  # seconds
TAKEOVER_MAX = 60.0  # seconds after which a takeover is no longer measured


@dataclass(slots=True)
class ClaimCounts:
    """What has happened since the start.

    Args:
        claimed, released: the numbers of bots.
        unowned: how many nobody ran when they were last counted.
        takeovers: the times from the claim of bots, after the boot, until all of them were polled
            or had failed.
    """

    claimed: int = 0
    released: int = 0
    unowned: int = 0
    takeovers: Histogram = field(default_factory=lambda: Histogram(TAKEOVER_BOUNDS))


def _tell(one: str, many: str, bot_ids: list[int]) -> None:
    log.info(one if len(bot_ids) == 1 else many, len(bot_ids))
    log.debug("these are the bots %s", ", ".join(map(str, bot_ids)))


class Claimer:
    """Keeps the number of bots of this process at its fair share.

    Args:
        db: the database.
        membership: the row of this process.
        manager: runs its bots.
        reconciler: starts them.
    """

    def __init__(
        self, db: Database, membership: Membership, manager: BotManager, reconciler: Reconciler
    ) -> None:
        self._db = db
        self._membership = membership
        self._manager = manager
        self._reconciler = reconciler
        self.counts = ClaimCounts()
        self._wake = asyncio.Event()
        self._counted_at = float("-inf")
        self._measuring: asyncio.TaskGroup | None = None  # None at boot

    def wake(self) -> None:
        """Look now: bots may be without an owner, or processes have come or gone."""
        self._counted_at = float("-inf")
        self._wake.set()

    async def begin(self) -> None:
        """Claim bots for the first time, however long the database is away."""
        await self._wake.wait()  # until the first beat has shown who else is there
        repeated = Repeated()
        while True:
            try:
                await self.balance()
                break
            except StorageError as error:
                if repeated.is_due():
                    log.error("the bots cannot be started yet: %s", error)
            await asyncio.sleep(LOOK)
        await self._reconciler.start([])  # there may be none

    async def run(self) -> None:
        """Look again and again; never returns."""
        async with asyncio.TaskGroup() as self._measuring:
            while True:
                try:
                    await self.balance()
                except StorageError as error:
                    log.debug("bots were not claimed: %s", error)
                except Exception:  # it must go on, or bots would stay without an owner
                    log.exception("bots were not claimed")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._wake.wait()
                self._wake.clear()

    async def balance(self) -> None:
        """Claim bots or give some away, once.

        Raises:
            StorageError: the database did not answer, or this process was declared dead.
        """
        process_id = self._membership.process_id
        if process_id is None or not self._membership.gate.lease.is_valid():
            return
        peers = self._membership.peers
        loop = asyncio.get_running_loop()
        if loop.time() - self._counted_at < COUNT and not await self._db.read(
            processes.has_unowned
        ):
            self.counts.unowned = 0
            return
        self._counted_at = loop.time()
        found = await self._db.read(processes.count, process_id)
        self.counts.unowned = found.unowned
        if peers.leaves_to_others(process_id):
            await self.drain()  # about to end, or cut off from Telegram
            return
        await self._claim(process_id, found, share.fair(found.wanted, len(peers.able(process_id))))
        if found.unwanted:
            await self._db.write_as_owner(processes.release_unwanted, process_id)

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """Have all bots compared with their rows if this fails.

        They may be this process's, and not run: those that it claimed, if only the answer was
        lost; and those that it stopped to give them away, if that was not stored.
        """
        try:
            yield
        except BaseException:
            self._reconciler.doubt()
            raise

    def _owned(self) -> list[int]:
        return sorted(bot.record.id for bot in self._manager.bots())

    async def _claim(self, process_id: int, found: Ownerships, fair: int) -> None:
        if found.unowned and (limit := share.to_claim(found.mine, fair)):
            began = asyncio.get_running_loop().time()
            with self._doubting():
                claimed = await self._db.write_as_owner(processes.claim, process_id, limit=limit)
            self.counts.claimed += len(claimed)
            if claimed:
                _tell("%d bot claimed", "%d bots claimed", claimed)
                # at boot nobody knows what has happened meanwhile
                await self._reconciler.start(claimed, warm=self._measuring is not None)
                if self._measuring is not None:
                    self._measuring.create_task(self._measure(claimed, began), name="takeover")
        elif number := share.to_release(found.mine, fair):
            await self._give(self._owned()[-number:])
            self._counted_at = float("-inf")

    async def _measure(self, bot_ids: list[int], began: float) -> None:
        loop = asyncio.get_running_loop()
        for bot_id in bot_ids:
            left = began + TAKEOVER_MAX - loop.time()
            await self._manager.wait_until_stable(bot_id, within=left)
        self.counts.takeovers.observe(loop.time() - began)

    async def _give(self, bot_ids: list[int]) -> None:
        if not bot_ids:
            return
        process_id = self._membership.process_id or 0

        async def release() -> None:
            await self._db.write_as_owner(processes.release, process_id, bot_ids)

        with self._doubting():
            await give_away(self._manager, bot_ids, release)
        self.counts.released += len(bot_ids)
        _tell("%d bot given away", "%d bots given away", bot_ids)

    async def drain(self) -> None:
        """Give all bots away, as long as there are others to run them."""
        peers, me = self._membership.peers, self._membership.process_id
        while peers.has_others(me) and (bot_ids := self._owned()[:DRAIN_STEP]):
            await self._give(bot_ids)
