"""How many bots a process should run."""

from __future__ import annotations

import math

SLACK = 1.05  # of its share, which a process may have before it gives bots away
STEP = 100  # bots that are given away at once


def fair(wanted: int, processes: int) -> int:
    """Return the number of bots of each process.

    Args:
        wanted: the bots that should run.
        processes: those that can run bots.
    """
    return math.ceil(wanted / max(1, processes))


def to_claim(mine: int, share: int) -> int:
    """Return how many bots to claim, if there are so many without an owner."""
    return max(0, share - mine)


def to_release(mine: int, share: int) -> int:
    """Return how many bots to give away now."""
    return min(STEP, mine - share) if mine > share * SLACK else 0
