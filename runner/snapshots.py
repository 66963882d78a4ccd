"""Bots as they are shown: the row and the status of each, both of one moment.

What is stored of a bot and what runs of it are changed one after the other, under the bot's lock.
Whoever reads a row and then asks for the status may have been overtaken in between, and would
tell of a bot that is off and running. So a reading is watched, and what somebody was at
meanwhile is read again while nobody can be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from typing import Any, Protocol

from models.bots import bots
from models.bots.bots import BotRecord
from models.bots.vault import Vault
from models.engine.database import Database
from models.messaging import updates
from runner.live.counters import UpdateCounts
from runner.states import BotState, BotStatus

TRIES = 5  # readings of one bot, whose own task may change its state while it is read

Shown = tuple[BotRecord, BotStatus]


class BotLock(asyncio.Lock):
    """The lock of a bot, which tells when it is given back.

    Args:
        released: called then.
    """

    def __init__(self, released: Callable[[], None]) -> None:
        super().__init__()
        self._tell = released

    def release(self) -> None:
        """Give it back; see asyncio.Lock."""
        super().release()
        self._tell()


class Moment:
    """A reading of rows that is under way."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._touched: set[int] = set()
        self._awaited: int | None = None
        self._news = asyncio.Event()

    def touch(self, bot_id: int) -> None:
        """Learn that a bot was changed, or its state."""
        self._touched.add(bot_id)
        if bot_id == self._awaited:
            self._news.set()

    def is_touched(self, bot_id: int) -> bool:
        """Say whether a bot was touched since this began."""
        return bot_id in self._touched

    async def news(self, bot_id: int) -> None:
        """Wait until a bot is touched."""
        self._awaited = bot_id
        await self._news.wait()

    async def pair(self, records: list[BotRecord]) -> list[Shown]:
        """Bots with their statuses; without those that were deleted meanwhile.

        Args:
            records: read since this began.
        """
        return await self._views.pair(records, self)


class Runs(Protocol):
    """The bots as they run; see `BotManager`."""

    def status(self, record: BotRecord) -> BotStatus:
        """Return the status of a bot now."""

    def state(self, bot_id: int) -> BotState | None:
        """Return the state of a bot that runs, or did and is to again; None of all others."""

    def is_held(self, bot_id: int) -> bool:
        """Say whether somebody changes a bot at this moment."""

    def lock(self, bot_id: int) -> AbstractAsyncContextManager[Any]:
        """Return the lock of a bot."""


class Views:
    """Tells how bots are.

    Args:
        db: the database.
        vault: opens the stored tokens.
        manager: runs the bots.
        counts: of updates that wait or are dead.
    """

    def __init__(self, db: Database, vault: Vault, manager: Runs, counts: UpdateCounts) -> None:
        self._db = db
        self._vault = vault
        self._counts = counts
        self._manager = manager
        self._moments: set[Moment] = set()

    def touch(self, bot_id: int) -> None:
        """Learn that a bot was changed, or its state."""
        for moment in self._moments:
            moment.touch(bot_id)

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """Watch what happens while rows are read in the block, and paired in it."""
        moment = Moment(self)
        self._moments.add(moment)
        try:
            yield moment
        finally:
            self._moments.discard(moment)

    async def pair(self, records: list[BotRecord], moment: Moment) -> list[Shown]:
        """See `Moment.pair`."""
        counts = await self._counts.of([record.id for record in records])
        shown: list[Shown | None] = []
        unsure: dict[int, int] = {}  # ids, by their places
        for place, record in enumerate(records):  # without an await: all of this is one moment
            status = self._manager.status(record)
            if not self._is_sure(record.id, status, moment):
                unsure[place] = record.id
            shown.append((record, _counted(status, counts[record.id])))
        for place, bot_id in unsure.items():
            shown[place] = await self._look_again(bot_id)
        return [pair for pair in shown if pair is not None]

    def _is_sure(self, bot_id: int, status: BotStatus, moment: Moment) -> bool:
        """Say whether a status belongs to the row that was read.

        A bot that is stopping is shown so, however long that takes: its row is written before.
        """
        in_hand = self._manager.is_held(bot_id) and status.state is not BotState.STOPPING
        return not in_hand and not moment.is_touched(bot_id)

    async def _look_again(self, bot_id: int) -> Shown | None:
        for _ in range(TRIES):
            with self.moment() as moment:
                shown = await self._read(bot_id)
                if shown is None or self._is_sure(bot_id, shown[1], moment):
                    return shown
                if not moment.is_touched(bot_id):  # whoever has it in hand will
                    await moment.news(bot_id)
        return await self.view(bot_id)

    async def view(self, bot_id: int) -> Shown | None:
        """One bot, when nobody changes it; None when there is none."""
        async with self._manager.lock(bot_id):
            for _ in range(TRIES - 1):
                before = self._manager.state(bot_id)
                shown = await self._read(bot_id)
                if self._manager.state(bot_id) is before:
                    return shown
            return await self._read(bot_id)

    async def _read(self, bot_id: int) -> Shown | None:
        record = await self._db.read(bots.get, self._vault, bot_id)
        if record is None:
            return None
        counts = await self._counts.of([bot_id])
        return record, _counted(self._manager.status(record), counts[bot_id])


def _counted(status: BotStatus, counts: updates.Counts) -> BotStatus:
    return replace(status, pending=counts.pending, dead=counts.dead)
