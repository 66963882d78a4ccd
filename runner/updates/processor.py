"""Processes a bot's updates until each is handled or dead.

The work is divided so: the journal has every update before anything happens to it. A queue a chat
(`ChatQueues`) hands over one update after another. `UpdateRunner` tries it until it is handled or
dead, `Dispatcher` makes one attempt, `FailureRecorder` writes what failed. `InHand` has "handled"
stored together with the effects' rows, and holds the chat's next update back until that is on the
disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from models.bots.records import Writer
from runner.loop_pacer import LoopPacer
from runner.settings import RunnerTuning
from runner.telegram.application import BotApplication
from runner.telegram.client import BotClient
from runner.updates.chat_queues import ChatQueues
from runner.updates.dispatcher import Dispatcher
from runner.updates.failures import FailureRecorder
from runner.updates.in_hand import InHand
from runner.updates.incoming import IncomingUpdate, JSONObject
from runner.updates.journal import Journal
from runner.updates.stop_signal import Stopped, StopSignal
from runner.updates.update_runner import UpdateRunner

log = logging.getLogger("botyard.runner")


class UpdateProcessor:
    """The updates of one bot while it runs.

    Args:
        writer: the bot.
        client: what the bot sends with.
        application: handles them.
        journal: remembers them.
        loop_pacer: bounds how many handlers begin in one turn of the loop.
        settings: times and bounds.
        is_running: whether Telegram serves the bot, so that trouble is an update's own.
    """

    def __init__(
        self,
        writer: Writer,
        client: BotClient,
        application: BotApplication,
        *,
        journal: Journal,
        loop_pacer: LoopPacer,
        settings: RunnerTuning,
        is_running: Callable[[], bool],
    ) -> None:
        self._writer = writer
        self._journal = journal
        self._settings = settings
        self._stop = StopSignal()
        self._in_hand = InHand(writer, journal)
        dispatcher = Dispatcher(
            client,
            application,
            blocked=self._in_hand.blocked,
            loop_pacer=loop_pacer,
            chats_parallel=settings.chats_parallel,
            stop=self._stop,
        )
        self._runner = UpdateRunner(
            dispatcher,
            self._in_hand,
            FailureRecorder(writer.bot_id, journal, settings, self._stop),
            settings=settings,
            is_running=is_running,
            stop=self._stop,
        )
        self._queues = ChatQueues(self._process, name=f"bot {writer.bot_id}", settings=settings)
        self._loading = False  # or loaded: the backlog comes first

    @property
    def pending(self) -> int:
        """How many updates wait in memory."""
        return self._queues.pending

    def open(self, on_crash: Callable[[BaseException | None], None]) -> None:
        """Begin to process.

        Args:
            on_crash: as for `ChatQueues.open`.
        """
        self._queues.open(on_crash)

    async def load_backlog(self, blocked_chats: frozenset[int]) -> None:
        """Take up what was stored and not handled, before anything new.

        After a failure it may be called once more.

        Args:
            blocked_chats: those that are stored as refusing the bot's messages.
        """
        if not self._loading:
            self._in_hand.blocked.update(blocked_chats)
            self._loading = True
        limit, after = self._settings.max_pending, None
        while True:
            await self._queues.room()
            with self._in_hand.reading():
                page = await self._journal.waiting(self._writer.bot_id, after=after, limit=limit)
                self._queue(page)
            if len(page) < limit:
                return
            after = page[-1].update_id

    async def accept(self, batch: list[JSONObject], *, offset: int) -> int:
        """Store a batch, then queue it; wait first while too many updates wait already.

        Returns:
            How many of it were not stored before.

        Raises:
            StorageUnavailable: nothing of it is stored, so it must not be confirmed.
            NotOwner: nor may it be, by this process.
        """
        await self._queues.room()
        new = await self._journal.store(self._writer, batch, offset=offset)
        self._queue(new)
        if len(new) < len(batch):
            await self._queue_stored(batch)
        return len(new)

    async def _queue_stored(self, batch: list[JSONObject]) -> None:
        """Queue updates that are stored and that nobody has in hand.

        A commit may have been carried out although it was reported as failed.
        """
        bot_id, after = self._writer.bot_id, int(batch[0]["update_id"]) - 1
        with self._in_hand.reading():
            self._queue(await self._journal.waiting(bot_id, after=after, limit=len(batch)))

    def discard(self, number: int) -> None:
        """Count and log ignored updates."""
        self._journal.counts.discarded += number
        log.warning(
            "bot %d: ignored %d updates without a usable update_id", self._writer.bot_id, number
        )

    def enqueue(self, update: IncomingUpdate) -> None:
        """Queue an update that is in the journal already."""
        if self._loading:  # else the backlog will have it
            self._queue([update])

    def _queue(self, updates: list[IncomingUpdate]) -> None:
        self._queues.put(self._in_hand.claim(updates))

    async def _process(self, update: IncomingUpdate) -> None:
        """Process one update of a chat, once the one before it is on the disk."""
        try:
            await self._in_hand.wait_flushed(update.chat_key)
            if not await self._runner.run_until_done(update):
                self._in_hand.release(update)
        except Stopped:
            return  # the journal has it

    async def close(self) -> None:
        """End: handlers still running may finish for a moment; the rest stays in the journal."""
        self._stop.set()
        await self._queues.close()
        await self._in_hand.flush(timeout=self._settings.cut_wait)
        await self._journal.wait_stored(self._writer.bot_id)
        self._runner.close()
