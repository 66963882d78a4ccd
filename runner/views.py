"""Bots as they are shown: the row and the status of each, both of the same moment.

One read returns the owner's wish and the actual state (see `models.bots.runs`). The process that
runs a bot has newer data: statuses that are not written yet, and the last poll. If that belongs to
a newer wish than the row that was read, the two do not match, and the row is read again.
"""

from __future__ import annotations

from dataclasses import replace

from models.bots import bots, runs
from models.bots.records import BotRecord, RunRecord
from models.bots.vault import Vault
from models.engine.database import Database
from runner.live.counters import UpdateCounts
from runner.manager import BotManager
from runner.states import BotState, BotStatus, Reason
from runner.statuses import StatusWriter

Shown = tuple[BotRecord, BotStatus]


class Views:
    """Combines the rows of bots with their statuses.

    Args:
        db: the database.
        vault: decrypts the stored tokens.
        manager: runs the bots.
        statuses: the statuses that are not written yet.
        counts: the numbers of pending and dead updates.
    """

    def __init__(
        self,
        db: Database,
        vault: Vault,
        *,
        manager: BotManager,
        statuses: StatusWriter,
        counts: UpdateCounts,
    ) -> None:
        self._db = db
        self._vault = vault
        self._manager = manager
        self._statuses = statuses
        self._counts = counts

    async def view(self, bot_id: int) -> Shown | None:
        """Return one bot with its status; None if there is none."""
        record = await self._db.read(bots.get, self._vault, bot_id)
        return next(iter(await self.pair([record] if record else [])), None)

    async def pair(self, records: list[BotRecord]) -> list[Shown]:
        """Return bots with their statuses, without bots that were deleted in the meantime.

        Args:
            records: the bots as they have just been read.
        """
        counts = await self._counts.of([record.id for record in records])
        shown = []
        for read in records:
            record: BotRecord | None = read
            while record is not None:
                status = self.status(record)
                if status is not None:
                    count = counts[record.id]
                    shown.append((record, replace(status, pending=count.pending, dead=count.dead)))
                    break
                record = await self._db.read(bots.get, self._vault, record.id)
        return shown

    def status(self, record: BotRecord) -> BotStatus | None:
        """Return the status of a bot; None if its row has changed since it was read."""
        managed, run = self._manager.find(record.id), self._statuses.latest(record.id)
        if managed is not None and managed.record.generation == record.generation:
            return managed.status
        if run is not None and run.generation > record.generation:
            return None
        return _status(replace(record, run=run or record.run))

    def last_known(self, record: BotRecord) -> BotStatus:
        """Return the last known status of a bot, for use while the database does not answer."""
        managed, run = self._manager.find(record.id), self._statuses.latest(record.id)
        if managed is not None:
            return managed.status
        return _status(replace(record, run=run or record.run))


def _status(record: BotRecord) -> BotStatus:
    """Derive the status of a bot from its rows."""
    state = BotState(runs.shown_state(record))
    run = record.run
    if run is None or run.state != state:  # in transition since the wish was written
        last_poll_at = None if run is None else run.last_poll_at
        run = RunRecord(0, state, None, None, record.updated_at, last_poll_at=last_poll_at)
    return BotStatus(
        state,
        Reason(run.reason) if run.reason else None,
        run.detail,
        run.since,
        attempts=run.attempts,
        next_attempt_at=run.next_attempt_at,
        last_poll_at=run.last_poll_at,
        last_update_at=record.last_update_at,
    )
