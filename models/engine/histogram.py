"""A cumulative histogram of durations."""

from __future__ import annotations

from bisect import bisect_left


class Histogram:
    """A histogram of durations in plain numbers.

    An observation costs a fifth of one of `prometheus_client`, which would have to be imported by
    every command that opens a database. The metrics collector turns it into a Prometheus metric.

    One thread counts. Others may read meanwhile: at worst they miss the latest observation.

    Args:
        bounds: upper bounds of the classes, in seconds, ascending; one more class is above them.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds
