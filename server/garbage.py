"""When the garbage collector runs, and what it passes over.

At its defaults it walks through every bot's objects again and again: a third of the CPU under
load, and the longest pauses of all. Left to its counters it also runs at the worst moment, when
much is under way; long polls that took the place of older ones do not count, and are all walked
through then.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

# Objects by which the youngest generation may grow, and how often it, and the next one, are
# collected before the next older one is.
_BOOTING = (10_000, 1_000_000, 1)  # what is made now is there to stay
_SERVING = (50_000, 20, 100)
_EVERY = 0.5  # seconds between two looks at the youngest


def begin() -> None:
    """Leave out for good what the imports made, and look at young objects only during the boot."""
    gc.freeze()
    gc.set_threshold(*_BOOTING)


async def tend(ready: Callable[[], bool]) -> None:
    """Collect a little and often; when the boot is over, leave its bots out, too.

    Args:
        ready: whether the boot is over.
    """
    booting = True
    while True:
        await asyncio.sleep(_EVERY)
        gc.collect(0)
        if booting and ready():
            booting = False
            gc.freeze()
            gc.set_threshold(*_SERVING)
