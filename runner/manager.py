"""The bots of this process: which run, and how they become what the database says."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar
from weakref import WeakValueDictionary

from models.bots import bots
from models.bots.records import BotRecord
from models.bots.vault import Vault
from models.engine.database import Database
from models.errors import StorageError
from models.messaging.updates import StoredUpdate
from runner.bot import ManagedBot
from runner.loop_pacer import LoopPacer
from runner.run import RunnerContext
from runner.states import BotState
from runner.updates.incoming import IncomingUpdate

T = TypeVar("T")

log = logging.getLogger("botyard.runner")

PAGE = 50  # bots that are read at once


class BotManager:
    """The registry of the bots that run here.

    What should run is in the database. To make it so is called reconciling; it happens to a bot
    under its lock, which is also held while its row is changed.

    Args:
        db: the database.
        vault: opens the stored tokens.
        context: what all bots share.
    """

    def __init__(self, db: Database, vault: Vault, context: RunnerContext) -> None:
        self._db = db
        self._vault = vault
        self._context = context
        self._bots: dict[int, ManagedBot] = {}
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._untried: set[int] | None = None  # of those wanted at boot; None before it is read
        self._closing = False

    # -- what runs

    @property
    def size(self) -> int:
        """The number of bots that run, or are about to."""
        return len(self._bots.keys() | (self._untried or set()))

    @property
    def ready(self) -> bool:
        """True once every bot that was wanted at boot has been tried."""
        return self._untried is not None and not self._untried

    def mark_tried(self, bot_id: int) -> None:
        """Note that a bot has been tried, or need not be; see `ready`."""
        if self._untried:
            self._untried.discard(bot_id)

    def find(self, bot_id: int) -> ManagedBot | None:
        """Return a bot that runs here, or should; None of all others."""
        return self._bots.get(bot_id)

    def bots(self) -> Iterator[ManagedBot]:
        """Iterate over the bots that run here, or should."""
        return iter(self._bots.values())

    def states(self) -> Counter[BotState]:
        """Count the bots of this process by state, those that boot has yet to start included."""
        counts = Counter(managed.status.state for managed in self._bots.values())
        if queued := len((self._untried or set()) - self._bots.keys()):
            counts[BotState.STARTING] += queued
        return counts

    def lock(self, bot_id: int) -> asyncio.Lock:
        """Return the lock of a bot, to be held while it or its row is changed."""
        lock = self._locks.get(bot_id)
        if lock is None:
            lock = self._locks[bot_id] = asyncio.Lock()
        return lock

    # -- reconciling

    async def start_wanted(self) -> None:
        """Start every bot that should run; returns before they are started."""
        wanted = await self._patiently(lambda: self._db.read(bots.wanted_generations))
        self._untried = set(wanted)
        pace = LoopPacer(self._context.settings.starts_a_turn)
        for page in _pages(list(wanted)):
            await self._patiently(lambda page=page: self._reconcile_page(page, pace))  # type: ignore[misc]

    async def reconcile_all(self) -> None:
        """Start what should run and does not, stop what runs and should not."""
        wanted = await self._db.read(bots.wanted_generations)
        ids = wanted.keys() | self._bots.keys()
        # An operation under way may have read what was true before: it is looked at, too.
        stale = [bot_id for bot_id in ids if self._is_stale(bot_id, wanted.get(bot_id))]
        pace = LoopPacer(self._context.settings.starts_a_turn)
        for page in _pages(sorted({*stale, *self._locks})):
            await self._reconcile_page(page, pace)

    def _is_stale(self, bot_id: int, generation: int | None) -> bool:
        managed = self._bots.get(bot_id)
        return generation != (None if managed is None else managed.record.generation)

    async def _reconcile_page(self, bot_ids: Sequence[int], pace: LoopPacer) -> None:
        """Start those of some bots that should run, then stop those that should not."""
        others = []
        async with AsyncExitStack() as locks:
            for bot_id in bot_ids:  # ascending: all who hold several take them so
                await locks.enter_async_context(self.lock(bot_id))
            records = await self._db.read(bots.get_several, self._vault, list(bot_ids))
            for bot_id in bot_ids:
                record, managed = records.get(bot_id), self._bots.get(bot_id)
                if record is not None and record.wanted and managed is None:
                    await pace.wait()
                    await self.apply(record, priority=False)
                else:
                    others.append(bot_id)
        for bot_id in others:
            await self.reconcile(bot_id)

    async def reconcile(self, bot_id: int) -> None:
        """Make a bot what the database says.

        Raises:
            StorageError: the database did not answer; nothing was changed.
        """
        async with self.lock(bot_id):
            record = await self._db.read(bots.get, self._vault, bot_id)
            if record is None:
                await self.stop(bot_id)
            else:
                await self.apply(record, priority=False)

    async def apply(
        self, record: BotRecord, *, priority: bool = True, unreachable: str | None = None
    ) -> None:
        """Carry out an owner's wish; the bot's lock must be held.

        Returns when the bot is off, or has begun to start; see `wait_until_stable`.

        Args:
            record: the bot as it is stored now.
            priority, unreachable: as for `ManagedBot.start`.
        """
        managed = self._bots.get(record.id)
        if not record.wanted:
            await self.stop(record.id, record)
            return
        if self._closing or not self._context.ownership.owns(record.id):
            return
        if managed is not None and record.token_generation != managed.record.token_generation:
            await self.stop(record.id, record)
            managed = None
        if managed is None:
            managed = self._bots[record.id] = ManagedBot(record, self._context)
        managed.carry_out(record, priority=priority, unreachable=unreachable)

    async def stop(self, bot_id: int, record: BotRecord | None = None) -> None:
        """Stop a bot; its lock must be held.

        Args:
            record: the bot as it is stored now; None if it is not, or not to be shown as off.
        """
        managed = self._bots.get(bot_id)
        if managed is not None:
            await managed.stop(record)
            del self._bots[bot_id]
        self.mark_tried(bot_id)

    async def restart(self, bot_id: int) -> None:
        """Stop a bot that may no longer write as it is, and make it what the database says."""
        async with self.lock(bot_id):
            await self.stop(bot_id)
        await self._patiently(lambda: self.reconcile(bot_id))

    def enqueue(self, bot_id: int, update: StoredUpdate) -> None:
        """Hand an update of the journal to a bot, if it runs."""
        managed = self._bots.get(bot_id)
        if managed is not None:
            managed.enqueue(IncomingUpdate.from_stored(update))

    async def wait_until_stable(self, bot_id: int) -> bool:
        """Wait, for as long as a request may, until a bot is neither starting nor stopping."""
        managed = self._bots.get(bot_id)
        return managed is None or await managed.wait_until_stable(self._context.settings.start_wait)

    async def shutdown(self) -> None:
        """Stop every bot; what their owners want stays as it is."""
        self._closing = True
        await asyncio.gather(*(self._shut_down(bot_id) for bot_id in list(self._bots)))

    async def _shut_down(self, bot_id: int) -> None:
        async with self.lock(bot_id):
            await self.stop(bot_id)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that reads, however long the database does not answer."""
        while True:
            try:
                return await work()
            except StorageError as error:
                log.error("the bots cannot be started yet: %s", error)
                await asyncio.sleep(self._context.settings.backoff_min)


def _pages(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))
