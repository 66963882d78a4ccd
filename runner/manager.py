"""The bots of this process: their registry, their locks, and the execution of wishes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator

from models.bots.records import BotRecord
from models.messaging.resumption import Resumption
from models.waiting import completes
from runner.bot import ManagedBot
from runner.bot_locks import BotLocks
from runner.run import BotRun, RunnerContext
from runner.states import BotState


class BotManager:
    """The registry of the bots that run here.

    A bot is changed under its lock, which is also held while its row is changed.

    Args:
        context: the objects that all bots share.
    """

    def __init__(self, context: RunnerContext) -> None:
        self._context = context
        self._bots: dict[int, ManagedBot] = {}
        self.locks = BotLocks()
        self._closing = False

    # -- the registry

    @property
    def size(self) -> int:
        """The number of bots that run or should run."""
        return len(self._bots)

    def find(self, bot_id: int) -> ManagedBot | None:
        """Return a bot that runs here or should; None for any other bot."""
        return self._bots.get(bot_id)

    def bots(self) -> Iterator[ManagedBot]:
        """Iterate over the bots that run here or should."""
        return iter(self._bots.values())

    def states(self) -> Counter[BotState]:
        """Count the bots of this process by state."""
        return Counter(managed.status.state for managed in self._bots.values())

    # -- changes

    def lock(self, bot_id: int) -> asyncio.Lock:
        """Return the lock of a bot; hold it while the bot or its row is changed."""
        return self.locks.of(bot_id)

    async def apply(
        self,
        record: BotRecord,
        *,
        priority: bool = True,
        unreachable: str | None = None,
        warm: Resumption | None = None,
    ) -> None:
        """Carry out an owner's wish; the bot's lock must be held.

        Returns once the bot is off or has begun to start; see `wait_until_stable`.

        Args:
            record: the bot as it is stored now.
            priority, unreachable, warm: as for `ManagedBot.carry_out`.
        """
        if not self._context.ownership.owns(record):
            await self.let_go(record.id)
            return
        if not record.wanted:
            await self._switch_off(record)
            return
        if self._closing:
            return
        managed = self._bots.get(record.id)
        if managed is not None and (
            record.token_generation != managed.record.token_generation
            or managed.status.state is BotState.STOPPING  # a stop that was interrupted
        ):
            await self.stop(record.id, record)
            managed = None
        if managed is None:
            managed = self._bots[record.id] = ManagedBot(record, self._context)
        elif managed.record.generation == record.generation:
            return
        managed.carry_out(record, priority=priority, unreachable=unreachable, warm=warm)

    async def _switch_off(self, record: BotRecord) -> None:
        if record.id in self._bots:
            await self.stop(record.id, record)
        else:
            self._context.observer.observe_off(record)

    async def let_go(self, bot_id: int) -> None:
        """Stop a bot that another process is to run; its lock must be held."""
        if bot_id in self._bots:
            await self.stop(bot_id)
            self._context.observer.forget(bot_id)

    async def stop(self, bot_id: int, record: BotRecord | None = None) -> None:
        """Stop a bot, if it runs; its lock must be held.

        Args:
            record: the bot as it is stored now, with the wish that this carries out; None if
                it is stopped for another reason.
        """
        managed = self._bots.get(bot_id)
        if managed is not None:
            await managed.stop(record)
            del self._bots[bot_id]

    async def forget(self, bot_id: int) -> None:
        """Stop a bot that was deleted or is about to be; its lock must be held."""
        await self.stop(bot_id)
        self._context.observer.forget(bot_id)

    def run(self, bot_id: int) -> BotRun | None:
        """Return the present run of a bot; None while it is off."""
        managed = self._bots.get(bot_id)
        return None if managed is None else managed.run

    def forget_talks(self, bot_ids: Iterable[int] | None = None) -> None:
        """Have talks read anew that are in memory: some of them were deleted.

        Args:
            bot_ids: those of these bots; None for all, if it was missed which were deleted.
        """
        for bot_id in list(self._bots) if bot_ids is None else bot_ids:
            if (run := self.run(bot_id)) is not None:
                run.talks.forget()

    async def wait_until_stable(self, bot_id: int, *, within: float) -> bool:
        """Wait until a bot is neither starting nor stopping.

        Args:
            within: seconds to wait at most.
        """
        managed = self._bots.get(bot_id)
        return managed is None or await completes(managed.stable.wait(), within=within)

    async def shutdown(self) -> None:
        """Stop every bot; their owners' wishes stay as they are."""
        self._closing = True

        async def stop(bot_id: int) -> None:
            async with self.lock(bot_id):
                await self.stop(bot_id)

        await asyncio.gather(*(stop(bot_id) for bot_id in list(self._bots)))
