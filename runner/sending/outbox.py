"""The messages of one bot from the moment they are stored until what came of them is known."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from models.errors import StorageError
from models.messaging.messages import Lane, MessageState, StoredMessage
from models.redaction import keep_secret
from runner.sending.sender import Sender, SenderContext
from runner.stop_signal import Stopped

log = logging.getLogger("botyard.runner")

CROWDED = 30  # a bot's own messages to a chat after which its updates wait
WINDOW = 200  # messages of a lane that are in memory; the others wait in the database

_Key = tuple[int, Lane]  # a chat, and a lane of it


@dataclass(slots=True)
class _Window:
    """The messages of a lane that are in memory.

    Args:
        after: the others in the database have greater ids.
        read_to: the greatest id that was read from the database.
        size: how many are.
        complete: whether there are no others in the database.
        changed: whether others have come while it was read.
        reading: whether it is being read.
    """

    after: int = 0
    read_to: int = 0
    size: int = 0
    complete: bool = False
    changed: bool = False
    reading: bool = False


class Outbox:
    """Sends the stored messages of one bot, in order in each lane of a chat.

    Args:
        context: the objects that a bot's messages share.
    """

    def __init__(self, context: SenderContext) -> None:
        self._context = context
        self._sender = Sender(context)
        self._on_crash: Callable[[BaseException | None], None] | None = None  # while it is open
        self._windows = {lane: _Window() for lane in Lane}
        self._queues: dict[_Key, deque[StoredMessage]] = {}
        self._ids: set[int] = set()  # of messages whose outcome is not on the disk
        self._tasks: set[asyncio.Task[None]] = set()
        self._crowded: dict[int, asyncio.Event] = {}

    @property
    def _bot_id(self) -> int:
        return self._context.writer.bot_id

    def open(self, on_crash: Callable[[BaseException | None], None]) -> None:
        """Begin to take messages.

        Args:
            on_crash: called when a task ends that should not, with its error; None if it was
                cancelled.
        """
        self._on_crash = on_crash

    async def load(self, unsent: frozenset[tuple[int, str]]) -> None:
        """Take up what was stored and not sent, before anything new.

        After a failure it may be called once more.

        Args:
            unsent: the lanes and states of such messages.
        """
        if any(lane > Lane.DIALOG and state == MessageState.SENDING for lane, state in unsent):
            await self._context.store.settle_interrupted(self._bot_id)
        lanes = {lane for lane, _ in unsent}
        for lane, window in self._windows.items():
            if lane in lanes or window.changed:
                await self._read(lane, window)
            else:
                window.complete = True

    async def _read(self, lane: Lane, window: _Window) -> None:
        """Read messages of a lane until enough are in memory."""
        if window.reading:
            return
        window.reading = True
        try:
            while not window.complete and window.size < WINDOW:
                window.changed, known = False, set(self._ids)
                page, is_last = await self._context.store.pending(
                    self._bot_id, lane, after=window.after, limit=WINDOW
                )
                for message in page:
                    window.after = message.ids[-1]
                    if message.ids[0] not in known:
                        self._queue(message, window)
                window.read_to = max(window.read_to, window.after)
                window.complete = is_last and not window.changed
        finally:
            window.reading = False

    async def _read_on(self, lane: Lane, window: _Window) -> None:
        """Read more of a lane, however long the database is away."""
        for tries in count(1):
            try:
                await self._read(lane, window)
                return
            except StorageError as error:
                log.warning("bot %d: messages cannot be read: %s", self._bot_id, error)
                with suppress(Stopped):
                    await self._context.stop.sleep(self._context.settings.backoff(tries))

    def put(self, messages: list[StoredMessage]) -> None:
        """Take messages that have just been stored."""
        for message in messages:
            window, number = self._windows[message.lane], message.ids[0]
            if number in self._ids or (message.lane is Lane.DIALOG and number <= window.read_to):
                continue  # a reading was faster
            if window.complete and window.size < WINDOW:
                self._queue(message, window)
                continue
            # it is read from the database, after those before it
            window.after = number - 1 if window.complete else min(window.after, number - 1)
            window.complete, window.changed = False, True

    def _queue(self, message: StoredMessage, window: _Window) -> None:
        if self._on_crash is None:
            return
        window.size += 1
        self._ids.add(message.ids[0])
        key = message.chat_id, message.lane
        waiting = self._queues.get(key)
        if waiting is not None:
            waiting.append(message)
            return
        self._queues[key] = deque([message])
        self._start(self._serve(key), f"sending to chat {message.chat_id}")

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=f"bot {self._bot_id} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _serve(self, key: _Key) -> None:
        keep_secret(self._context.client.token)  # the task may be the child of somebody's request
        waiting, window = self._queues[key], self._windows[key[1]]
        try:
            while waiting:
                stored = await self._sender.deliver(waiting[0])
                number = waiting.popleft().ids[0]
                if stored is None or stored.done():
                    self._ids.discard(number)
                else:
                    stored.add_done_callback(partial(self._forget, number))
                window.size -= 1
                self._after_one(key, window)
        except Stopped:
            return  # the database has them
        # no await since the queue was seen empty, so that no message can have slipped in
        del self._queues[key]

    def _forget(self, number: int, _: asyncio.Future[None]) -> None:
        self._ids.discard(number)

    def _after_one(self, key: _Key, window: _Window) -> None:
        """Let others go on after a message was sent."""
        chat_id, lane = key
        if not window.complete and window.size <= WINDOW // 2 and not window.reading:
            self._start(self._read_on(lane, window), f"reading lane {lane.name}")
        if chat_id in self._crowded and len(self._queues[key]) < CROWDED:
            self._crowded.pop(chat_id).set()

    async def room(self, chat_id: int) -> None:
        """Wait while many of the bot's own messages to a chat are not sent yet.

        Telegram takes one a second, and somebody may write faster than that.
        """
        while not self.has_room(chat_id):
            await self._crowded.setdefault(chat_id, asyncio.Event()).wait()

    def has_room(self, chat_id: int) -> bool:
        """Return True if `room` would not wait."""
        return len(self._queues.get((chat_id, Lane.DIALOG), ())) < CROWDED

    async def take_up(self, update_ids: list[int]) -> None:
        """Send messages of updates whose commit was reported as failed and was not.

        Args:
            update_ids: updates that are stored, and that nothing else has in hand.
        """
        known = set(self._ids)
        for message in await self._context.store.of_updates(self._bot_id, update_ids):
            if message.ids[0] not in known:
                self._queue(message, self._windows[message.lane])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if (task.cancelled() or error is not None) and self._on_crash is not None:
            on_crash, self._on_crash = self._on_crash, None
            on_crash(error)

    async def close(self) -> None:
        """End: a message that is being sent may arrive; the others stay in the database."""
        self._on_crash = None
        settings, calling = self._context.settings, self._sender.calling
        for task in self._tasks - calling:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=settings.send_grace)
        stuck = set(self._tasks)
        for task in stuck:
            task.cancel()
        if stuck:
            await asyncio.wait(stuck, timeout=settings.cut_wait)
        await self._sender.close()
        self._context.pacer.close()
