"""The few statistics that the results need."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of sorted values lies (nearest rank).

    Args:
        ordered: values in rising order, at least one.
        share: from 0 to 1.
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def spread(values: Sequence[float], unit: float = 1.0) -> dict[str, float]:
    """How values lie: count, p50, p99, max.

    Args:
        unit: what they are divided by.
    """
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "p50": percentile(ordered, 0.5) / unit,
        "p99": percentile(ordered, 0.99) / unit,
        "max": ordered[-1] / unit,
    }


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the ratios of values that were measured in the same round."""
    return median(a / b for a, b in zip(over, under, strict=True))
