"""The processes that share the database, as staff and balancers see them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from models.cluster import processes
from models.cluster.processes import ProcessRecord
from models.engine.base import now
from models.engine.database import Database
from runner.cluster.cluster import Cluster
from runner.cluster.vital_signs import Load
from runner.runner import Runner

MEASURE = 1.0  # seconds, at least, between two measurements of the load
PLACES = 3  # of the seconds and loads that are shown


@dataclass(frozen=True, slots=True)
class ProcessView(ProcessRecord):
    """A process as this one sees it.

    Args:
        silent_seconds: since this process has last heard of it; for this process itself, since its
            last heartbeat.
        is_this: True for the process that shows it.
    """

    silent_seconds: float
    is_this: bool


class ProcessService:
    """Lists the processes.

    Args:
        db: the database.
        runner: the bots of this process.
        cluster: this process among others; None if it is the only one.
        name: of this process.
        version: of the program.
    """

    def __init__(
        self, db: Database, runner: Runner, cluster: Cluster | None, *, name: str, version: str
    ) -> None:
        self.cluster = cluster
        self._db = db
        self._runner = runner
        self._identity = name, version
        self._started_at = now()
        self._load, self._load_of, self._measured_at = Load(), 0.0, float("-inf")

    def may_serve(self) -> bool:
        """Return False while this process may have lost its bots to others."""
        return self.cluster is None or self.cluster.membership.gate.lease.is_valid()

    async def listed(self, *, draining: bool) -> list[ProcessView]:
        """List the processes, oldest first.

        Args:
            draining: True if this one is about to end.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        if self.cluster is None:
            return [self._only(draining=draining)]
        membership = self.cluster.membership
        me = membership.process_id
        return [
            ProcessView(
                **asdict(row)
                | {
                    "draining": row.draining or (draining and row.id == me),
                    "load": round(row.load, PLACES),
                },
                silent_seconds=round(membership.silence(row.id), PLACES),
                is_this=row.id == me,
            )
            for row in await self._db.read(processes.listed)
        ]

    async def of_bots(self, bot_ids: list[int]) -> dict[int, str]:
        """Return the names of the processes that run bots, of several; see `names_of_owners`."""
        if self.cluster is None:
            return {}
        return await self._db.read(processes.names_of_owners, bot_ids)

    def _only(self, *, draining: bool) -> ProcessView:
        """Return the only process; nobody has measured it, and nobody could miss it."""
        at = asyncio.get_running_loop().time()
        if at - self._measured_at >= MEASURE:
            self._load_of, self._measured_at = self._load.measure(), at
        name, version = self._identity
        return ProcessView(
            id=1,
            beat=0,
            name=name,
            version=version,
            draining=draining,
            reaches_telegram=True,
            load=round(self._load_of, PLACES),
            started_at=self._started_at,
            bots=self._runner.size,
            silent_seconds=0.0,
            is_this=True,
        )
