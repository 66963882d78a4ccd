"""A bot with a scenario, and the people who talk to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dialogs.scenarios import template
from sandbox import Sandbox, SandboxBot
from support.client import BOTS, DEADLINE, Client, until

CHAT = 1001
CAT = "cat_or_bread.ru"
SQUARE = "Привет! Я помогу отличить кота от хлеба! Объект перед тобой квадратный?"
EARS = "У него есть уши?"
IS_CAT = "Это кот, а не хлеб! Не ешь его!"
IS_BREAD = "Это хлеб, а не кот! Ешь его!"


@dataclass
class Talker:
    """A bot, its owner, and the sandbox that people write to it in."""

    owner: Client
    telegram: Sandbox
    bot: SandboxBot
    bot_id: int
    seen: dict[int, int] = field(default_factory=dict)  # messages that were read, by chat

    @property
    def path(self) -> str:
        """The scenario's address."""
        return f"{BOTS}{self.bot_id}/scenario/"

    async def save(self, document: Any) -> Any:
        """Save a draft over whatever is there; the answer."""
        answer = await self.owner.put(self.path, document, headers={"If-Match": "*"})
        assert answer.status == 200, answer.text
        return answer

    async def publish(self, document: Any, **options: Any) -> dict[str, Any]:
        """Publish a document; what was answered."""
        await self.save(document)
        answer = await self.owner.post(f"{self.path}publish/", {"note": "", **options})
        assert answer.status == 201, answer.text
        published: dict[str, Any] = answer.json
        return published

    def texts(self, chat: int = CHAT) -> list[str]:
        """All that the bot has said in a chat."""
        return [str(one.present_text) for one in self.telegram.sent(self.bot.id, chat_id=chat)]

    async def hears(self, count: int = 1, chat: int = CHAT) -> list[str]:
        """Wait for the next messages of the bot; their texts."""
        begin = self.seen.get(chat, 0)
        await until(
            lambda: len(self.texts(chat)) >= begin + count,
            f"message {begin + count} in chat {chat}",
            deadline=DEADLINE,
        )
        self.seen[chat] = begin + count
        return self.texts(chat)[begin : begin + count]

    async def says(self, text: str, *, chat: int = CHAT, count: int = 1, **extra: Any) -> list[str]:
        """Write to the bot; the texts that it answers."""
        self.telegram.send_message(self.bot.id, text=text, chat_id=chat, **extra)
        return await self.hears(count, chat)

    async def taps(self, label: str, *, older: int = 0, chat: int = CHAT) -> None:
        """Tap on a button of the last message that has it, or of an earlier one."""
        found = [
            (one.message_id, button["callback_data"])
            for one in reversed(self.telegram.sent(self.bot.id, chat_id=chat))
            for row in (one.reply_markup or {}).get("inline_keyboard", [])
            for button in row
            if button["text"] == label
        ]
        message_id, data = found[older]
        self.telegram.press_button(self.bot.id, chat_id=chat, message_id=message_id, data=data)

    def tap_answers(self) -> list[str]:
        """The texts of the answers to taps."""
        calls = self.telegram.calls(self.bot.id, method="answerCallbackQuery")
        return [str(call.params.get("text", "")) for call in calls]


async def talker(owner: Client, telegram: Sandbox, document: Any = None) -> Talker:
    """Add a bot, with a scenario unless there is none."""
    bot = telegram.add_bot()
    shown = await owner.add_bot(bot)
    made = Talker(owner, telegram, bot, shown["id"])
    if document is not None:
        await made.publish(template(document) if isinstance(document, str) else document)
    return made
