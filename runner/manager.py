"""All the bots of this process."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import ParamSpec, TypeVar
from weakref import WeakValueDictionary

from dialogs import echo
from models.accounts.administration import IdFilter
from models.bots import bots, takeover
from models.bots.bots import BotRecord, LastError, VerifiedToken
from models.bots.vault import Vault
from models.engine.database import Database
from models.errors import StorageError
from models.messaging.updates import StoredUpdate
from runner.boot import Boot
from runner.bot import ManagedBot
from runner.claims import Claims
from runner.live.counters import UpdateCounts
from runner.live.hub import EventHub, EventKind
from runner.loop_pacer import LoopPacer
from runner.run import RunnerContext
from runner.settings import RunnerTuning
from runner.snapshots import BotLock, Views
from runner.start_limiter import StartLimiter
from runner.states import BotState, BotStatus
from runner.telegram.transport import Transport
from runner.updates.incoming import IncomingUpdate
from runner.updates.journal import Journal

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("botyard.runner")

COUNTERS_EVERY = 1.0  # seconds


class BotManager:
    """Which bots run, by their ids.

    Args:
        db: the database.
        vault: opens the stored tokens.
        transport: the HTTP session of all bots.
        settings: times and bounds.
    """

    def __init__(
        self, db: Database, vault: Vault, transport: Transport, settings: RunnerTuning
    ) -> None:
        self._db = db
        self._vault = vault
        self._settings = settings
        self._bots: dict[int, ManagedBot] = {}
        self._stopped: dict[int, BotStatus] = {}  # of those that ran here before
        self._locks: WeakValueDictionary[int, BotLock] = WeakValueDictionary()
        self.transport = transport
        self.claims = Claims(db, vault, transport, timeout=settings.verify_timeout)
        self.journal = Journal(db)
        self._update_counts = UpdateCounts(db)
        self.views = Views(db, vault, self, self._update_counts)
        self._context = RunnerContext(
            dialog=echo.answer,
            transport=transport,
            journal=self.journal,
            settings=settings,
            start_limiter=StartLimiter(settings.boot_parallel),
            loop_pacer=LoopPacer(settings.handlers_a_turn),
            confirm=self._confirm,
            save_failure=self._save_failure,
            changed=self._changed,
        )
        self._at_boot = Boot()
        self._closing = False
        self.events = EventHub()
        self._counted: dict[int, BotStatus] = {}
        self._counting: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """How many bots run, or are about to."""
        return len(self._bots) + len(self._at_boot.queued)

    def lock(self, bot_id: int) -> asyncio.Lock:
        """The lock of a bot: held while what is stored of it and what runs of it are changed."""
        self._at_boot.touch(bot_id)
        lock = self._locks.get(bot_id)
        if lock is None:
            lock = self._locks[bot_id] = BotLock(partial(self.views.touch, bot_id))
        return lock

    def is_held(self, bot_id: int) -> bool:
        """Say whether somebody changes a bot at this moment."""
        lock = self._locks.get(bot_id)
        return lock is not None and lock.locked()

    def state(self, bot_id: int) -> BotState | None:
        """The state of a bot that runs, or did and is to again; None of all others."""
        managed = self._bots.get(bot_id)
        return managed.status.state if managed is not None else None

    async def statuses(self, records: list[BotRecord]) -> list[BotStatus]:
        """The statuses of some bots now, which may be later than their rows."""
        counts = await self._update_counts.of([record.id for record in records])
        return [
            replace(self.status(bot), pending=counts[bot.id].pending, dead=counts[bot.id].dead)
            for bot in records
        ]

    def status(self, record: BotRecord) -> BotStatus:
        """What is true of a bot now, as far as that is known without the database."""
        managed = self._bots.get(record.id)
        if managed is not None:
            return managed.status
        if record.id in self._stopped:
            return self._stopped[record.id]
        state = BotState.STARTING if self._at_boot.awaits(record) else BotState.STOPPED
        return BotStatus(state, None, None, record.updated_at, last_update_at=record.last_update_at)

    def states(self) -> Counter[BotState]:
        """How many bots are in which state."""
        counts = Counter(managed.status.state for managed in self._bots.values())
        if self._at_boot.queued:
            counts[BotState.STARTING] += len(self._at_boot.queued)
        return counts

    def in_state(self, state: BotState) -> IdFilter:
        """Which bots are in a state; those that the manager does not know are stopped."""
        known = {bot_id: managed.status.state for bot_id, managed in self._bots.items()}
        known |= dict.fromkeys(self._at_boot.queued, BotState.STARTING)
        stopped = state is BotState.STOPPED
        listed = (bot_id for bot_id, now in known.items() if (now is state) is not stopped)
        return IdFilter(frozenset(listed), all_but=stopped)

    @property
    def ready(self) -> bool:
        """Whether every bot that was active at boot has been tried once."""

        def tried(bot_id: int) -> bool:
            managed = self._bots.get(bot_id)
            return managed is None or managed.tried

        return self._at_boot.is_through(tried)

    async def start_active(self) -> None:
        """Start every bot that is to run; returns before they are started."""
        records = await self._read_patiently(bots.wanted, self._vault)
        boot = self._at_boot
        boot.queue(record.id for record in records)
        pace = LoopPacer(self._settings.starts_a_turn)
        for record in records:
            await pace.wait()
            touched = boot.is_touched(record.id)
            async with self.lock(record.id):
                if record.id in boot.queued:  # else an owner was faster
                    await self._boot(record, touched=touched)
        boot.end()

    async def _boot(self, read: BotRecord, *, touched: bool) -> None:
        record: BotRecord | None = read
        if touched:
            record = await self._read_patiently(bots.get, self._vault, read.id)
        self._at_boot.queued.discard(read.id)
        if record is not None and record.wanted:
            self.start(record, priority=False)

    async def _read_patiently(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read, however long the database does not answer."""
        while True:
            try:
                return await self._db.read(fn, *args, **kwargs)
            except StorageError as error:
                log.error("the bots cannot be started yet: %s", error)
                await asyncio.sleep(self._settings.backoff_min)

    async def reconcile_all(self) -> None:
        """Start what should run and does not, stop what runs and should not."""
        wanted = await self._db.read(bots.wanted_ids)
        # An operation under way may have read what was true before: it is looked at, too.
        await self.reconcile((self._bots.keys() ^ wanted) | set(self._locks))

    async def reconcile(self, bot_ids: Collection[int]) -> None:
        """Make some bots as the database says, each under its lock."""
        for bot_id in bot_ids:
            async with self.lock(bot_id):
                record = await self._db.read(bots.get, self._vault, bot_id)
                if record is None:
                    await self.forget(bot_id)
                elif not record.wanted:
                    await self.stop(bot_id)
                elif bot_id not in self._bots:
                    self.start(record, priority=False)

    def start(
        self, record: BotRecord, *, priority: bool = True, unreachable: str | None = None
    ) -> None:
        """Begin to start a bot; its lock must be held. See `ManagedBot.start`."""
        if self._closing:
            return
        self._at_boot.queued.discard(record.id)
        managed = self._bots.get(record.id)
        if managed is None:
            self._stopped.pop(record.id, None)
            managed = self._bots[record.id] = ManagedBot(record, self._context)
        managed.start(priority=priority, unreachable=unreachable)

    async def stop(self, bot_id: int) -> None:
        """Stop a bot; its lock must be held. Its last status stays to be told."""
        self._at_boot.queued.discard(bot_id)
        managed = self._bots.get(bot_id)
        if managed is not None:
            await managed.stop()
            self._stopped[bot_id] = managed.status
            del self._bots[bot_id]

    def enqueue(self, bot_id: int, update: StoredUpdate) -> None:
        """Hand an update of the journal to a bot, when it runs."""
        managed = self._bots.get(bot_id)
        if managed is not None:
            managed.enqueue(IncomingUpdate.from_stored(update))

    async def forget(self, bot_id: int) -> None:
        """Stop a bot that is no longer stored; its lock must be held."""
        await self.stop(bot_id)
        self._stopped.pop(bot_id, None)

    def deleted(self, record: BotRecord) -> None:
        """Tell who listens that a bot is gone."""
        self.events.publish(record.user_id, EventKind.DELETED, record.id)

    async def wait_until_stable(self, bot_id: int) -> bool:
        """Wait, for as long as a request may, until a bot is neither starting nor stopping."""
        managed = self._bots.get(bot_id)
        return managed is None or await managed.wait_until_stable(self._settings.start_wait)

    async def shutdown(self) -> None:
        """Stop every bot; what their owners want stays as it is."""
        self._closing = True
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.wait({self._counting})
        await asyncio.gather(*(self._shut_down(bot_id) for bot_id in list(self._bots)))
        await self.journal.close()
        await self._update_counts.close()

    async def _shut_down(self, bot_id: int) -> None:
        async with self.lock(bot_id):
            await self.stop(bot_id)

    def _changed(self, record: BotRecord, status: BotStatus) -> None:
        self.views.touch(record.id)
        self.events.publish(record.user_id, EventKind.STATE, record.id, status)

    def count_for_listeners(self) -> None:
        """Begin to tell counters, once a second, for as long as somebody listens."""
        if self._counting is None and not self._closing:
            self._counting = asyncio.create_task(self._count(), name="counters")

    async def _count(self) -> None:
        try:
            while not self.events.silent:
                try:
                    await self._publish_counters()
                except StorageError as error:
                    log.warning("no counters: %s", error)
                await asyncio.sleep(COUNTERS_EVERY)
        finally:
            self._counting = None
            self._counted.clear()

    async def _publish_counters(self) -> None:
        heard = [
            managed.record
            for managed in self._bots.values()
            if self.events.listened_to(managed.record.user_id)
        ]
        for record, status in zip(heard, await self.statuses(heard), strict=True):
            before, self._counted[record.id] = self._counted.get(record.id), status
            if before is not None and _counters(before) != _counters(status):
                self.events.publish(record.user_id, EventKind.COUNTERS, record.id, status)

    async def _confirm(self, bot_id: int, token: VerifiedToken) -> None:
        dead = await self.claims.dead(token, exclude_id=bot_id)
        await self._db.write(takeover.confirm, dead, self._vault, bot_id, token)

    async def _save_failure(self, bot_id: int, failure: LastError) -> None:
        try:
            await self._db.write(bots.save_failure, bot_id, failure)
        except StorageError:
            log.exception("the failure of bot %d is not stored", bot_id)


def _counters(status: BotStatus) -> tuple[object, ...]:
    return status.pending, status.dead, status.last_poll_at, status.last_update_at
