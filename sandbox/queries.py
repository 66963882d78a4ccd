"""Callback queries: what a tap on an inline button waits for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sandbox.waits import Wait

# How long a button waits for its answer; Telegram names no number.
QUERY_SECONDS = 900


@dataclass(slots=True)
class Query:
    """A tap that its bot may answer.

    Attributes:
        asked: Unix time in seconds.
        answer: The text that the user was shown, empty if there was none; None before the answer.
    """

    asked: float = field(default_factory=time.time)
    answer: str | None = None
    _wait: Wait | None = field(default=None, repr=False)

    @property
    def too_old(self) -> bool:
        """Whether it cannot be answered any more."""
        return self.asked < time.time() - QUERY_SECONDS

    def note(self, text: str) -> None:
        """Write down the answer, and wake who waits for it."""
        self.answer = text
        if self._wait is not None:
            self._wait.wake()

    async def answered(self, seconds: float) -> str | None:
        """Wait up to so many seconds for the answer; None if there is none."""
        if self.answer is None and seconds > 0:
            self._wait = Wait(seconds=seconds)
            await self._wait.finished()
        return self.answer
