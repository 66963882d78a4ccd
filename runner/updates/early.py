"""Handles updates before they are stored, so that one commit does for both.

A dialog is a pure function: what it leads to takes effect only after the commit that stores the
update, marks it as handled and stores its effects. Nothing has happened if that commit fails. This
saves a commit of a message, which is a third of its CPU time when few messages come. A handler that
waits for something is stopped and has its turn later, so that the poller never waits for it.
"""

from __future__ import annotations

from collections.abc import Hashable

from models.bots.records import Writer
from models.messaging.marks import Handled
from runner.sending.outbox import Outbox
from runner.updates.chat_queues import ChatQueues
from runner.updates.dispatcher import Dispatcher
from runner.updates.in_hand import InHand
from runner.updates.incoming import IncomingUpdate
from runner.updates.journal import mark_of


class EarlyHandling:
    """Handles those of a bot's new updates that may be handled at once.

    Args:
        writer: the bot.
        dispatcher: makes an attempt.
        queues, in_hand, outbox: know which updates and messages are under way.
    """

    def __init__(
        self,
        writer: Writer,
        dispatcher: Dispatcher,
        *,
        queues: ChatQueues,
        in_hand: InHand,
        outbox: Outbox,
    ) -> None:
        self._writer = writer
        self._dispatcher = dispatcher
        self._queues = queues
        self._in_hand = in_hand
        self._outbox = outbox

    async def handle(self, updates: list[IncomingUpdate]) -> list[Handled]:
        """Make one attempt at the first update of each chat where nothing else is under way.

        An attempt that fails does not count: the update is stored, and tried again like any other.
        """
        handled: list[Handled] = []
        chats: set[Hashable] = set()
        for update in updates:
            if update.moved_key is not None:
                chats.add(update.moved_key)  # its talks are there only after the commit
            if update.chat_key in chats:
                continue
            chats.add(update.chat_key)
            if not self._is_idle(update):
                continue
            effects = await self._dispatcher.dispatch_at_once(update)
            if effects is not None:
                handled.append(mark_of(self._writer, update, effects))
        return handled

    def _is_idle(self, update: IncomingUpdate) -> bool:
        """Return True if nothing of an update's chat is under way."""
        return (
            self._queues.is_idle(update.chat_key)
            and self._in_hand.is_flushed(update.chat_key)
            and (update.chat_id is None or self._outbox.crowd.has_room(update.chat_id))
        )
