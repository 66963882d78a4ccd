"""Live events of bots for their owners."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Set
from typing import Any, Protocol

from runner.live.events import Event, EventKind
from runner.live.recent_events import RecentEvents

QUEUE = 512  # events that may wait for a slow reader before it is disconnected


class Subscription:
    """One reader's events.

    Args:
        session_id: the login session it belongs to.
        missed: the events since the reader's last one; None if they are not known, so that the
            reader needs a full snapshot.
    """

    def __init__(self, session_id: str, missed: list[Event] | None) -> None:
        self.session_id = session_id
        self.missed = missed
        self.closed = False
        self.is_doubtful = False
        self.is_stale = False
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()

    def put(self, event: Event) -> None:
        """Queue an event; disconnect a reader that is too slow."""
        if len(self._waiting) >= QUEUE:
            self.close()
            return
        self._waiting.append(event)
        self._news.set()

    def restart(self) -> None:
        """Wake the reader, to begin with a full snapshot: events were missed."""
        self._waiting.clear()
        self.is_stale = True
        self._news.set()

    def check(self) -> None:
        """Wake the reader, to check whether its session is still live."""
        self.is_doubtful = True
        self._news.set()

    async def next(self, timeout: float) -> list[Event]:
        """Return the queued events; none if the time runs out or the subscription is closed.

        Args:
            timeout: seconds to wait for the first event.
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
        """Close the subscription and wake its reader."""
        self.closed = True
        self._waiting.clear()
        self._news.set()


class EventRelay(Protocol):
    """Passes events on to other processes, for users who read them there."""

    def reads_elsewhere(self, user_id: int) -> bool:
        """Return True if a user reads their events in another process."""

    @property
    def audience(self) -> set[int]:
        """The users who read their events in other processes."""

    def published(self, user_id: int, kind: EventKind, bot_id: int, data: Any) -> None:
        """Learn of an event."""

    def listening(self, user_id: int) -> None:
        """Learn that a user's events are gathered here from now on."""

    def restarted(self) -> None:
        """Learn that all readers begin anew."""


class EventHub:
    """Distributes events to the readers of each user, and keeps the recent ones.

    Attributes:
        relay: passes them on; None while there is only one process.
    """

    def __init__(self) -> None:
        self.relay: EventRelay | None = None
        self._readers: dict[int, set[Subscription]] = {}
        self._recent = RecentEvents()

    def listened_to(self, user_id: int) -> bool:
        """Return True if a user's events are gathered, here or in another process."""
        if user_id in self.users:
            return True
        return self.relay is not None and self.relay.reads_elsewhere(user_id)

    @property
    def users(self) -> Set[int]:
        """The users whose events are gathered here: they have a reader, or had one lately."""
        return self._recent.users

    def readers(self, user_id: int) -> int:
        """Return the number of readers of a user's events."""
        return len(self._readers.get(user_id, ()))

    @property
    def total(self) -> int:
        """The number of readers of all users."""
        return sum(len(readers) for readers in self._readers.values())

    def publish(self, user_id: int, kind: EventKind, bot_id: int, data: Any = None) -> None:
        """Send an event to a user's readers, wherever they are."""
        self.publish_here(user_id, kind, bot_id, data)
        if self.relay is not None:
            self.relay.published(user_id, kind, bot_id, data)

    def publish_here(self, user_id: int, kind: EventKind, bot_id: int, data: Any = None) -> None:
        """Send an event to a user's readers in this process; nothing follows a bot's deletion."""
        event = self._recent.add(user_id, kind, bot_id, data)
        if event is not None:
            for reader in list(self._readers.get(user_id, ())):
                reader.put(event)

    def restart(self) -> None:
        """Have every reader begin anew, because events of other processes may have been missed."""
        self._recent.restart()
        if self.relay is not None:
            self.relay.restarted()
        for readers in self._readers.values():
            for reader in readers:
                reader.restart()

    def subscribe(self, user_id: int, *, session_id: str, last_id: str | None) -> Subscription:
        """Add a reader.

        Args:
            session_id: the login session of the reader; see `end_session`.
            last_id: the id of the last event that the reader has received; None for a new reader.
        """
        if self.relay is not None and user_id not in self.users:
            self.relay.listening(user_id)
        subscription = Subscription(session_id, self._recent.since(user_id, last_id))
        self._readers.setdefault(user_id, set()).add(subscription)
        return subscription

    def unsubscribe(self, user_id: int, subscription: Subscription) -> None:
        """Remove a reader."""
        subscription.close()
        readers = self._readers[user_id]
        readers.remove(subscription)
        if not readers:
            del self._readers[user_id]
            self._recent.leave(user_id)

    def end_session(self, user_id: int, session_id: str) -> None:
        """Disconnect the readers of a login session that has ended."""
        for reader in self._readers.get(user_id, ()):
            if reader.session_id == session_id:
                reader.close()

    def end_sessions(self, user_id: int, *, keep: str | None) -> None:
        """Disconnect a user's readers, except those of the login session `keep`."""
        for reader in self._readers.get(user_id, ()):
            if reader.session_id != keep:
                reader.close()

    def check_sessions(self, user_id: int) -> None:
        """Have a user's readers check whether their sessions are still live."""
        for reader in self._readers.get(user_id, ()):
            reader.check()

    def close(self) -> None:
        """Disconnect every reader, because the server shuts down."""
        self._recent.close()
        for readers in self._readers.values():
            for reader in readers:
                reader.close()
