"""Keeps turns of the event loop short when much comes at once."""

from __future__ import annotations

import asyncio
from collections import deque


class LoopPacer:
    """Lets a number of callers through in each turn of the loop; the others wait, in order.

    A batch of messages for many chats would otherwise begin hundreds of handlers in one turn,
    and whatever else is due, an answer to a request for example, would wait for all of them.
    Who is through holds nothing, so a handler that hangs keeps nobody out.

    Args:
        each_turn: how many pass in one turn.
    """

    def __init__(self, each_turn: int) -> None:
        self._each_turn = each_turn
        self._left = each_turn
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._scheduled = False

    async def wait(self) -> None:
        """Pass, at once or in a later turn."""
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
            if not future.done():  # else its caller was cancelled
                future.set_result(None)
                left -= 1
        self._left = left
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._turn)
