"""Hands updates to their handler: in order within a chat, chats beside each other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Any, Protocol

JSONObject = dict[str, Any]

log = logging.getLogger("botyard.runner")


class UpdateSink(Protocol):
    """Who takes over the batches a poller receives.

    The poller confirms a batch to Telegram only after `accept` has returned; whoever takes
    over must have made sure by then that nothing of it is lost.
    """

    async def accept(self, batch: list[JSONObject]) -> None:
        """Take a batch over, oldest update first."""


def lane_of(update: JSONObject) -> Hashable:
    """What an update must stay in order with: its chat, or else whoever caused it.

    Args:
        update: an Update of the Bot API, https://core.telegram.org/bots/api#update.
    """
    for content in update.values():
        if not isinstance(content, dict):
            continue
        chat = content.get("chat") or (content.get("message") or {}).get("chat")
        if chat:
            return "chat", chat.get("id")
        if "from" in content:
            return "user", content["from"].get("id")
    return None


class Lanes:
    """One lane a chat; a slow chat holds up no other.

    Args:
        handle: handles one update; what it raises is its own business to have logged.
        name: for the names of tasks.
        parallel: how many chats are served at once.
        max_pending: how many updates may wait before `accept` waits.
    """

    def __init__(
        self,
        handle: Callable[[JSONObject], Awaitable[None]],
        *,
        name: str,
        parallel: int,
        max_pending: int,
    ) -> None:
        self._handle = handle
        self._name = name
        self._slots = asyncio.Semaphore(parallel)
        self._max_pending = max_pending
        self._lanes: dict[Hashable, deque[JSONObject]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()
        self.pending = 0

    async def accept(self, batch: list[JSONObject]) -> None:
        """Queue a batch; waits first while too many updates wait already."""
        await self._room.wait()
        for update in batch:
            self._count(1)
            key = lane_of(update)
            lane = self._lanes.get(key)
            if lane is not None:
                lane.append(update)
                continue
            self._lanes[key] = deque([update])
            task = asyncio.create_task(self._serve(key), name=f"{self._name} lane {key}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, key: Hashable) -> None:
        lane = self._lanes[key]
        try:
            while lane:
                async with self._slots:
                    await self._handle(lane[0])
                lane.popleft()
                self._count(-1)
        finally:
            # no await since the lane was seen empty, so that no update can have slipped in
            del self._lanes[key]

    def _count(self, change: int) -> None:
        self.pending += change
        if self.pending > self._max_pending:
            self._room.clear()
        else:
            self._room.set()

    async def close(self, *, grace: float, cut_wait: float) -> None:
        """End: updates in hand may be finished, those that wait are left.

        Args:
            grace: seconds that handlers in hand may go on.
            cut_wait: seconds that a handler may take to end once it was cut.
        """
        for lane in self._lanes.values():
            in_hand = lane[0]
            lane.clear()
            lane.append(in_hand)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        stuck = set(self._tasks)
        for task in stuck:
            task.cancel()
        if stuck:
            with suppress(TimeoutError):
                await asyncio.wait(stuck, timeout=cut_wait)
        for task in stuck:
            if not task.done():
                log.error("%s does not end; it was left behind", task.get_name())
