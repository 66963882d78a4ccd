"""Servers that have the same name: only a lock in a common data folder keeps them from it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from models.cluster.link import SeenProcess

log = logging.getLogger("botyard.cluster")


class Namesakes:
    """Warns of processes that live and have this one's name, once of each.

    Args:
        name: of this process.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: dict[int, int] = {}  # the beat of each that was seen first
        self._told: set[int] = set()

    def look(self, seen: Iterable[SeenProcess], *, me: int | None) -> None:
        """Compare the names of the processes that were read; one that ends is not counted."""
        for one in seen:
            if one.name != self._name or one.id in {me, *self._told} or one.draining:
                continue
            if self._first.setdefault(one.id, one.beat) != one.beat:
                self._told.add(one.id)
                log.warning(
                    "process %d has the name %s, too: give each its own --process-name",
                    one.id,
                    one.name,
                )
