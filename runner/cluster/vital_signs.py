"""What this process tells of itself with each heartbeat."""

from __future__ import annotations

import resource
import time

from models.cluster.link import Vitals
from runner.cluster.reachability import Reachability


class Load:
    """Measures the part of a core that this process uses."""

    def __init__(self) -> None:
        self._used, self._at = _cpu_seconds(), time.monotonic()

    def measure(self) -> float:
        """Return the part since the last measurement."""
        used, now = _cpu_seconds(), time.monotonic()
        load = (used - self._used) / max(0.001, now - self._at)
        self._used, self._at = used, now
        return load


class VitalSigns:
    """Measures the load of this process, and knows what else others should know.

    Args:
        reachability: whether it reaches Telegram.

    Attributes:
        reachability: as given.
        draining: True once it gives its bots away, because it is about to end.
    """

    def __init__(self, reachability: Reachability) -> None:
        self.reachability = reachability
        self.draining = False
        self._load = Load()

    def take(self) -> Vitals:
        """Return them; the load is that since they were last taken."""
        return Vitals(self._load.measure(), self.draining, self.reachability.reaches)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
