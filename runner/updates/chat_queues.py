"""Keeps updates in order within a chat, and chats from holding each other up."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

from runner.settings import RunnerTuning
from runner.updates.incoming import IncomingUpdate

log = logging.getLogger("botyard.runner")


class ChatQueues:
    """A queue for each chat, and a task for each that has something to do.

    Args:
        handle: processes one update; it returns when the next of the chat may come.
        name: for the names of tasks.
        settings: how many updates may wait before `room` waits, and the times of `close`.

    Attributes:
        pending: how many updates are in the queues.
    """

    def __init__(
        self,
        handle: Callable[[IncomingUpdate], Awaitable[None]],
        *,
        name: str,
        settings: RunnerTuning,
    ) -> None:
        self.pending = 0
        self._handle = handle
        self._name = name
        self._settings = settings
        self._on_crash: Callable[[BaseException | None], None] | None = None  # while it is open
        self._queues: dict[Hashable, deque[IncomingUpdate]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()

    def open(self, on_crash: Callable[[BaseException | None], None]) -> None:
        """Begin to take updates.

        Args:
            on_crash: called when the task of a chat ends that should not; with the error, None if
                it was cancelled. The queues take no more updates then.
        """
        self._on_crash = on_crash

    async def room(self) -> None:
        """Wait while too many updates wait already."""
        await self._room.wait()

    def is_idle(self, chat_key: Hashable) -> bool:
        """Return True if the queue of a chat is empty and nothing of it is being processed."""
        return chat_key not in self._queues

    def put(self, updates: list[IncomingUpdate]) -> None:
        """Queue updates, in their order; those that come while it is not open are the journal's."""
        if self._on_crash is None:
            return
        for update in updates:
            self._count(1)
            key = update.chat_key
            waiting = self._queues.get(key)
            if waiting is not None:
                waiting.append(update)
                continue
            self._queues[key] = deque([update])
            task = asyncio.create_task(self._serve(key), name=f"{self._name} chat {key}")
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def _serve(self, key: Hashable) -> None:
        waiting = self._queues[key]
        while waiting:
            await self._handle(waiting[0])
            waiting.popleft()
            self._count(-1)
        # no await since the queue was seen empty, so that no update can have slipped in
        del self._queues[key]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if (task.cancelled() or error is not None) and self._on_crash is not None:
            on_crash, self._on_crash = self._on_crash, None
            on_crash(error)

    def _count(self, change: int) -> None:
        self.pending += change
        if self.pending > self._settings.max_pending:
            self._room.clear()
        else:
            self._room.set()

    async def close(self) -> None:
        """End: updates in hand may be finished, those that wait are left to the journal."""
        self._on_crash = None
        for waiting in self._queues.values():
            in_hand = waiting[0]
            waiting.clear()
            waiting.append(in_hand)
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=self._settings.send_grace)
        stuck = set(self._tasks)
        for task in stuck:
            task.cancel()
        if stuck:
            await asyncio.wait(stuck, timeout=self._settings.cut_wait)
        for task in stuck:
            if not task.done():
                log.error("%s does not stop; abandoned it", task.get_name())
        # Most often a method of the owner of these queues: the two would hold each other until
        # the garbage collector comes by (server/gc_tuning.py).
        del self._handle
