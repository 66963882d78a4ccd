"""The part of a lane's messages that is in memory."""

from __future__ import annotations

from dataclasses import dataclass

from models.messaging.messages import StoredMessage


@dataclass(slots=True)
class Window:
    """Knows which messages of a lane are in memory, and where to go on reading.

    Messages do not come in the order of their ids: several commits may be under way, and the tasks
    that wait for one of them go on in any order.

    Args:
        limit: how many messages may be in memory.
        size: how many are.
        last: the greatest id that is or was; those before it are or were, too, except `missed`.
        missed: the least id of those that were stored and not taken; None for none.
        complete: whether there are no others in the database.
        reading: whether messages are being read.
    """

    limit: int
    size: int = 0
    last: int = 0
    missed: int | None = None
    complete: bool = False
    reading: bool = False

    @property
    def room(self) -> int:
        """How many more messages may be in memory."""
        return self.limit - self.size

    @property
    def is_half_empty(self) -> bool:
        """Return True if it is time to read more."""
        return self.size <= self.limit // 2

    def miss(self, message: StoredMessage) -> None:
        """Leave a message in the database."""
        self.complete = False
        first = message.ids[0]
        self.missed = first if self.missed is None else min(self.missed, first)

    def doubt(self) -> None:
        """Read all of them again: nobody knows which are in the database."""
        self.complete, self.missed = False, 1

    def turn_back(self) -> int:
        """Return the id after which to go on reading, so that nothing missed stays behind."""
        if self.missed is not None:
            self.last = min(self.last, self.missed - 1)
            self.missed = None
        return self.last
