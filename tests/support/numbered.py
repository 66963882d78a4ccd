"""Users who write numbered messages in each chat, and what must be true of the answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sandbox import Sandbox, SandboxBot
from support.client import until

Chat = tuple[int, int]  # bot and chat


@dataclass
class NumberedLoad:
    """Users who write to bots that repeat what they are told.

    Args:
        chats: of each bot.
        pause: seconds between two messages of a chat; Telegram allows an answer a second.

    Attributes:
        asked: how many messages were written in each chat.
        updates: what was written: chat and number, by bot and id of the update.
    """

    telegram: Sandbox
    bots: list[SandboxBot]
    chats: int = 3
    pause: float = 1.1
    asked: Counter[Chat] = field(default_factory=Counter)
    updates: dict[tuple[int, int], tuple[Chat, int]] = field(default_factory=dict)

    def write(self) -> None:
        """Have everybody write once."""
        for bot in self.bots:
            for chat in range(1, self.chats + 1):
                self.asked[bot.id, chat] += 1
                text = f"message {self.asked[bot.id, chat]}"
                update = self.telegram.send_message(bot.id, text=text, chat_id=chat)
                here = (bot.id, chat)
                self.updates[bot.id, update["update_id"]] = (here, self.asked[here])

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Have them write again and again in this block."""

        async def run() -> None:
            while True:
                await asyncio.sleep(self.pause)
                self.write()

        self.write()
        task = asyncio.create_task(run(), name="users")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def go_on(self, messages: int) -> None:
        """Wait until everybody has written some more."""
        enough = max(self.asked.values(), default=0) + messages
        await until(lambda: min(self.asked.values()) >= enough, "more messages", deadline=60)

    def answers(self) -> dict[Chat, list[int]]:
        """The numbers that were answered, by chat, in the order of the answers."""
        found: dict[Chat, list[int]] = {chat: [] for chat in self.asked}
        for bot in self.bots:
            for sent in self.telegram.sent(bot.id):
                _, _, number = str(sent.message["text"]).partition("message ")
                found[bot.id, sent.message["chat"]["id"]].append(int(number))
        return found

    def is_answered(self) -> bool:
        """Return True if each message has an answer."""
        answers = self.answers()
        return all(len(set(answers[chat])) == asked for chat, asked in self.asked.items())

    async def finish(self, *, repeats: int, deadline: float = 60.0) -> int:
        """Wait for all answers, and check them.

        Args:
            repeats: how many answers a chat may have got twice: one for each fault.

        Returns:
            How many were repeated.
        """
        await until(self.is_answered, "an answer to each", deadline=deadline)
        repeated = 0
        for chat, numbers in self.answers().items():
            firsts = list(dict.fromkeys(numbers))
            assert firsts == sorted(firsts), f"{chat}: out of order: {numbers}"
            again = len(numbers) - len(firsts)
            assert again <= repeats, f"{chat}: {again} are repeated: {numbers}"
            repeated += again
        return repeated

    def conflicts(self) -> int:
        """How many polls were refused, because another one was under way."""
        return sum(
            call.status == 409
            for bot in self.bots
            for call in self.telegram.calls(bot.id, method="getUpdates")
        )
