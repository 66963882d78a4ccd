"""Brings bots in line with the database: at boot, and whenever they differ."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

from models.bots import bots
from models.bots.records import BotRecord
from models.bots.vault import Vault
from models.engine.database import Database
from models.errors import SecretMismatch, StorageUnavailable
from models.messaging.resumption import Resumption, resume
from models.repeated import Repeated
from runner.boot_progress import BootProgress
from runner.loop_pacer import LoopPacer
from runner.manager import BotManager
from runner.ownership import Ownership
from runner.settings import RunnerTuning
from runner.updates.journal import OFFSET_LIFETIME

T = TypeVar("T")

log = logging.getLogger("botyard.runner")

PAGE = 50  # bots that are read at once


class Reconciler:
    """Compares the bots that run with those that should, a page at a time.

    Args:
        db: the database.
        vault: decrypts the stored tokens.
        manager: runs the bots.
        settings: times and limits.
        ownership: the bots that this process owns.

    Attributes:
        boot: how far the start of all bots is.
        in_doubt: True if all bots have to be reconciled soon.
    """

    def __init__(
        self,
        db: Database,
        vault: Vault,
        manager: BotManager,
        settings: RunnerTuning,
        *,
        ownership: Ownership,
    ) -> None:
        self._db = db
        self._ownership = ownership
        self._vault = vault
        self._manager = manager
        self._settings = settings
        self.boot = BootProgress()
        self.in_doubt = False

    async def start_wanted(self) -> None:
        """Begin to start every bot that should run; return before they are connected."""
        await self.start(list(await self._patiently(lambda: self._db.read(self._wanted))))

    def _wanted(self) -> dict[int, int]:
        return bots.wanted_generations(self._ownership.process_id)

    async def start(self, bot_ids: list[int], *, warm: bool = False) -> None:
        """Begin to start bots; return before they are connected.

        Args:
            bot_ids: ascending.
            warm: True if other processes have run them until a moment ago.
        """
        find = self._manager.find
        self.boot.add(bot_ids, (bot_id for bot_id in bot_ids if find(bot_id) is None))
        pace = LoopPacer(self._settings.starts_a_turn)
        for page in _pages(bot_ids):
            await self._patiently(partial(self._reconcile_page, page, pace, warm=warm))

    async def reconcile_all(self) -> None:
        """Start the bots that should run and do not; stop those that run and should not."""
        self.in_doubt = False  # first: a doubt that arises meanwhile stays
        try:
            wanted = await self._db.read(self._wanted)
            # A concurrent operation may have read older rows, so its bot is included.
            stale = {*self._stale(wanted), *self._manager.locks.in_use()}
            pace = LoopPacer(self._settings.starts_a_turn)
            for page in _pages(sorted(stale)):
                await self._reconcile_page(page, pace)
        except BaseException:
            self.in_doubt = True
            raise

    def _stale(self, wanted: dict[int, int]) -> set[int]:
        """Return the bots that differ from the wishes of their owners.

        Args:
            wanted: the bots that should run, by id, each with the generation of its wish.
        """
        running = {bot.record.id: bot.record.generation for bot in self._manager.bots()}
        ids = wanted.keys() | running.keys()
        return {bot_id for bot_id in ids if wanted.get(bot_id) != running.get(bot_id)}

    async def _reconcile_page(
        self, bot_ids: Sequence[int], pace: LoopPacer, *, warm: bool = False
    ) -> None:
        """Start the bots of a page that should run, then stop those that should not."""
        # A change in progress may take a while, and must not delay the other bots of the page.
        others = [bot_id for bot_id in bot_ids if self._manager.lock(bot_id).locked()]
        free = sorted(set(bot_ids) - set(others))
        async with AsyncExitStack() as locks:
            for bot_id in free:
                await locks.enter_async_context(self._manager.lock(bot_id))
            records, resumptions = await self._db.read(self._read_page, free, warm=warm)
            for bot_id in free:
                record = records.get(bot_id)
                if record is None or not record.wanted or self._manager.find(bot_id) is not None:
                    others.append(bot_id)
                    continue
                await pace.wait()
                await self._manager.apply(record, priority=False, warm=resumptions.get(bot_id))
        self.boot.begun(bot_ids)
        for bot_id in others:  # without the page's locks: stopping can take a while
            await self.reconcile(bot_id)

    def _read_page(
        self, bot_ids: list[int], *, warm: bool
    ) -> tuple[dict[int, BotRecord], dict[int, Resumption]]:
        records = bots.get_several(self._vault, bot_ids)
        return records, resume(bot_ids, forget_after=OFFSET_LIFETIME) if warm and records else {}

    async def reconcile(self, bot_id: int, *, priority: bool = False) -> None:
        """Bring a bot in line with the database.

        Args:
            priority: True if somebody waits for the bot.

        Raises:
            StorageError: the database did not answer; nothing was changed.
        """
        async with self._manager.lock(bot_id):
            await self._reconcile_locked(bot_id, priority=priority)
            managed = self._manager.find(bot_id)
            if managed is None or managed.stable.is_set():
                self.boot.tried(bot_id)

    async def _reconcile_locked(self, bot_id: int, *, priority: bool = False) -> None:
        try:
            record = await self._db.read(bots.get, self._vault, bot_id)
        except SecretMismatch as error:
            log.error("bot %d cannot run: %s", bot_id, error)
            await self._manager.stop(bot_id)
            return
        if record is None:
            await self._manager.forget(bot_id)
        else:
            await self._manager.apply(record, priority=priority)

    async def restart(self, bot_id: int, token_generation: int) -> None:
        """Bring a bot in line with the database, after a write with its token was rejected.

        Args:
            token_generation: the generation of that token; nothing is done if the bot has another
                one by now.
        """
        async with self._manager.lock(bot_id):
            managed = self._manager.find(bot_id)
            if managed is not None and managed.record.token_generation == token_generation:
                await self._manager.stop(bot_id)
                await self._patiently(partial(self._reconcile_locked, bot_id))

    def doubt(self) -> None:
        """Schedule a reconciliation of all bots, because the outcome of a write is unknown."""
        self.in_doubt = True

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Retry a read until the database answers."""
        repeated = Repeated()
        while True:
            try:
                return await work()
            except StorageUnavailable as error:
                if repeated.is_due():
                    log.error("the bots cannot be started yet: %s", error)
                await asyncio.sleep(self._settings.backoff_min)


def _pages(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))
