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

from models.messaging.marks import Flushed, Handled
from runner.loop_pacer import LoopPacer
from runner.scenarios.talks import Talks
from runner.sending.outbox import Outbox
from runner.sending.sender import SenderContext
from runner.sending.side_calls import SideCalls
from runner.stop_signal import Stopped
from runner.telegram.application import BotApplication
from runner.updates.after_commit import AfterCommit
from runner.updates.chat_queues import ChatQueues
from runner.updates.dispatcher import Dispatcher
from runner.updates.early import EarlyHandling
from runner.updates.failures import FailureRecorder
from runner.updates.in_hand import InHand, stored_messages
from runner.updates.incoming import IncomingUpdate, JSONObject
from runner.updates.intake import pack_all
from runner.updates.journal import Journal
from runner.updates.update_runner import UpdateRunner

log = logging.getLogger("botyard.runner")


class UpdateProcessor:
    """The updates of one bot while it runs.

    Args:
        writer: the bot.
        application: handles them.
        outbox: sends the messages that they lead to.
        shared: what the bot's updates and messages share.
        journal: remembers them.
        loop_pacer: bounds how many handlers begin in one turn of the loop.
        talks: the talks of the bot.
    """

    def __init__(
        self,
        shared: SenderContext,
        application: BotApplication,
        outbox: Outbox,
        *,
        journal: Journal,
        loop_pacer: LoopPacer,
        talks: Talks,
    ) -> None:
        settings = shared.settings
        self._shared = shared
        self._outbox = outbox
        self._journal = journal
        after = AfterCommit(shared.blocked, talks, SideCalls(shared))
        self._in_hand = InHand(shared.writer, journal, after=after)
        dispatcher = Dispatcher(
            shared.client.token,
            application,
            blocked=shared.blocked,
            loop_pacer=loop_pacer,
            chats_parallel=settings.chats_parallel,
            stop=shared.stop,
        )
        self._runner = UpdateRunner(
            dispatcher,
            self._in_hand,
            outbox,
            FailureRecorder(self._bot_id, journal, settings, shared.stop),
            settings=settings,
            is_running=shared.is_running,
            stop=shared.stop,
        )
        self._queues = ChatQueues(self._process, name=f"bot {self._bot_id}", settings=settings)
        self._early = EarlyHandling(
            shared.writer, dispatcher, queues=self._queues, in_hand=self._in_hand, outbox=outbox
        )
        self._loading = False  # or loaded: the backlog comes first

    @property
    def _bot_id(self) -> int:
        return self._shared.writer.bot_id

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

    async def load_backlog(
        self, blocked_chats: frozenset[int] = frozenset(), *, is_empty: bool = False
    ) -> None:
        """Take up what was stored and not handled, before anything new.

        After a failure it may be called once more.

        Args:
            blocked_chats: those that are stored as refusing the bot's messages.
            is_empty: True if there is certainly nothing.
        """
        if not self._loading:
            self._shared.blocked.update(blocked_chats)
            self._loading = True
        if is_empty:
            return
        limit, after = self._shared.settings.max_pending, None
        while True:
            await self._queues.room()
            with self._in_hand.reading():
                page = await self._journal.waiting(self._bot_id, after=after, limit=limit)
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
        packed = await pack_all(batch)
        early = await self._early.handle([update for update, _ in packed])
        flushed = await self._journal.store(
            self._shared.writer, packed, offset=offset, handled=early
        )
        new = [u for u, _ in packed if (self._bot_id, u.update_id) in flushed.new]
        sent = self._sent_early(early, flushed)
        if len(new) < len(batch):
            await self._take_up_stored(packed)  # it comes before what is new
        self._queue([update for update in new if update.update_id not in sent])
        return len(new)

    def _sent_early(self, early: list[Handled], flushed: Flushed) -> set[int]:
        """Have sent what the updates led to that were handled early; return their ids."""
        done = [mark for mark in early if mark.key in flushed.early]
        for mark in done:
            self._in_hand.stored_early(mark)
            self._outbox.put(stored_messages(mark.messages, flushed.messages.get(mark.key, [])))
        return {mark.update_id for mark in done}

    async def _take_up_stored(self, packed: list[tuple[IncomingUpdate, bytes]]) -> None:
        """Take up updates that are stored and that nobody has in hand, and their messages.

        A commit may have been carried out although it was reported as failed.
        """
        numbers = [update.update_id for update, _ in packed]
        await self._outbox.take_up(numbers)  # before what the later updates of a chat lead to
        with self._in_hand.reading():
            self._queue(
                await self._journal.waiting(self._bot_id, after=numbers[0] - 1, limit=len(numbers))
            )

    def discard(self, number: int) -> None:
        """Count and log ignored updates."""
        self._journal.counts.discarded += number
        log.warning("bot %d: ignored %d updates without a usable update_id", self._bot_id, number)

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
            if update.chat_id is not None:
                await self._outbox.crowd.room(update.chat_id)
            if not await self._runner.run_until_done(update):
                self._in_hand.release(update)
        except Stopped:
            return  # the journal has it

    async def close(self) -> None:
        """End: handlers still running may finish for a moment; the rest stays in the journal."""
        self._shared.stop.set()
        await self._queues.close()
        await self._in_hand.flush(timeout=self._shared.settings.cut_wait)
        await self._journal.wait_stored(self._bot_id)
        await self._in_hand.close()
        self._runner.close()
        del self._early  # has a method of this object: the two would hold each other
