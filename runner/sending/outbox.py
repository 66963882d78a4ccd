"""The messages of one bot from the moment they are stored until what came of them is known."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count

from models.errors import StorageError
from models.messaging.messages import Lane, MessageState, StoredMessage
from models.redaction import keep_secret
from runner.sending.crowd import Crowd
from runner.sending.sender import Sender, SenderContext
from runner.sending.window import Window
from runner.stop_signal import Stopped
from runner.supervised_tasks import SupervisedTasks

log = logging.getLogger("botyard.runner")

# Messages of a lane that are in memory; the others wait in the database. More of those for which
# somebody waits, so that chats that Telegram does not take messages for keep no others waiting.
WINDOW, LARGE_WINDOW = 200, 2000
MIN_PAGE, PAGE = 20, 200  # rows that are read at once; more than an album has

_Key = tuple[int, Lane]  # a chat, and a lane of it


class Outbox:
    """Sends the stored messages of one bot, in order in each lane of a chat.

    Args:
        context: the objects that a bot's messages share.

    Attributes:
        crowd: has updates wait while there are many of the bot's own messages.
    """

    def __init__(self, context: SenderContext) -> None:
        self._context = context
        self._sender = Sender(context)
        self._tasks = SupervisedTasks()
        self._windows = {
            lane: Window(LARGE_WINDOW if lane < Lane.SERVICE else WINDOW) for lane in Lane
        }
        self._queues: dict[_Key, deque[StoredMessage]] = {}
        self._ids: set[int] = set()  # of messages whose outcome is not on the disk
        self.crowd = Crowd(self._queues)
        self._is_settled = False

    @property
    def _bot_id(self) -> int:
        return self._context.writer.bot_id

    def open(self, on_crash: Callable[[BaseException | None], None]) -> None:
        """Begin to take messages.

        Args:
            on_crash: as for `SupervisedTasks.open`. No more messages are taken then.
        """
        self._tasks.open(on_crash)

    async def load(self, unsent: frozenset[tuple[int, str]]) -> None:
        """Take up what was stored and not sent, before anything new.

        After a failure it may be called once more.

        Args:
            unsent: the lanes and states of such messages.
        """
        is_interrupted = any(
            lane > Lane.DIALOG and state == MessageState.SENDING for lane, state in unsent
        )
        if is_interrupted and not self._is_settled:
            await self._context.store.settle_interrupted(self._bot_id)
        self._is_settled = True  # what is being sent from now on is this run's
        lanes = {lane for lane, _ in unsent}
        for lane, window in self._windows.items():
            if lane in lanes or window.missed is not None:
                await self._read(lane, window)
            else:
                window.complete = True

    async def _read(self, lane: Lane, window: Window) -> None:
        """Read messages of a lane until enough are in memory."""
        if window.reading:
            return
        window.reading = True
        try:
            while not window.complete and (room := window.room) >= MIN_PAGE:
                known = set(self._ids)  # one of them may have been sent when the page is here
                page, is_last = await self._context.store.pending(
                    self._bot_id, lane, after=window.turn_back(), limit=min(PAGE, room)
                )
                for message in page:
                    window.last = max(window.last, message.ids[-1])
                    if message.ids[0] not in known:
                        self._take(message, window)
                window.complete = is_last and window.missed is None
        finally:
            window.reading = False

    async def _read_on(self, lane: Lane, window: Window) -> None:
        """Read more of a lane, however long the database is away."""
        with suppress(Stopped):
            for tries in count(1):
                try:
                    await self._read(lane, window)
                    return
                except StorageError as error:
                    log.warning("bot %d: messages cannot be read: %s", self._bot_id, error)
                await self._context.stop.sleep(self._context.settings.backoff(tries))

    def _read_later(self, lane: Lane, window: Window) -> None:
        name = f"bot {self._bot_id} reading messages of lane {lane.name}"
        self._tasks.start(self._read_on(lane, window), name=name)

    def doubt(self, lane: Lane) -> None:
        """Read a lane again: it is not known whether messages of it were stored."""
        window = self._windows[lane]
        window.doubt()
        if self._tasks.is_open and self._is_settled:
            self._read_later(lane, window)

    def put(self, messages: list[StoredMessage]) -> None:
        """Take messages that have just been stored, those of a chat in the order of their ids."""
        for message in messages:
            window = self._windows[message.lane]
            if window.complete and window.room > 0:
                self._take(message, window)
            elif message.ids[0] not in self._ids:
                window.miss(message)  # it is read from the database, after those before it

    def _take(self, message: StoredMessage, window: Window) -> None:
        """Queue a message, unless that was done before: it may come from two sides."""
        window.last = max(window.last, message.ids[-1])
        if message.ids[0] in self._ids or not self._tasks.is_open:
            return
        window.size += 1
        self._ids.add(message.ids[0])
        key = message.chat_id, message.lane
        waiting = self._queues.get(key)
        if waiting is not None:
            waiting.append(message)
            return
        self._queues[key] = deque([message])
        name = f"bot {self._bot_id} sending to chat {message.chat_id}"
        self._tasks.start(self._serve(key), name=name)

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

    def _after_one(self, key: _Key, window: Window) -> None:
        """Let others go on after a message was sent."""
        chat_id, lane = key
        if not window.complete and window.is_half_empty and not window.reading:
            self._read_later(lane, window)
        self.crowd.shrunk(chat_id)

    async def take_up(self, update_ids: list[int]) -> None:
        """Send messages of updates whose commit was reported as failed and was not.

        Args:
            update_ids: updates that are stored, and that nothing else has in hand.
        """
        known = set(self._ids)
        stored = await self._context.store.of_updates(self._bot_id, update_ids)
        self.put([message for message in stored if message.ids[0] not in known])

    async def close(self) -> None:
        """End: a message that is being sent may arrive; the others stay in the database."""
        settings = self._context.settings
        self._tasks.shut()
        self._tasks.cancel_except(self._sender.calling)
        await self._tasks.end(grace=settings.send_grace, cut_wait=settings.cut_wait)
        await self._sender.close()
        self._context.pacer.close()
