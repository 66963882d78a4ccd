"""Keeps updates in order within a chat, and chats from holding each other up."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Hashable

from runner.flag import Flag
from runner.settings import RunnerTuning
from runner.supervised_tasks import SupervisedTasks
from runner.updates.incoming import IncomingUpdate


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
        self._queues: dict[Hashable, deque[IncomingUpdate]] = {}
        self._moved: dict[Hashable, Hashable] = {}  # groups: who shares their queue
        self._tasks = SupervisedTasks()
        self._room = Flag(is_set=True)

    def open(self, on_crash: Callable[[BaseException | None], None]) -> None:
        """Begin to take updates.

        Args:
            on_crash: as for `SupervisedTasks.open`. The queues take no more updates then.
        """
        self._tasks.open(on_crash)

    async def room(self) -> None:
        """Wait while too many updates wait already."""
        await self._room.wait()

    def is_idle(self, chat_key: Hashable) -> bool:
        """Return True if the queue of a chat is empty and nothing of it is being processed."""
        return chat_key not in self._queues

    def put(self, updates: list[IncomingUpdate]) -> None:
        """Queue updates, in their order; those that come while it is not open are the journal's."""
        if not self._tasks.is_open:
            return
        for update in updates:
            self._count(1)
            key = update.chat_key
            waiting = self._queues.get(key)
            if waiting is not None:
                waiting.append(update)
            else:
                self._queues[key] = waiting = deque([update])
                self._tasks.start(self._serve(key), name=f"{self._name} chat {key}")
            there = update.moved_key
            if there is not None and there not in self._queues and key not in self._moved:
                # The talks move there with this update, so what comes there waits behind it.
                self._queues[there] = waiting
                self._moved[key] = there

    async def _serve(self, key: Hashable) -> None:
        waiting = self._queues[key]
        while waiting:
            await self._handle(waiting[0])
            waiting.popleft()
            self._count(-1)
        # no await since the queue was seen empty, so that no update can have slipped in
        del self._queues[key]
        while (there := self._moved.pop(key, None)) is not None:
            del self._queues[there]
            key = there

    def _count(self, change: int) -> None:
        self.pending += change
        if self.pending > self._settings.max_pending:
            self._room.clear()
        else:
            self._room.set()

    async def close(self) -> None:
        """End: updates in hand may be finished, those that wait are left to the journal."""
        self._tasks.shut()
        for waiting in self._queues.values():
            in_hand = waiting[0]
            waiting.clear()
            waiting.append(in_hand)
        settings = self._settings
        await self._tasks.end(grace=settings.send_grace, cut_wait=settings.cut_wait)
        # Most often a method of the owner of these queues: the two would hold each other until
        # the garbage collector comes by (server/gc_tuning.py).
        del self._handle
