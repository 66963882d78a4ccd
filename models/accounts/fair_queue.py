"""A bounded queue with round-robin between its sources."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueFull(Exception):
    """The queue has no room for another item of this source."""


class FairQueue(Generic[T]):
    """Waiting items by source.

    An item of a source without waiting items waits for at most one item of each other source. It
    is also accepted when the queue is full: the source with the most items loses its newest one.

    Args:
        limit: the maximum number of items.
        each: the maximum number of items of a source.
    """

    def __init__(self, *, limit: int, each: int) -> None:
        self._limit = limit
        self._each = each
        self._waiting: dict[str, deque[T]] = {}  # in the order of the turns
        self._size = 0

    def __len__(self) -> int:
        """Return the number of waiting items."""
        return self._size

    def put(self, source: str, item: T) -> T | None:
        """Add an item.

        Returns:
            The item of another source that was removed to make room; None if there was room.

        Raises:
            QueueFull: too many items of this source wait, or no other source has two more.
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
        """Remove and return the next item.

        Raises:
            IndexError: the queue is empty.
        """
        if not self._waiting:
            raise IndexError("nothing waits")
        source = next(iter(self._waiting))
        items = self._waiting.pop(source)
        item = items.popleft()
        if items:
            self._waiting[source] = items  # after all others
        self._size -= 1
        return item
