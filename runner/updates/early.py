"""Handles updates before they are stored, so that one commit does for both.

A dialog is a pure function: what it leads to takes effect only after the commit that stores the
update, marks it as handled and stores its effects. Nothing has happened if that commit fails. This
saves a commit of a message, which is a third of its CPU time when few messages come.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from models.bots.records import Writer
from models.messaging.flush import Handled
from runner.updates.dispatcher import Dispatcher
from runner.updates.incoming import IncomingUpdate


class EarlyHandling:
    """Handles those of a bot's new updates that may be handled at once.

    Args:
        writer: the bot.
        dispatcher: makes an attempt.
        is_idle: returns True if no earlier update or message of a chat is under way.
    """

    def __init__(
        self,
        writer: Writer,
        dispatcher: Dispatcher,
        is_idle: Callable[[IncomingUpdate], bool],
    ) -> None:
        self._writer = writer
        self._dispatcher = dispatcher
        self._is_idle = is_idle

    async def handle(self, updates: list[IncomingUpdate]) -> list[Handled]:
        """Make one attempt at the first update of each chat where nothing else is under way.

        An attempt that fails does not count: the update is stored, and tried again like any other.
        """
        handled: list[Handled] = []
        chats: set[Hashable] = set()
        for update in updates:
            if update.chat_key in chats or not self._is_idle(update):
                continue
            chats.add(update.chat_key)
            try:
                effects = await self._dispatcher.dispatch(update)
            except Exception:  # noqa: S112 - the attempt that counts follows
                continue
            handled.append(
                Handled(
                    self._writer,
                    update.update_id,
                    update.chat_id,
                    effects.messages,
                    effects.blocked,
                )
            )
        return handled
