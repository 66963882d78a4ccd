"""Bots that count what each person writes: a step that is lost or taken twice shows."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any

from support.client import until
from support.talks import Talker

AT_ONCE = 3  # messages that a person writes before they wait for the answers


def counting(say: str, states: Sequence[str] = ("tick", "tock")) -> dict[str, Any]:
    """A scenario that counts messages, and goes around its states with them.

    Args:
        say: what it says to each; {{count}} and {{text}} are known.
    """
    following = dict(zip(states, [*states[1:], states[0]], strict=True))
    one_more = {"add": [{"variable": "count"}, 1]}
    return {
        "language": "en",
        "start": states[0],
        "variables": {"count": {"type": "number", "default": 0}},
        "states": {
            name: {
                "on": [
                    {
                        "content": "text", "save": "text", "set": {"count": one_more},
                        "say": say, "go": following[name],
                    }
                ]
            }
            for name in states
        },
    }  # fmt: skip


@dataclass
class CountingTalk:
    """People who write to a bot that counts, while new versions are published.

    Args:
        talk: the bot.
        chats: the number of people.

    Attributes:
        restarts: the versions with which talks begin anew.
        published: when each version was answered as published.
        written: when each text was written, by chat.
    """

    talk: Talker
    chats: int = 5
    restarts: set[int] = field(default_factory=set)
    published: dict[int, float] = field(default_factory=dict)
    written: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def publish(self, *, restart: bool = False) -> None:
        """Publish the next version."""
        n = len(self.published) + 1
        if restart:
            self.restarts.add(n)
        document = counting(f"{n} {{{{count}}}} {{{{text}}}}")
        made = await self.talk.publish(document, migrate="restart" if restart else "keep")
        assert made["n"] == n
        self.published[n] = monotonic()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Have everybody write in this block, and wait for the last answers."""
        is_enough = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for chat in range(1, self.chats + 1):
                group.create_task(self._write(chat, is_enough))
            yield
            is_enough.set()

    async def _write(self, chat: int, is_enough: asyncio.Event) -> None:
        numbers = count(1)
        while not is_enough.is_set():
            for _ in range(AT_ONCE):
                self.written[chat].append(monotonic())
                text = str(next(numbers))
                self.talk.telegram.send_message(self.talk.bot.id, text=text, chat_id=chat)
            asked = len(self.written[chat])
            await until(lambda: len(self.talk.texts(chat)) >= asked, f"{asked} in chat {chat}")  # noqa: B023

    async def go_on(self, messages: int) -> None:
        """Wait until everybody has written some more."""
        before = Counter({chat: len(times) for chat, times in self.written.items()})
        await until(
            lambda: all(
                len(self.written[chat]) >= before[chat] + messages
                for chat in range(1, self.chats + 1)
            ),
            "more messages",
        )

    def check(self, *, late: float = 0.0) -> None:
        """See that all were answered once, in order and by the right version.

        Args:
            late: seconds after which a publish must have taken effect.
        """
        for chat, times in self.written.items():
            texts = self.talk.texts(chat)
            answers = [tuple(map(int, one.split())) for one in texts]
            assert [text for *_, text in answers] == list(range(1, len(times) + 1)), texts
            version = counted = 0
            for (n, number, text), at in zip(answers, times, strict=True):
                assert n >= version, f"chat {chat}: {texts[text - 1]} is of an old version"
                begins_anew = any(version < one <= n for one in self.restarts)
                counted = 1 if begins_anew else counted + 1
                assert number == counted, f"chat {chat}: {texts[text - 1]} should be {counted}"
                version = n
                known = [one for one, when in self.published.items() if when + late < at]
                newest = max(known, default=1)
                assert n >= newest, f"chat {chat}: {text} was written after version {newest}"
