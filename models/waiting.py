"""Waiting with a time limit, where a timeout is a result and not an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def completes(awaitable: Awaitable[object], *, within: float) -> bool:
    """Await something for a limited time, such as `event.wait()`.

    Args:
        within: seconds; it is cancelled after them.

    Returns:
        False if the time ran out.
    """
    try:
        # not wait_for: on Python 3.11 it can swallow a cancellation of the caller
        async with asyncio.timeout(max(0.0, within)):
            await awaitable
    except TimeoutError:
        return False
    return True
