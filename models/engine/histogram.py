"""Counts measured times by their size, in plain numbers: counting costs next to nothing."""

from __future__ import annotations

from bisect import bisect_left


class Histogram:
    """How often something took how long.

    One thread counts. Others may read meanwhile: at worst they miss the latest measurement.

    Args:
        bounds: upper bounds of the classes, in seconds, ascending; one more class is above them.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count a measurement."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds
