"""One message of a chat at a time, until what came of it is on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Holder:
    """The message of a chat that is under way.

    Args:
        over: done when its outcome is on the disk.
        awaited: whether another message waits for that.
    """

    over: asyncio.Future[None]
    awaited: bool = False


class InFlight:
    """Knows the chats of a bot in which a message is under way.

    So a kill repeats one message of a chat at most.

    Args:
        flush_now: writes the outcomes that wait.
    """

    def __init__(self, flush_now: Callable[[], None]) -> None:
        self._flush_now = flush_now
        self._holders: dict[int, _Holder] = {}

    async def hold(self, chat_id: int) -> None:
        """Wait until no other message of the chat is under way, and be the one that is."""
        while (holder := self._holders.get(chat_id)) is not None:
            holder.awaited = True
            self._flush_now()
            await asyncio.wait({holder.over})
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._holders[chat_id] = _Holder(over)

    def release(self, chat_id: int, stored: asyncio.Future[None] | None = None) -> None:
        """Let the next message of the chat go.

        Args:
            stored: done when the outcome is on the disk; None if there is nothing to store.
        """
        if stored is None or stored.done():
            self._end(chat_id)
            return
        stored.add_done_callback(lambda _: self._end(chat_id))
        if self._holders[chat_id].awaited:
            self._flush_now()

    def _end(self, chat_id: int) -> None:
        self._holders.pop(chat_id).over.set_result(None)

    async def wait_flushed(self, *, timeout: float) -> None:
        """Wait until what was under way is on the disk.

        Args:
            timeout: seconds to wait at most.
        """
        if self._holders:
            self._flush_now()
            await asyncio.wait({holder.over for holder in self._holders.values()}, timeout=timeout)
