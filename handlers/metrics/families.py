"""Families of metrics from plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from models.engine.histogram import Histogram


def counter(name: str, about: str, counts: Mapping[Any, float], *labels: str) -> Metric:
    """Return a counter, by the values of its labels."""
    family = CounterMetricFamily(name, about, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def gauge(name: str, about: str, counts: Mapping[Any, float], *labels: str) -> Metric:
    """Return a gauge, by the values of its labels."""
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def histogram(name: str, about: str, measured: Mapping[Any, Histogram], *labels: str) -> Metric:
    """Return a histogram, by the values of its labels."""
    family = HistogramMetricFamily(name, about, labels=labels)
    for values, histogram in measured.items():
        bounds = [*(str(bound) for bound in histogram.bounds), "+Inf"]
        sums = list(accumulate(list(histogram.counts)))
        family.add_metric(values, list(zip(bounds, sums, strict=True)), histogram.total)
    return family
