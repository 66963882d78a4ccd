"""Telegram's limits on how fast a bot may send, and who goes first within them.

The limits are those of https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this:
about 30 messages a second in all, one a second in a chat (after a burst), 20 a minute in a group
(burst and rate together: five at once and 15 a minute).
Each is a generic cell rate algorithm: one number, the theoretical arrival time, says how much of a
limit is used up. The rates stay a little below Telegram's, because messages that are sent evenly
may arrive in bunches.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, cast

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from models.messaging.messages import Lane
from runner.settings import Limit, Limits
from runner.stop_signal import Stopped

FLOOD_RETRIES = 5  # retries of one of the library's calls after a 429
MAX_CHATS = 64  # chats that are remembered before those that are within their limit are forgotten


@dataclass(slots=True, order=True)
class _Waiting:
    """Somebody who waits for a turn; ordered by lane, then by time."""

    lane: Lane
    number: int
    chat_id: int = field(compare=False)
    messages: int = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class Pacer(BaseRateLimiter[int]):
    """Gives out the turns of one bot.

    Args:
        limits: the limits.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._used = 0.0  # the bot's theoretical arrival time
        self._chats: dict[int, float] = {}  # the chats', as far as they are in the future
        self._sweep_at = MAX_CHATS
        self._bulk_from = 0.0  # when broadcasts may go on after a 429
        self._ready: list[_Waiting] = []
        self._later: list[tuple[float, _Waiting]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, chat_id: int, lane: Lane, *, messages: int = 1) -> None:
        """Wait for the turn to send.

        Args:
            messages: how many messages are sent at once, as an album.

        Raises:
            Stopped: the bot is being stopped.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        waiting = _Waiting(lane, next(_numbers), chat_id, messages, loop.create_future())
        if not self._ready and self._delay(waiting, now) <= 0:
            self._take(waiting, now)
            return
        heapq.heappush(self._ready, waiting)
        self._serve()
        await waiting.turn

    def pause(self, chat_id: int, lane: Lane, seconds: float) -> None:
        """Send nothing to a chat for a time, because Telegram demands it.

        A broadcast stops as a whole. Nothing else does: which limit was exceeded, Telegram does not
        say, and other chats need not wait for this one.
        """
        now = asyncio.get_running_loop().time()
        limit = self._limit(chat_id)
        until = now + seconds + limit.interval * limit.burst
        self._chats[chat_id] = max(self._chats.get(chat_id, 0.0), until)
        if lane >= Lane.SERVICE:
            self._bulk_from = max(self._bulk_from, now + seconds)

    def _limit(self, chat_id: int) -> Limit:
        return self._limits.group if chat_id < 0 else self._limits.chat

    def _chat_delay(self, waiting: _Waiting, now: float) -> float:
        used = self._chats.get(waiting.chat_id)
        if used is None:
            return 0.0
        limit = self._limit(waiting.chat_id)
        burst = 1 if waiting.lane >= Lane.SERVICE else limit.burst
        return used - now - limit.interval * max(0, burst - waiting.messages)

    def _bot_delay(self, waiting: _Waiting, now: float) -> float:
        limit = self._limits.bot
        if waiting.lane < Lane.SERVICE:
            return self._used - now - limit.interval * max(0, limit.burst - waiting.messages)
        burst = limit.burst - self._limits.reserve
        delay = self._used - now - limit.interval * max(0, burst - waiting.messages)
        return max(delay, self._bulk_from - now)

    def _delay(self, waiting: _Waiting, now: float) -> float:
        return max(self._chat_delay(waiting, now), self._bot_delay(waiting, now))

    def _take(self, waiting: _Waiting, now: float) -> None:
        chat_id, messages = waiting.chat_id, waiting.messages
        self._used = max(self._used, now) + self._limits.bot.interval * messages
        used = max(self._chats.get(chat_id, 0.0), now)
        self._chats[chat_id] = used + self._limit(chat_id).interval * messages
        if len(self._chats) > self._sweep_at:
            self._chats = {chat: used for chat, used in self._chats.items() if used > now}
            self._sweep_at = max(MAX_CHATS, 2 * len(self._chats))

    def _serve(self) -> None:
        """Give turns to those who may send now, and wait for the next who may."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._later and self._later[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._later)[1])
        due = None
        while self._ready:
            first = self._ready[0]
            if first.turn.done():  # cancelled
                heapq.heappop(self._ready)
                continue
            delay = self._chat_delay(first, now)
            if delay > 0:
                heapq.heappush(self._later, (now + delay, heapq.heappop(self._ready)))
                continue
            delay = self._bot_delay(first, now)
            if delay > 0:
                due = now + delay
                break
            heapq.heappop(self._ready)
            self._take(first, now)
            first.turn.set_result(None)
        if self._later:
            due = min(due or self._later[0][0], self._later[0][0])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = loop.call_at(due, self._serve)

    def close(self) -> None:
        """Give out no more turns; those who wait for one get `Stopped`."""
        if self._timer is not None:
            self._timer.cancel()
        for waiting in (*self._ready, *(later for _, later in self._later)):
            if not waiting.turn.done():
                waiting.turn.set_exception(Stopped())

    # -- for the library's own calls

    async def initialize(self) -> None:
        """Do nothing; see BaseRateLimiter."""

    async def shutdown(self) -> None:
        """Stop the timer; see BaseRateLimiter."""
        self.close()

    async def process_request(  # noqa: PLR0917 - the signature is BaseRateLimiter's
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Any:
        """Make one of the library's calls when the limits allow it; see BaseRateLimiter.

        Args:
            rate_limit_args: the lane; None for that of answers.
        """
        chat_id = data.get("chat_id")
        if not isinstance(chat_id, int) or endpoint == "sendChatAction":
            return await callback(*args, **kwargs)
        lane = Lane.DIALOG if rate_limit_args is None else Lane(rate_limit_args)
        for retries in count():
            await self.acquire(chat_id, lane)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                if retries == FLOOD_RETRIES:
                    raise
                self.pause(chat_id, lane, seconds_of(error))
        raise AssertionError("never reached")


_numbers = count()


def seconds_of(error: RetryAfter) -> float:
    """Return the seconds that Telegram demands to wait."""
    # an integer, or a timedelta, as the library is configured
    delay = cast(Any, error.retry_after)
    return delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
