"""What the sandbox writes down about a bot: its calls, and what it sent."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

KEPT = 10_000


@dataclass(slots=True)
class Call:
    """One request to the Bot API.

    Attributes:
        seq: Grows by one with each call of the bot.
        method: The method's name as documented ("getMe"), or as sent when there is none such.
        params: The parameters as they came: in forms every value is a string.
        started: Unix time in seconds.
        ended: Unix time in seconds, None while under way.
        status: HTTP status of the answer, None while under way, 0 when there was no answer
            (dropped, or the client went away).
    """

    seq: int
    method: str
    params: dict[str, Any]
    started: float
    ended: float | None = None
    status: int | None = None

    def end(self, status: int) -> None:
        """Note the end of the call."""
        self.ended = time.time()
        self.status = status


@dataclass(slots=True, frozen=True)
class Sent:
    """One message that the bot sent or edited.

    Attributes:
        seq: Grows by one with each.
        method: "sendMessage", "editMessageText", ...
        chat_id: Where.
        message: The Message as the Bot API returned it.
        reply_markup: The markup as the bot gave it; reply keyboards are not part of a Message.
        time: Unix time in seconds.
    """

    seq: int
    method: str
    chat_id: int
    message: dict[str, Any]
    reply_markup: dict[str, Any] | None
    time: float


class Journal:
    """The last calls and messages of one bot, 10 000 of each."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._sent: deque[Sent] = deque(maxlen=KEPT)
        self._last_call = 0
        self._last_sent = 0
        self._waiting: list[asyncio.Future[None]] = []

    def begin_call(self, method: str, params: dict[str, Any]) -> Call:
        """Write down a call that begins."""
        self._last_call += 1
        call = Call(self._last_call, method, params, time.time())
        self._calls.append(call)
        return call

    def calls(self, *, method: str | None = None) -> list[Call]:
        """Give the calls, oldest first, of one method or of all; the name in any case."""
        if method is None:
            return list(self._calls)
        wanted = method.lower()
        return [call for call in self._calls if call.method.lower() == wanted]

    def add_sent(
        self, method: str, message: dict[str, Any], reply_markup: dict[str, Any] | None
    ) -> None:
        """Write down a message, and wake who waits for it."""
        self._last_sent += 1
        chat_id = message["chat"]["id"]
        self._sent.append(
            Sent(self._last_sent, method, chat_id, message, reply_markup, time.time())
        )
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def sent(self, *, after: int = 0) -> list[Sent]:
        """Give what was sent with `seq` above `after`, oldest first."""
        if after >= self._last_sent:
            return []
        return [sent for sent in self._sent if sent.seq > after]

    async def wait_sent(self, *, count: int, after: int, timeout: float) -> list[Sent]:
        """Wait until at least `count` messages with `seq` above `after` are there.

        Raises:
            TimeoutError: After `timeout` seconds; its text tells what was there.
        """
        try:
            async with asyncio.timeout(timeout):
                while self._last_sent - after < count:
                    future = asyncio.get_running_loop().create_future()
                    self._waiting.append(future)
                    await future
        except TimeoutError:
            seen = [sent.message.get("text", sent.method) for sent in self.sent(after=after)]
            raise TimeoutError(
                f"{len(seen)} of {count} messages after seq {after} in {timeout:g} s: {seen}"
            ) from None
        return self.sent(after=after)
