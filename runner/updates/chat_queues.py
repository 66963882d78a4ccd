"""Keeps updates in order within a chat, and chats from holding each other up."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Protocol

from runner.updates.incoming import IncomingUpdate, JSONObject

log = logging.getLogger("botyard.runner")


class UpdateSink(Protocol):
    """Who takes over the batches a poller receives.

    The poller confirms a batch to Telegram only after `accept` has returned; whoever takes
    over must have made sure by then that nothing of it is lost.
    """

    async def accept(self, batch: list[JSONObject], *, offset: int) -> int:
        """Take a batch over, oldest update first; how many of it were new."""

    def discard(self, number: int) -> None:
        """Learn that so many updates had nothing to know them by, and were let go."""


class ChatQueues:
    """One lane a chat, a task for each that has something to do.

    Args:
        handle: brings one update to its end; it returns when the next of the chat may come.
        name: for the names of tasks.
        max_pending: how many updates may wait before `room` waits.
        on_crash: called when a lane's task ended that should not have; with why.
    """

    def __init__(
        self,
        handle: Callable[[IncomingUpdate], Awaitable[None]],
        *,
        name: str,
        max_pending: int,
        on_crash: Callable[[BaseException | None], None],
    ) -> None:
        self._handle = handle
        self._name = name
        self._max_pending = max_pending
        self._on_death = on_crash
        self._queues: dict[Hashable, deque[IncomingUpdate]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self.pending = 0

    async def room(self) -> None:
        """Wait while too many updates wait already."""
        await self._room.wait()

    def put(self, updates: list[IncomingUpdate]) -> None:
        """Queue updates, in their order; once it is being closed, they are the journal's."""
        if self._closing:
            return
        for update in updates:
            self._count(1)
            waiting = self._queues.get(update.chat_key)
            if waiting is not None:
                waiting.append(update)
            else:
                self._queues[update.chat_key] = deque([update])
                self._spawn(update.chat_key)

    def _spawn(self, key: Hashable) -> None:
        task = asyncio.create_task(self._serve(key), name=f"{self._name} lane {key}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _serve(self, key: Hashable) -> None:
        waiting = self._queues[key]
        while waiting:
            await self._handle(waiting[0])
            waiting.popleft()
            self._count(-1)
        # no await since the lane was seen empty, so that no update can have slipped in
        del self._queues[key]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        # Not by whether there is a lane of that key: an empty one takes itself out, and a new one
        # may have begun before this is called.
        if (task.cancelled() or error is not None) and not self._closing:
            self._on_death(error)

    def _count(self, change: int) -> None:
        self.pending += change
        if self.pending > self._max_pending:
            self._room.clear()
        else:
            self._room.set()

    async def close(self, *, grace: float, cut_wait: float) -> None:
        """End: updates in hand may be finished, those that wait are left to the journal.

        Args:
            grace: seconds that handlers still running may go on.
            cut_wait: seconds that a handler may take to end once it was cut.
        """
        self._closing = True
        for waiting in self._queues.values():
            in_hand = waiting[0]
            waiting.clear()
            waiting.append(in_hand)
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)
        stuck = set(self._tasks)
        for task in stuck:
            task.cancel()
        if stuck:
            await asyncio.wait(stuck, timeout=cut_wait)
        for task in stuck:
            if not task.done():
                log.error("%s does not end; it was left behind", task.get_name())
        del self._handle  # most often a method of who holds these lanes
