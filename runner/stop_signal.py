"""Tells everything that works on a bot's updates that the bot is being stopped."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from runner.flag import Flag


class Stopped(Exception):
    """The bot is being stopped: the update stays as it is in the journal."""


class StopSignal:
    """Set once, when a run of a bot ends."""

    def __init__(self) -> None:
        self._flag = Flag()

    def set(self) -> None:
        """Let nothing new begin."""
        self._flag.set()

    @property
    def is_set(self) -> bool:
        """True if the bot is being stopped."""
        return self._flag.is_set()

    def check(self) -> None:
        """Raise Stopped once it is set."""
        if self._flag.is_set():
            raise Stopped

    async def sleep(self, seconds: float) -> None:
        """Wait before the next try; end at once when the bot is stopped.

        Raises:
            Stopped: it is being stopped.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._flag.wait()
        self.check()
