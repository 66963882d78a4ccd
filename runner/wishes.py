"""Carries out owners' wishes, wherever their bots run.

A wish is a row with a generation. The process that runs a bot hears a doorbell, reads the row and
does as it says; `runs` says which generation it has carried out. So a wish survives the process
that took it, and the one that was to carry it out: whoever owns the bot next finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from models.bots import bots
from models.bots.records import BotRecord
from models.bots.vault import Vault
from models.cluster import processes
from models.engine.database import Database
from models.engine.histogram import Histogram
from models.errors import StorageError, StorageUnavailable
from runner.lookout import Lookout
from runner.manager import BotManager
from runner.ownership import Ownership
from runner.settings import RunnerTuning
from runner.states import STABLE
from runner.statuses import StatusWriter

COMMAND_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
PATIENCE = 0.9  # of `start_wait`, for a bot elsewhere: the answer has a way to go


class Wishes:
    """Carries out wishes, and waits for those that other processes carry out.

    Args:
        db: the database.
        vault: decrypts the stored tokens.
        manager: runs the bots of this process.
        statuses: writes their states.
        ownership: the bots that this process owns.
        settings: times.

    Attributes:
        seconds: how long wishes have taken, from the write until the bot was on or off: of bots
            of this process ("local") and of others ("remote").
        lookout: waits for bots that other processes run.
    """

    def __init__(
        self,
        db: Database,
        vault: Vault,
        manager: BotManager,
        *,
        statuses: StatusWriter,
        ownership: Ownership,
        settings: RunnerTuning,
    ) -> None:
        self._db = db
        self._vault = vault
        self._manager = manager
        self._statuses = statuses
        self._ownership = ownership
        self._settings = settings
        self.seconds = {where: Histogram(COMMAND_BOUNDS) for where in ("local", "remote")}
        self.lookout = Lookout()

    async def carry_out(self, bot: BotRecord, *, unreachable: str | None = None) -> BotRecord:
        """Begin to carry out a wish that has just been stored; the bot's lock must be held.

        Args:
            bot: as it is stored.
            unreachable: as for `BotManager.apply`.

        Returns:
            The bot with its owner.
        """
        if bot.owner_id is None and not self._ownership.owns(bot):
            if not bot.wanted:
                await self._settle_off(bot)
                return bot
            bot = await self._ownership.claim(bot)
        await self._manager.apply(bot, unreachable=unreachable)
        return bot

    async def carry_out_stored(
        self, known: BotRecord, *, unreachable: str | None = None
    ) -> BotRecord | None:
        """Begin to carry out the stored wish for a bot; the known one if the database fails.

        Its lock must be held.

        Args:
            unreachable: as for `BotManager.apply`.

        Returns:
            The bot with its owner; None if it was deleted.
        """
        try:
            bot = await self._db.read(bots.get, self._vault, known.id)
        except StorageError:
            bot = known
        return bot and await self.carry_out(bot, unreachable=unreachable)

    async def _settle_off(self, bot: BotRecord) -> None:
        """Record that a bot is off that nobody runs; who waits for it tries that again."""
        await self._manager.stop(bot.id)
        with suppress(StorageUnavailable):
            await self._db.write(processes.settle_off, bot.id, bot.generation)

    async def wait_until_stable(self, bot: BotRecord, *, began: float | None = None) -> bool:
        """Wait until a bot is neither starting nor stopping, for `start_wait` seconds at most.

        Args:
            bot: with its owner, as `carry_out` has returned it.
            began: the event loop's time before the wish was written; None if there was none.
        """
        is_stable = await self._wait_until_stable(bot)
        if began is not None:
            where = "local" if self._ownership.owns(bot) else "remote"
            self.seconds[where].observe(asyncio.get_running_loop().time() - began)
        return is_stable

    async def _wait_until_stable(self, bot: BotRecord) -> bool:
        if self._ownership.owns(bot):
            return await self._wait_here(bot.id, within=self._settings.start_wait)

        async def is_settled(left: float) -> bool | None:
            return await self._is_settled(bot, within=left) or None

        return await self._look_out(bot.id, is_settled)

    async def _look_out(self, bot_id: int, look: Callable[[float], Awaitable[bool | None]]) -> bool:
        within = PATIENCE * self._settings.start_wait
        return await self.lookout.wait(bot_id, look, within=within) or False

    async def _is_settled(self, wished: BotRecord, *, within: float) -> bool:
        """Return True if another process has carried out a wish, or this one has to and did."""
        with suppress(StorageUnavailable):
            bot = await self._db.read(bots.get, self._vault, wished.id)
            if bot is None:
                return True
            if bot.owner_id is not None and not self._ownership.owns(bot):
                run = bot.run
                return (
                    run is not None and run.generation >= wished.generation and run.state in STABLE
                )
            async with self._manager.lock(bot.id):
                bot = await self.carry_out(bot)
            if self._ownership.owns(bot):
                return await self._wait_here(bot.id, within=within)
            return not bot.wanted
        return False

    async def tell(self, bot_id: int) -> None:
        """Tell the process that has taken a wish that it is carried out, as soon as it is."""
        await self._wait_here(bot_id, within=self._settings.start_wait)

    async def _wait_here(self, bot_id: int, *, within: float) -> bool:
        is_stable = await self._manager.wait_until_stable(bot_id, within=within)
        if self._ownership.process_id is not None:
            await self._statuses.flush()  # who asks another process next must read the same
        return is_stable

    async def stop(self, bot: BotRecord) -> None:
        """Stop a bot that is about to be deleted, wherever it runs; its lock must be held.

        Raises:
            StorageUnavailable: the process that runs it does not answer.
        """
        if bot.owner_id is None and not self._ownership.owns(bot):
            bot = await self._ownership.claim(bot)  # so that nobody starts it meanwhile
        if self._ownership.owns(bot):
            await self._manager.stop(bot.id)
            return
        await self._db.write(bots.retire, bot.id)
        if not await self.wait_until_off(bot.id):
            raise StorageUnavailable("the server that runs the bot does not stop it: try again")

    async def wait_until_off(self, bot_id: int) -> bool:
        """Wait until another process has carried out the last wish for a bot, that it is off."""

        async def is_off(_left: float) -> bool | None:
            bot = await self._db.read(bots.get, self._vault, bot_id)
            if bot is None or bot.owner_id is None or self._ownership.owns(bot):
                return True
            return (bot.run is not None and bot.run.generation >= bot.generation) or None

        return await self._look_out(bot_id, is_off)
