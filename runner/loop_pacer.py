"""Keeps the iterations of the event loop short when many tasks start at once."""

from __future__ import annotations

import asyncio
from collections import deque


class LoopPacer:
    """Lets a number of callers pass in each iteration of the loop; the others wait, in order.

    A batch of messages for many chats would otherwise start hundreds of handlers in one
    iteration, and all other work, such as an answer to a request, would wait for them. A caller
    holds nothing after it has passed, so a handler that hangs blocks no other.

    Args:
        each_turn: the number of callers that pass in one iteration.
    """

    def __init__(self, each_turn: int) -> None:
        self._each_turn = each_turn
        self._left = each_turn
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._scheduled = False

    async def wait(self) -> None:
        """Wait for the caller's turn; return at once if this iteration has room."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._left > 0 and not self._waiting:
            self._left -= 1
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _turn(self) -> None:
        left = self._each_turn
        while left and self._waiting:
            future = self._waiting.popleft()
            if not future.done():  # otherwise its caller was cancelled
                future.set_result(None)
                left -= 1
        self._left = left
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._turn)
