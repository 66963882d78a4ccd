"""What the stand-in for Telegram knows: its bots, their chats and polls, and the load it makes."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any, Protocol

import orjson

JSONObject = dict[str, Any]

_LIMIT = 100  # updates that one getUpdates returns at most
_TICK = 0.005  # seconds between two injections of a load at a fixed rate
_SENDS_KEPT = 256  # moments of the last sends that are kept for each bot
_POLLS_KEPT = 8  # the same of getUpdates
_FIRST_BOT = 7_000_000_000
_FIRST_CHAT = 500_000_000


class Poller(Protocol):
    """The connection over which a bot polls."""

    parked: Bot | None

    def answer_updates(self, raws: list[bytes]) -> None:
        """Answer a getUpdates."""

    def answer_error(self, status: int, description: str) -> None:
        """Answer as Telegram does when something is wrong."""


def token_of(index: int) -> str:
    """The token of the bot with this index; always the same."""
    return f"{_FIRST_BOT + index}:AA{index:033d}"


class Bot:
    """A bot as Telegram sees it.

    Args:
        index: from 0 on.
        first_update: the number its updates begin with.
    """

    __slots__ = ("id", "index", "me", "pending", "polls", "sends", "timer", "update", "waiter")

    def __init__(self, index: int, first_update: int) -> None:
        self.index = index
        self.id = _FIRST_BOT + index
        self.me = {
            "id": self.id,
            "is_bot": True,
            "first_name": f"Bench {index}",
            "username": f"bench_{index}_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.update = first_update
        self.pending: deque[tuple[int, int, bytes]] = deque()  # update, message
        self.waiter: Poller | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.polls: deque[int] = deque(maxlen=_POLLS_KEPT)
        self.sends: deque[int] = deque(maxlen=_SENDS_KEPT)

    def polled_since(self, moment: int) -> int | None:
        """The moment of the first poll after another moment."""
        return next((polled for polled in self.polls if polled > moment), None)


class Chat:
    """A private chat: who writes in it, and what is still to be answered."""

    __slots__ = ("bot", "id", "open", "person")

    def __init__(self, bot: Bot, number: int) -> None:
        self.bot = bot
        self.id = _FIRST_CHAT + bot.index * 1000 + number
        self.person = {"id": self.id, "first_name": "Ann", "username": f"ann_{self.id}"}
        self.open: deque[tuple[int, str]] = deque()  # moment of injection, text


class Telegram:
    """All bots and chats, the load and the counters. Moments are of `time.monotonic_ns`."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.bots: list[Bot] = []
        self.by_token: dict[str, Bot] = {}
        self.chats: dict[int, Chat] = {}
        self.next_chat: dict[int, Iterator[Chat]] = {}  # by bot: an answer leads to a message there
        self.load: asyncio.Task[None] | None = None
        self.number = 0
        self.injected = self.answered = self.wrong = self.requests = 0
        self.parked = 0
        self.delay = 0.0  # seconds before a call is handled
        self.window_start = time.monotonic_ns()
        self.window: list[int] = []
        self.handed: dict[int, int] = {}  # when each message left first, since the window began

    def reset(self, bots: int) -> list[str]:
        """Forget everything and make new bots.

        Returns:
            Their tokens.
        """
        self.stop_load()
        for bot in self.bots:  # a program that was ended may not have hung up yet
            if bot.waiter is not None:
                self._unpark(bot)
        first = int(time.time()) % 1_000_000 * 1000  # never backwards from one run to the next
        self.bots = [Bot(index, first) for index in range(bots)]
        self.by_token = {token_of(bot.index): bot for bot in self.bots}
        self.chats, self.handed = {}, {}
        self.delay = 0.0
        self.injected = self.answered = self.wrong = self.requests = self.parked = 0
        return list(self.by_token)

    def chat(self, bot: Bot, number: int) -> Chat:
        """A chat of a bot, made when it is not there yet."""
        made = Chat(bot, number)
        return self.chats.setdefault(made.id, made)

    def inject(self, chat: Chat) -> None:
        """Somebody writes a message."""
        bot = chat.bot
        self.number += 1
        self.injected += 1
        bot.update += 1
        text = f"message {self.number}"
        message = {
            "message_id": self.number,
            "from": {"is_bot": False, "language_code": "en", **chat.person},
            "chat": {"type": "private", **chat.person},
            "date": int(time.time()),
            "text": text,
        }
        raw = orjson.dumps({"update_id": bot.update, "message": message})
        chat.open.append((time.monotonic_ns(), text))
        bot.pending.append((bot.update, self.number, raw))
        if bot.waiter is not None:
            self.handed.setdefault(self.number, time.monotonic_ns())
            self._unpark(bot).answer_updates([raw])

    def _unpark(self, bot: Bot) -> Poller:
        connection = bot.waiter
        assert connection is not None
        if bot.timer is not None:
            bot.timer.cancel()
        bot.waiter = bot.timer = connection.parked = None
        self.parked -= 1
        return connection

    def forget(self, bot: Bot) -> None:
        """The connection over which a bot polls is gone."""
        self._unpark(bot)

    def _expire(self, bot: Bot) -> None:
        self._unpark(bot).answer_updates([])

    def get_updates(self, bot: Bot, connection: Poller, params: JSONObject) -> None:
        """https://core.telegram.org/bots/api#getupdates."""
        first = not bot.polls
        bot.polls.append(time.monotonic_ns())
        offset, timeout = int(params.get("offset") or 0), int(params.get("timeout") or 0)
        pending = bot.pending
        while pending and pending[0][0] < offset:
            pending.popleft()
        if pending or not timeout:
            now, leaving = time.monotonic_ns(), list(islice(pending, _LIMIT))
            for _, number, _ in leaving:
                self.handed.setdefault(number, now)
            connection.answer_updates([raw for _, _, raw in leaving])
            return
        if bot.waiter is not None:
            conflict = "Conflict: terminated by other getUpdates request"
            self._unpark(bot).answer_error(409, conflict)
        # The first poll of each bot ends at a random moment: a program that has just started
        # all its bots would otherwise show no poll at all for a while, then all of them at once.
        hold = timeout * random.random() if first else timeout
        bot.waiter, connection.parked = connection, bot
        bot.timer = self.loop.call_later(hold, self._expire, bot)
        self.parked += 1

    def send_message(self, bot: Bot, params: JSONObject) -> JSONObject:
        """https://core.telegram.org/bots/api#sendmessage."""
        moment = time.monotonic_ns()
        bot.sends.append(moment)
        chat_id, text = int(params["chat_id"]), params["text"]
        chat = self.chats.get(chat_id)
        if chat is not None and chat.open and chat.open[0][1] == text:
            self.answered += 1
            self.window.append(moment - chat.open.popleft()[0])
            if (chats := self.next_chat.get(bot.index)) is not None:
                self.inject(next(chats))
        else:
            self.wrong += 1
        self.number += 1
        return {
            "message_id": self.number,
            "from": bot.me,
            "chat": {"id": chat_id, "type": "private", "first_name": "Ann"},
            "date": int(time.time()),
            "text": text,
        }

    def start_closed(self, bots: int, chats: int, in_flight: int) -> None:
        """When a bot has answered a message, the next one comes in another of its chats.

        Args:
            in_flight: messages of a bot that are not answered.
        """
        self.stop_load()
        for bot in self.bots[:bots]:
            in_turns = cycle([self.chat(bot, number) for number in range(chats)])
            self.next_chat[bot.index] = in_turns
            for _ in range(in_flight):
                self.inject(next(in_turns))

    def start_rate(self, bots: int, chats: int, rate: float) -> None:
        """Messages at a fixed rate, whatever is answered.

        Args:
            rate: messages a second over all bots.
        """
        self.stop_load()
        self.load = self.loop.create_task(self._at_rate(bots, chats, rate), name="load")

    async def _at_rate(self, bots: int, chats: int, rate: float) -> None:
        order = [self.chat(bot, number) for number in range(chats) for bot in self.bots[:bots]]
        start, done = self.loop.time(), 0
        while True:
            await asyncio.sleep(_TICK)
            due = int((self.loop.time() - start) * rate)
            for count in range(done, due):
                self.inject(order[count % len(order)])
            done = due

    def stop_load(self) -> None:
        """Inject nothing more."""
        self.next_chat.clear()
        if self.load is not None:
            self.load.cancel()
            self.load = None
