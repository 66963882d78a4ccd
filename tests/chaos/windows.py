"""When faults were, and which of them excuse something."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.events import Fault

ENGINE = "postgresql"


@dataclass(frozen=True)
class Windows:
    """Times that do not overlap, in order; made once, asked in O(log n)."""

    begins: Sequence[float]
    ends: Sequence[float]
    faults: Sequence[int]  # the number of the first fault of each

    def find(self, begin: float, end: float) -> int | None:
        """The number of the last fault that a time overlaps; None for none."""
        at = bisect_right(self.begins, end) - 1
        return self.faults[at] if at >= 0 and self.ends[at] >= begin else None

    def overlap(self, begin: float, end: float) -> float:
        """How many seconds of a time lie in them."""
        total, at = 0.0, max(bisect_right(self.begins, begin) - 1, 0)
        while at < len(self.begins) and self.begins[at] < end:
            total += max(0.0, min(end, self.ends[at]) - max(begin, self.begins[at]))
            at += 1
        return total


def windows(faults: Iterable[Fault], *, before: float = 0.0, after: float = 0.0) -> Windows:
    """Join the times of faults that overlap.

    Args:
        before, after: seconds by which each is made longer.
    """
    begins: list[float] = []
    ends: list[float] = []
    numbers: list[int] = []
    for number, fault in enumerate(sorted(faults, key=lambda one: one.begin)):
        if ends and fault.begin - before <= ends[-1]:
            ends[-1] = max(ends[-1], fault.end + after)
        else:
            begins.append(fault.begin - before)
            ends.append(fault.end + after)
            numbers.append(number)
    return Windows(begins, ends, numbers)


def of_process(faults: Iterable[Fault], process: str) -> list[Fault]:
    """The faults that a process feels: its own, and the engine's."""
    return [fault for fault in faults if fault.target in (process, ENGINE)]
