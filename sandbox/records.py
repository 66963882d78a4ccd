"""What the sandbox writes down about a bot: its calls, and what it sent."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sandbox.chats import Message
from sandbox.flood import Clock

KEPT_CALLS = 10_000
KEPT_SENT = 50_000


@dataclass(slots=True)
class Call:
    """One request to the Bot API.

    Attributes:
        seq: Grows by one with each call of the bot.
        method: The method's name as documented ("getMe"), or as sent when there is none such.
        params: The parameters as they came: in forms every value is a string.
        started: Unix time in seconds.
        source: The User-Agent of the program that made it.
        host: The address that the program calls: several see one sandbox under different ones.
        ended: Unix time in seconds, None while under way.
        status: HTTP status of the answer, None while under way, 0 when there was no answer
            (dropped, or the client went away).
        carried_out: Whether it had its effect, which the client may not have learnt.
    """

    seq: int
    method: str
    params: dict[str, Any]
    started: float
    source: str = ""
    host: str = ""
    ended: float | None = None
    status: int | None = None
    carried_out: bool = False
    on_end: Callable[[Call], None] | None = field(default=None, repr=False)

    def end(self, status: int) -> None:
        """Note the end of the call."""
        self.ended = time.time()
        self.status = status
        if self.on_end is not None:
            self.on_end(self)


@dataclass(slots=True)
class Present:
    """What became of a message of the bot.

    Attributes:
        message: The Message as it is now, None when it is deleted.
        edits: How often the bot edited it.
    """

    message: Message | None = None
    edits: int = 0


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
        monotonic: Monotonic time in seconds, by the sandbox's clock.
        present: What became of the message; a message and its edits share it.
    """

    seq: int
    method: str
    chat_id: int
    message: Message
    reply_markup: dict[str, Any] | None
    time: float
    monotonic: float
    present: Present = field(repr=False)

    @property
    def message_id(self) -> int:
        """The message's id in its chat."""
        return int(self.message["message_id"])

    @property
    def text(self) -> str | None:
        """The text or caption as it was sent, None when there was none."""
        return _text(self.message)

    @property
    def present_text(self) -> str | None:
        """The text or caption as it is now, None when there is none or the message is deleted."""
        return _text(self.present.message or {})

    @property
    def edits(self) -> int:
        """How often the bot edited the message up to now."""
        return self.present.edits

    @property
    def deleted(self) -> bool:
        """Whether the bot deleted the message."""
        return self.present.message is None


def _text(message: Message) -> str | None:
    text: str | None = message.get("text", message.get("caption"))
    return text


class Journal:
    """The last 10 000 calls and 50 000 messages of one bot.

    Args:
        clock: Monotonic time in seconds.

    Attributes:
        on_call: Called with each call, when it begins and when it has ended.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self._sent: deque[Sent] = deque()
        self._present: dict[tuple[int, int], Present] = {}
        self._last_call = 0
        self._last_sent = 0
        self._waiting: list[asyncio.Future[None]] = []
        self.on_call: Callable[[Call], None] | None = None

    def begin_call(
        self, method: str, params: dict[str, Any], *, source: str = "", host: str = ""
    ) -> Call:
        """Write down a call that begins."""
        self._last_call += 1
        call = Call(self._last_call, method, params, time.time(), source, host, on_end=self.on_call)
        self._calls.append(call)
        if self.on_call is not None:
            self.on_call(call)
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
        present = self._present.setdefault((chat_id, message["message_id"]), Present())
        present.message = message
        if method.startswith("edit"):
            present.edits += 1
        self._sent.append(
            Sent(
                seq=self._last_sent,
                method=method,
                chat_id=chat_id,
                message=message,
                reply_markup=reply_markup,
                time=time.time(),
                monotonic=self._clock(),
                present=present,
            )
        )
        if len(self._sent) > KEPT_SENT:
            oldest = self._sent.popleft()
            self._present.pop((oldest.chat_id, oldest.message_id), None)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @property
    def last_sent(self) -> int:
        """The `seq` of the last message; 0 before the first one."""
        return self._last_sent

    def redate(self, message: Message) -> None:
        """Put a message whose date was changed in the place of what is known of it."""
        present = self._present.get((message["chat"]["id"], message["message_id"]))
        if present is not None:
            present.message = message

    def note_deleted(self, chat_id: int, message_id: int) -> None:
        """Write down that the bot deleted a message, whoever it was from."""
        present = self._present.pop((chat_id, message_id), None)
        if present is not None:
            present.message = None

    def sent(
        self, *, after: int = 0, limit: int | None = None, chat_id: int | None = None
    ) -> list[Sent]:
        """Give what was sent with `seq` above `after`, in one chat or all, oldest first."""
        oldest = self._last_sent - len(self._sent) + 1
        later = islice(self._sent, max(after + 1 - oldest, 0), None)
        wanted = (one for one in later if chat_id is None or one.chat_id == chat_id)
        return list(islice(wanted, limit))

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
