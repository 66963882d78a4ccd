"""A bounded queue that several sources share fairly: one turn each, round and round."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueFull(Exception):
    """The queue takes no more of this source."""


class FairQueue(Generic[T]):
    """Items that wait, by the source they come from.

    A source that has nothing waiting never waits for more than one item of each other source,
    and is let in when the queue is full: a source that has more than one gives its newest up.

    Args:
        limit: how many items may wait.
        each: how many of one source may wait.
    """

    def __init__(self, *, limit: int, each: int) -> None:
        self._limit = limit
        self._each = each
        self._waiting: dict[str, deque[T]] = {}  # sources in the order of their turns
        self._size = 0

    def __len__(self) -> int:
        """How many items wait."""
        return self._size

    def put(self, source: str, item: T) -> T | None:
        """Add an item.

        Returns:
            The item of another source that had to make room; None for none.

        Raises:
            QueueFull: too many items of this source wait, or one of each of too many sources.
        """
        own = len(self._waiting.get(source, ()))
        if own >= self._each:
            raise QueueFull
        displaced = self._make_room(own) if self._size >= self._limit else None
        self._waiting.setdefault(source, deque()).append(item)
        self._size += 1
        return displaced

    def _make_room(self, own: int) -> T:
        longest = max(self._waiting.values(), key=len)
        if len(longest) <= own + 1:
            raise QueueFull
        self._size -= 1
        return longest.pop()

    def pop(self) -> T:
        """Take the item whose turn it is.

        Raises:
            IndexError: nothing waits.
        """
        if not self._waiting:
            raise IndexError("nothing waits")
        source = next(iter(self._waiting))
        items = self._waiting.pop(source)
        item = items.popleft()
        if items:
            self._waiting[source] = items  # behind all others
        self._size -= 1
        return item
