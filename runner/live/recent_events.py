"""The recent events of users, for readers that reconnect."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Set
from typing import Any

from runner.live.events import Event, EventKind

HISTORY = 256  # recent events of a user
LINGER = 60.0  # seconds that a user's events are gathered after their last reader has left
GONE = 1000  # deleted bots that are remembered: what was read before comes moments later at most


class RecentEvents:
    """Numbers the events, and keeps the recent ones of users who have a reader, or had one lately.

    A reader that reconnects can go on only where nothing is missing. So the events of a user are
    gathered for a while after the last reader has left, and then dropped: whoever comes later has
    to begin anew.
    """

    def __init__(self) -> None:
        self._epoch = _new_epoch()
        self._number = 0
        self._events: dict[int, deque[Event]] = {}
        self._gone: dict[int, None] = {}  # deleted bots, the latest last
        self._leaving: dict[int, asyncio.TimerHandle] = {}  # users without a reader
        self._closed = False

    @property
    def users(self) -> Set[int]:
        """The users whose events are gathered."""
        return self._events.keys()

    def add(self, user_id: int, kind: EventKind, bot_id: int, data: Any) -> Event | None:
        """Keep an event; None if nobody can have missed it, or it is told after its bot is gone."""
        if bot_id in self._gone:
            return None
        if kind is EventKind.DELETED:
            self._gone[bot_id] = None
            if len(self._gone) > GONE:
                del self._gone[next(iter(self._gone))]
        events = self._events.get(user_id)
        if events is None:
            return None
        self._number += 1
        event = Event(f"{self._epoch}-{self._number}", kind, bot_id, data)
        events.append(event)
        return event

    def since(self, user_id: int, last_id: str | None) -> list[Event] | None:
        """Return the events after one of a user's, who has a reader from now on.

        Args:
            last_id: that event; None for a new reader.

        Returns:
            None if they are not known.
        """
        if (timer := self._leaving.pop(user_id, None)) is not None:
            timer.cancel()
        events = self._events.setdefault(user_id, deque(maxlen=HISTORY))
        ids = [event.id for event in events]
        return [*events][ids.index(last_id) + 1 :] if last_id in ids else None

    def leave(self, user_id: int) -> None:
        """Drop a user's events in a while, because their last reader has left."""
        if self._closed:
            self._drop(user_id)
            return
        loop = asyncio.get_running_loop()
        self._leaving[user_id] = loop.call_later(LINGER, self._drop, user_id)

    def _drop(self, user_id: int) -> None:
        self._leaving.pop(user_id, None)
        self._events.pop(user_id, None)

    def close(self) -> None:
        """Keep nothing any longer for users without a reader, because the server shuts down."""
        self._closed = True
        for user_id, timer in list(self._leaving.items()):
            timer.cancel()
            self._drop(user_id)

    def restart(self) -> None:
        """Forget all events, and the ids that readers have."""
        self._epoch = _new_epoch()
        for events in self._events.values():
            events.clear()


def _new_epoch() -> str:
    """Return the beginning of the ids of events: those of an earlier process are invalid."""
    return secrets.token_hex(4)
