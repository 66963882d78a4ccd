"""Long work in steps small enough to delay no other write for long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

STEP = 500  # rows of a transaction; they take a few milliseconds
PAUSE = 0.02  # seconds between two of them, for other writes


async def in_steps(once: Callable[[], Awaitable[bool]], *, pause: float = PAUSE) -> None:
    """Carry out steps until none is left.

    Args:
        once: carries out one step; returns True if there may be more.
        pause: seconds between two steps.
    """
    while await once():  # noqa: ASYNC110 - this polls for nothing: it lets others have their turn
        await asyncio.sleep(pause)
