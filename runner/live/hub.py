"""What happens to bots, told live to their owners."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HISTORY = 256  # events a user may have missed and still catch up on
QUEUE = 512  # events that may wait for a slow reader before it is cut


class EventKind(StrEnum):
    """What an event tells."""

    STATE = "state"
    COUNTERS = "counters"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Args:
        id: to resume after.
        kind: what it tells.
        bot_id: of which bot.
        data: by kind: a BotStatus, or None.
    """

    id: str
    kind: EventKind
    bot_id: int
    data: Any


class Subscription:
    """One reader's events.

    Args:
        session_id: the login it belongs to.
        missed: events that happened since the reader was last here; None when that cannot be
            told, so that the reader must be shown how everything is.
    """

    def __init__(self, session_id: str, missed: list[Event] | None) -> None:
        self.session_id = session_id
        self.missed = missed
        self.closed = False
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()

    def put(self, event: Event) -> None:
        """Hand an event over; a reader who is too slow is cut."""
        if len(self._waiting) >= QUEUE:
            self.close()
            return
        self._waiting.append(event)
        self._news.set()

    async def next(self, timeout: float) -> list[Event]:
        """The events that wait; empty when none came in time, or when it is closed.

        Args:
            timeout: seconds to wait for the first.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        events, self._waiting = list(self._waiting), deque()
        return events

    def close(self) -> None:
        """End it; the reader is woken."""
        self.closed = True
        self._waiting.clear()
        self._news.set()


class EventHub:
    """Who listens, and what they may still have missed."""

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(4)  # ids of an earlier process mean nothing
        self._number = 0
        self._readers: dict[int, set[Subscription]] = {}
        self._history: dict[int, deque[Event]] = {}

    def listened_to(self, user_id: int) -> bool:
        """Whether somebody listens to a user's events."""
        return user_id in self._readers

    def readers(self, user_id: int) -> int:
        """How many listen to a user's events."""
        return len(self._readers.get(user_id, ()))

    @property
    def total(self) -> int:
        """How many listen, of all users."""
        return sum(len(readers) for readers in self._readers.values())

    @property
    def silent(self) -> bool:
        """Whether nobody listens to anything."""
        return not self._readers

    def publish(self, user_id: int, kind: EventKind, bot_id: int, data: Any = None) -> None:
        """Tell a user's listeners."""
        history = self._history.get(user_id)
        if history is None:  # nobody has ever listened
            return
        self._number += 1
        event = Event(f"{self._epoch}-{self._number}", kind, bot_id, data)
        history.append(event)
        for reader in list(self._readers.get(user_id, ())):
            reader.put(event)

    def subscribe(self, user_id: int, *, session_id: str, last_id: str | None) -> Subscription:
        """Begin to listen.

        Args:
            session_id: the login that listens; see `end_session`.
            last_id: the id of the last event that the reader has seen.
        """
        history = self._history.setdefault(user_id, deque(maxlen=HISTORY))
        subscription = Subscription(session_id, self._missed(history, last_id))
        self._readers.setdefault(user_id, set()).add(subscription)
        return subscription

    def unsubscribe(self, user_id: int, subscription: Subscription) -> None:
        """Stop listening."""
        subscription.close()
        readers = self._readers.get(user_id, set())
        readers.discard(subscription)
        if not readers:
            self._readers.pop(user_id, None)

    def end_session(self, user_id: int, session_id: str) -> None:
        """Send a login's readers away: it is over."""
        for reader in self._readers.get(user_id, ()):
            if reader.session_id == session_id:
                reader.close()

    def end_sessions(self, user_id: int, *, keep: str | None) -> None:
        """Send the readers of all of a user's logins away but one's."""
        for reader in self._readers.get(user_id, ()):
            if reader.session_id != keep:
                reader.close()

    def _missed(self, history: deque[Event], last_id: str | None) -> list[Event] | None:
        ids = [event.id for event in history]
        if last_id not in ids:
            return None
        return list(history)[ids.index(last_id) + 1 :]

    def close(self) -> None:
        """Send every reader away: the server ends."""
        for readers in self._readers.values():
            for reader in readers:
                reader.close()
