"""Bots as they are shown: the row and the status of each, both of the same moment.

One read returns the owner's wish and the actual state (see `models.bots.runs`). The process that
runs a bot has newer data: statuses that are not written yet, and the last poll. If that belongs to
a newer wish than the row that was read, the two do not match, and the row is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ParamSpec

from models.bots import bots, runs
from models.bots.records import BotRecord, RunRecord
from models.bots.vault import Vault
from models.engine.database import Database
from models.messaging.updates import Counts
from runner.live.counters import UpdateCounts
from runner.manager import BotManager
from runner.ownership import Ownership
from runner.states import ALIVE, BotState, BotStatus, Reason
from runner.statuses import StatusWriter

P = ParamSpec("P")
Shown = tuple[BotRecord, BotStatus]


class Views:
    """Combines the rows of bots with their statuses.

    Args:
        db: the database.
        vault: decrypts the stored tokens.
        manager: runs the bots.
        statuses: the statuses that are not written yet.
        counts: the numbers of pending and dead updates.
        ownership: the bots that this process owns.
    """

    def __init__(
        self,
        db: Database,
        vault: Vault,
        *,
        manager: BotManager,
        statuses: StatusWriter,
        counts: UpdateCounts,
        ownership: Ownership,
    ) -> None:
        self._db = db
        self._vault = vault
        self._manager = manager
        self._statuses = statuses
        self._counts = counts
        self._ownership = ownership

    async def view(self, bot_id: int, *, user_id: int | None = None) -> Shown | None:
        """Return one bot with its status; None if there is none.

        Args:
            user_id: only a bot of this account; None for any.
        """
        shown = await self.show(_listed, bots.get, self._vault, bot_id, user_id=user_id)
        return shown[0] if shown else None

    async def show(
        self, fn: Callable[P, list[BotRecord]], *args: P.args, **kwargs: P.kwargs
    ) -> list[Shown]:
        """Read bots and return them with their statuses.

        Args:
            fn: reads the bots; runs in a database thread, in one transaction with the counts.
        """
        return await self._complete(*await self._db.read(self._read, partial(fn, *args, **kwargs)))

    async def pair(self, records: list[BotRecord]) -> list[Shown]:
        """Return bots that have just been read with their statuses."""
        return await self.show(lambda: records)

    def _read(self, fn: Callable[[], list[BotRecord]]) -> tuple[list[BotRecord], dict[int, Counts]]:
        records = fn()
        return records, self._counts.read([record.id for record in records])

    async def _complete(self, records: list[BotRecord], counts: dict[int, Counts]) -> list[Shown]:
        """Add the statuses, without bots that were deleted in the meantime."""
        shown = []
        for read in records:
            record: BotRecord | None = read
            while record is not None:
                status = self.status(record, counts[record.id])
                if status is not None:
                    shown.append((record, status))
                    break
                record = await self._db.read(bots.get, self._vault, record.id)
        return shown

    def status(self, record: BotRecord, count: Counts) -> BotStatus | None:
        """Return the status of a bot; None if its row has changed since it was read.

        Args:
            count: the counts of its updates.
        """
        managed, run = self._manager.find(record.id), self._statuses.latest(record.id)
        if managed is not None and managed.record.generation == record.generation:
            return replace(managed.status, pending=count.pending, dead=count.dead)
        if run is not None and run.generation > record.generation:
            return None
        status = _status(record, _newer(run, record.run), count)
        if status.state in ALIVE and self._ownership.is_silent(record):
            return replace(
                status,
                state=BotState.RETRYING,
                reason=Reason.SERVER_UNREACHABLE,
                detail="Its server does not answer; another one takes the bot over in a moment.",
            )
        return status

    def last_known(self, record: BotRecord) -> BotStatus:
        """Return the last known status of a bot, for use while the database does not answer."""
        managed, run = self._manager.find(record.id), self._statuses.latest(record.id)
        if managed is not None:
            return managed.status
        return _status(record, _newer(run, record.run), Counts(0, 0))


def _newer(here: RunRecord | None, stored: RunRecord | None) -> RunRecord | None:
    """Return the newer status: that of this process, or the stored one, which another may have."""
    if here is None or stored is None:
        return here or stored
    return stored if stored.generation > here.generation else here


def _listed(
    get: Callable[..., BotRecord | None], vault: Vault, bot_id: int, *, user_id: int | None
) -> list[BotRecord]:
    record = get(vault, bot_id, user_id=user_id)
    return [] if record is None else [record]


def _status(record: BotRecord, run: RunRecord | None, count: Counts) -> BotStatus:
    """Derive the status of a bot from its rows.

    Args:
        run: its last known run; None if it has never run.
    """
    state = runs.shown_state(record, run)
    last_poll_at = None if run is None else run.last_poll_at
    if run is None or run.state != state:  # in transition since the wish was written
        run = RunRecord(0, state, None, None, record.updated_at)
    return BotStatus(
        BotState(state),
        Reason(run.reason) if run.reason else None,
        run.detail,
        run.since,
        attempts=run.attempts,
        next_attempt_at=run.next_attempt_at,
        last_poll_at=last_poll_at,
        last_update_at=record.last_update_at,
        pending=count.pending,
        dead=count.dead,
    )
