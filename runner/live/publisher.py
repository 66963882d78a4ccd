"""Publishes the counters of bots to the live streams of their owners, once a second."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from models.errors import StorageError
from runner.live.counters import UpdateCounts
from runner.live.hub import EventHub, EventKind
from runner.manager import BotManager
from runner.states import BotStatus

log = logging.getLogger("botyard.runner")

EVERY = 1.0  # seconds


class CounterPublisher:
    """Publishes counters that have changed, while there are readers.

    Args:
        manager: runs the bots.
        counts: the numbers of pending and dead updates.
        events: publishes the counters.
    """

    def __init__(self, manager: BotManager, counts: UpdateCounts, events: EventHub) -> None:
        self._manager = manager
        self._counts = counts
        self._events = events
        self._published: dict[int, BotStatus] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Start, unless it already runs; it stops by itself when there are no readers left."""
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(), name="counters")

    async def close(self) -> None:
        """Stop publishing."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while not self._events.silent:
                try:
                    await self._publish()
                except StorageError as error:
                    log.warning("no counters: %s", error)
                await asyncio.sleep(EVERY)
        finally:
            self._task = None
            self._published.clear()

    async def _publish(self) -> None:
        followed = [
            managed
            for managed in self._manager.bots()
            if self._events.listened_to(managed.record.user_id)
        ]
        counts = await self._counts.of([managed.record.id for managed in followed])
        for managed in followed:
            record, count = managed.record, counts[managed.record.id]
            status = replace(managed.status, pending=count.pending, dead=count.dead)
            before, self._published[record.id] = self._published.get(record.id), status
            if before is not None and _counters(before) != _counters(status):
                self._events.publish(record.user_id, EventKind.COUNTERS, record.id, status)


def _counters(status: BotStatus) -> tuple[object, ...]:
    return status.pending, status.dead, status.last_poll_at, status.last_update_at
