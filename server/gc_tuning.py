"""When the garbage collector runs, and what it passes over.

At its defaults it walks through every bot's objects again and again: a third of the CPU under
load, and the longest pauses of all. Left to its counters it also runs at the worst moment, when
much is under way; long polls that took the place of older ones do not count, and are all walked
through then.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Callable

# Objects by which the youngest generation may grow. The older ones are never collected on its
# account: what a boot makes is there to stay, and later `run` does that.
_BOOTING = (10_000, 1_000_000, 1_000_000)
_SERVING = (50_000, 1_000_000, 1_000_000)
_EVERY = 0.5  # seconds between two looks at the youngest
_ALL = 600  # of these looks are one at everything that is younger than the boot


def freeze_imports() -> None:
    """Leave out for good what the imports made, and look at young objects only during the boot."""
    gc.freeze()
    gc.set_threshold(*_BOOTING)


async def run(ready: Callable[[], bool]) -> None:
    """Collect a little and often; when the boot is over, leave its bots out, too.

    All is collected every five minutes. With a thousand bots it takes 14 ms at rest and 40 under
    load, since little of a bot is younger than the boot: its long poll.

    Args:
        ready: whether the boot is over.
    """
    booting = True
    for look in itertools.count(1):
        await asyncio.sleep(_EVERY)
        gc.collect(0 if look % _ALL else 2)
        if booting and ready():
            booting = False
            gc.freeze()
            gc.set_threshold(*_SERVING)
