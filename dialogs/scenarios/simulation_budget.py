"""How much a simulation, or all tests of a scenario together, may have and take."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MAX_SIZE = 2_000_000  # bytes of transcripts and logs as JSON
MAX_SECONDS = 5.0

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class OverBudget(Exception):
    """There would be too much.

    Args:
        code: for programs.
        message: a sentence that tells what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SimulationBudget:
    """What is left; it begins to run out when it is made.

    Args:
        clock: returns seconds; None for no limit of time.
        size: bytes of transcripts and logs as JSON; None for no limit.
        seconds: how long it may take.
    """

    def __init__(
        self,
        clock: Callable[[], float] | None = None,
        *,
        size: int | None = MAX_SIZE,
        seconds: float = MAX_SECONDS,
    ) -> None:
        self._clock = clock
        self._size = size
        self._left = size or 0
        self._seconds = seconds
        self._end = clock() + seconds if clock else 0.0

    def check_time(self) -> None:
        """Find out whether there is time for another event.

        Raises:
            OverBudget: there is none.
        """
        if self._clock is not None and self._clock() > self._end:
            sentence = (
                f"The {self._seconds:g} seconds that a simulation, or all tests of a scenario "
                "together, may take were over here. Play fewer events."
            )
            raise OverBudget("out_of_time", sentence)

    def spend(self, value: Any) -> None:
        """Count a part of a transcript or a log.

        Raises:
            OverBudget: it is too much.
        """
        if self._size is None:
            return
        self._left -= len(_encode(value).encode(errors="surrogatepass"))
        if self._left < 0:
            sentence = (
                f"What was said up to here is more than the {self._size / 1e6:g} MB, with the log, "
                "that a simulation, or all tests of a scenario together, may have. Play fewer "
                "events, or let the bot say less."
            )
            raise OverBudget("out_of_room", sentence)


NO_LIMIT = SimulationBudget(size=None)
