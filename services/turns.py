"""Turns: how much of one kind an account may do at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.errors import ServiceError


class Turns:
    """Lets each account do only so much at once; what is more waits for its turn.

    Args:
        parallel: how many requests of an account are carried out at once.
        waiting: how many more may wait.
        patience: seconds that each of those waits.
        refused: makes the error for the others.
    """

    def __init__(
        self, parallel: int, *, waiting: int, patience: float, refused: Callable[[], ServiceError]
    ) -> None:
        self._parallel = parallel
        self._waiting = waiting
        self._patience = patience
        self._refused = refused
        self._requests: Counter[int] = Counter()  # by account, those that wait included
        self._turns: dict[int, asyncio.Semaphore] = {}

    def __len__(self) -> int:
        """The number of requests, those that wait included."""
        return self._requests.total()

    @asynccontextmanager
    async def turn(self, user_id: int) -> AsyncIterator[None]:
        """Wait for a turn of an account, and keep it for as long as the block lasts.

        Raises:
            ServiceError: what `refused` makes: too many wait already, or it took too long.
        """
        if self._requests[user_id] >= self._parallel + self._waiting:
            raise self._refused()
        turns = self._turns.setdefault(user_id, asyncio.Semaphore(self._parallel))
        self._requests[user_id] += 1
        try:
            try:
                async with asyncio.timeout(self._patience):
                    await turns.acquire()
            except TimeoutError:
                raise self._refused() from None
            try:
                yield
            finally:
                turns.release()
        finally:
            self._requests[user_id] -= 1
            if not self._requests[user_id]:
                del self._requests[user_id], self._turns[user_id]
