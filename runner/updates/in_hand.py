"""The updates of one bot from its queues until "handled" is on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice

from models.bots.records import Writer
from models.messaging.effects import Effects, OutgoingMessage
from models.messaging.marks import Handled
from models.messaging.messages import Lane, StoredMessage
from runner.updates.after_commit import AfterCommit
from runner.updates.incoming import IncomingUpdate
from runner.updates.journal import Journal


class InHand:
    """Knows which updates are under way, and which marks of them are.

    Args:
        writer: the bot.
        journal: stores that an update was handled.
        after: does what is due after a commit.
    """

    def __init__(self, writer: Writer, journal: Journal, *, after: AfterCommit) -> None:
        self._after = after
        self._writer = writer
        self._journal = journal
        self._ids: set[int] = set()
        self._readings = 0
        self._flushed_meanwhile: set[int] = set()
        self._unflushed: dict[Hashable, asyncio.Future[list[int]]] = {}  # on their way to the disk

    def claim(self, updates: list[IncomingUpdate]) -> list[IncomingUpdate]:
        """Return those that are not in hand yet: an update may come from two sides."""
        new = [update for update in updates if update.update_id not in self._ids]
        self._ids.update(update.update_id for update in new)
        return new

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Claim in this block what the journal says is not handled.

        What is marked while it is read may be read as it was before, and must not be claimed.
        """
        self._readings += 1
        try:
            yield
        finally:
            self._readings -= 1
            if not self._readings:
                self._ids -= self._flushed_meanwhile
                self._flushed_meanwhile.clear()

    def release(self, update: IncomingUpdate) -> None:
        """Let go of an update that is dead; it may be tried again one day."""
        self._done_with(update)

    def _done_with(self, update: IncomingUpdate) -> None:
        if self._readings:
            self._flushed_meanwhile.add(update.update_id)
        else:
            self._ids.discard(update.update_id)

    async def wait_flushed(self, chat_key: Hashable) -> None:
        """Wait until a chat's last update is marked: a kill repeats one of a chat at most."""
        mark = self._unflushed.get(chat_key)
        if mark is not None:
            self._journal.flush_now()
            await asyncio.wait({mark})

    async def handled(self, update: IncomingUpdate, effects: Effects) -> list[StoredMessage]:
        """Have it stored that an update was handled, in one commit with its effects' rows.

        Returns at once when there are no such rows; whether they are stored is awaited.

        Returns:
            The messages that are to be sent.

        Raises:
            StorageError, PeeweeException: the database refused the rows; nothing is stored.
        """
        has_rows = bool(effects.messages) or any(
            one is not None for one in (effects.blocked, effects.talk, effects.moved_to)
        )
        mark = self._journal.handled(self._writer, update, effects)
        self._unflushed[update.chat_key] = mark
        mark.add_done_callback(partial(self._flushed, update, effects, has_rows))
        if not has_rows:
            return []
        self._journal.flush_now()
        # whoever is cancelled leaves it on its way
        return stored_messages(effects.messages, await asyncio.shield(mark))

    def _flushed(
        self,
        update: IncomingUpdate,
        effects: Effects,
        has_rows: bool,
        mark: asyncio.Future[list[int]],
    ) -> None:
        self._unflushed.pop(update.chat_key, None)
        if mark.exception() is None or not has_rows:
            self._done_with(update)  # else `handled` raises, and it goes on
        if mark.exception() is None:
            self._after.stored(update.chat_id, effects.blocked, effects.talk, effects.calls)

    def stored_early(self, mark: Handled) -> None:
        """Learn that an update is stored that was handled before."""
        self._after.stored(mark.chat_id, mark.blocked, mark.talk, mark.calls)

    def is_flushed(self, chat_key: Hashable) -> bool:
        """Return True if no mark of a chat is on its way to the disk."""
        return chat_key not in self._unflushed

    async def flush(self, *, timeout: float) -> None:
        """Wait until the marks are on the disk.

        Args:
            timeout: seconds to wait at most; they are written all the same.
        """
        if self._unflushed:
            self._journal.flush_now()
            await asyncio.wait(set(self._unflushed.values()), timeout=timeout)

    async def close(self) -> None:
        """End what follows from commits."""
        await self._after.close()


def stored_messages(messages: list[OutgoingMessage], ids: list[int]) -> list[StoredMessage]:
    """Return messages as they are stored.

    Args:
        ids: the ids of their rows, in their order.
    """
    numbers = iter(ids)
    return [
        StoredMessage(
            tuple(islice(numbers, message.size)),
            message.chat_id,
            Lane.DIALOG,
            message.method,
            message.parameters,
            message.typing,
        )
        for message in messages
    ]
