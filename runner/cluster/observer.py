"""Tells the dead among the processes from those that live, by this process's own clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Beating(Protocol):
    """A process as it was read."""

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def beat(self) -> int:
        """Its counter."""


@dataclass(slots=True)
class _Unchanged:
    beat: int
    since: float


class Observer:
    """Notes since when the counters of processes have not changed.

    Args:
        patience: seconds without a change after which a process is dead.
        blind: seconds without a look after which all observations begin anew: who has not looked
            cannot tell a dead process from a database that was away.
    """

    def __init__(self, *, patience: float, blind: float) -> None:
        self._patience = patience
        self._blind = blind
        self._looked_at = float("-inf")
        self._seen: dict[int, _Unchanged] = {}

    def look(self, processes: Iterable[Beating], *, now: float) -> None:
        """Note what was read.

        Args:
            now: the clock's time after it was read.
        """
        before = self._seen if now - self._looked_at <= self._blind else {}
        self._looked_at, self._seen = now, {}
        for process in processes:
            known = before.get(process.id)
            if known is None or known.beat != process.beat:
                known = _Unchanged(process.beat, now)
            self._seen[process.id] = known

    def silent(self, process_id: int, *, now: float) -> float:
        """Return the seconds since a process's counter has changed; 0 for an unknown one."""
        known = self._seen.get(process_id)
        return 0.0 if known is None else now - known.since

    def dead(self, *, now: float) -> list[tuple[int, int]]:
        """Return the processes that are dead, each with the beat that was seen last."""
        if now - self._looked_at > self._blind:
            return []
        return [
            (process_id, seen.beat)
            for process_id, seen in self._seen.items()
            if now - seen.since >= self._patience
        ]
