"""Publishes the counters of bots to the live streams of their owners, once a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from models.errors import StorageError
from models.repeated import Repeated
from runner.live.counters import UpdateCounts
from runner.live.events import EventKind
from runner.live.hub import EventHub
from runner.manager import BotManager
from runner.states import BotStatus

log = logging.getLogger("botyard.runner")

EVERY = 1.0  # seconds
Elsewhere = Callable[[list[int]], Awaitable[dict[tuple[int, int], BotStatus]]]


class CounterPublisher:
    """Publishes counters that have changed, while events are gathered for anybody.

    Args:
        manager: runs the bots.
        counts: the numbers of pending and dead updates.
        events: publishes the counters.

    Attributes:
        elsewhere: returns the statuses of bots of some users that other processes run, by user and
            bot; None while there is only one process.
    """

    def __init__(self, manager: BotManager, counts: UpdateCounts, events: EventHub) -> None:
        self._manager = manager
        self._counts = counts
        self._events = events
        self.elsewhere: Elsewhere | None = None
        self._published: dict[int, BotStatus] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Start, unless it already runs; it stops by itself when nobody's events are gathered."""
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(), name="counters")

    async def close(self) -> None:
        """Stop publishing."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        repeated = Repeated()
        try:
            while self._events.users:
                try:
                    await self._publish()
                    repeated.over()
                except StorageError as error:
                    if repeated.is_due():
                        log.warning("no counters: %s", error)
                await asyncio.sleep(EVERY)
        finally:
            self._task = None
            self._published.clear()

    async def _publish(self) -> None:
        users = self._events.users
        followed = {
            (managed.record.user_id, managed.record.id): managed.status
            for managed in self._manager.bots()
            if managed.record.user_id in users
        }
        if self.elsewhere is not None:
            followed = await self.elsewhere(sorted(users)) | followed
        counts = await self._counts.of([bot_id for _, bot_id in followed])
        for (user_id, bot_id), known in followed.items():
            count = counts[bot_id]
            status = replace(known, pending=count.pending, dead=count.dead)
            before, self._published[bot_id] = self._published.get(bot_id), status
            if before is not None and _counters(before) != _counters(status):
                self._events.publish_here(user_id, EventKind.COUNTERS, bot_id, status)


def _counters(status: BotStatus) -> tuple[object, ...]:
    return status.pending, status.dead, status.last_poll_at, status.last_update_at
