"""Waits for what other processes do: looks at each bell, and now and then without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

LOOK = 1.0  # seconds between two looks, if no bell is heard


class Lookout:
    """Those who wait for bells about rows, by the ids of these."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = {}

    def heard(self, ids: Iterable[int]) -> None:
        """Learn of a bell: whoever waits for one of these rows looks at once."""
        for number in ids:
            for news in self._waiting.get(number, ()):
                news.set()

    def heard_all(self) -> None:
        """Learn that bells may have been missed: everybody looks at once."""
        self.heard(self._waiting)

    async def wait(
        self, number: int, look: Callable[[float], Awaitable[T | None]], *, within: float
    ) -> T | None:
        """Look until there is something to see.

        Args:
            number: the id of the row that bells are about.
            look: called with the seconds that are left; returns what it sees, None for nothing.
            within: seconds to wait at most.

        Returns:
            What was seen; None if the time is over.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        news = asyncio.Event()
        waiting = self._waiting.setdefault(number, set())
        waiting.add(news)
        try:
            while (left := until - loop.time()) > 0:
                news.clear()
                if (seen := await look(left)) is not None:
                    return seen
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(LOOK, left)):
                        await news.wait()
            return None
        finally:
            waiting.discard(news)
            if not waiting:
                self._waiting.pop(number, None)
