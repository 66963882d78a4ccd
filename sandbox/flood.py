"""An optional flood limit: so many messages a second, then 429."""

from __future__ import annotations

import math
import time
from collections import deque

from sandbox.errors import too_many_requests

WINDOW = 1.0


class FloodLimit:
    """Lets so many messages of one bot through in any one second.

    Args:
        per_second: The limit; None lets everything through.

    Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    """

    def __init__(self, per_second: int | None) -> None:
        self._limit = per_second
        self._times: deque[float] = deque()

    def check(self) -> None:
        """Count one message.

        Raises:
            ApiError: 429 with `retry_after` when the last second was full.
        """
        if self._limit is None:
            return
        now = time.monotonic()
        while self._times and self._times[0] <= now - WINDOW:
            self._times.popleft()
        if len(self._times) >= self._limit:
            raise too_many_requests(math.ceil(self._times[0] + WINDOW - now) or 1)
        self._times.append(now)
