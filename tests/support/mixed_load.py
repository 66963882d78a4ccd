"""Everything that a bot sends at once, and what must be true of it however the server ended."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from models.engine.base import now
from models.engine.database import Database
from models.messaging.messages import Lane, Message, MessageState
from sandbox import Sandbox
from support.client import BOTS, DEADLINE, Client, register

BOTS_EACH, CHATS = 5, 20
FINAL = {"sent", "failed", "unknown"}


@dataclass
class MixedLoad:
    """Users who write, an owner who writes through their bots, and messages of a low lane.

    Args:
        owner: the account of the bots.
        bots: their ids here, by Telegram's.

    Attributes:
        asked: what users wrote: bot and text.
        accepted: what the owner wrote and the server accepted: text by message id.
        tried: what the owner wrote, accepted or not.
        low: the texts of the low lane.
    """

    telegram: Sandbox
    owner: Client
    bots: dict[int, int]
    asked: set[tuple[int, str]] = field(default_factory=set)
    accepted: dict[tuple[int, int], str] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    low: set[str] = field(default_factory=set)

    def users_write(self, number: int, name: str) -> None:
        """Have users write in as many chats."""
        ids = list(self.bots)
        for n in range(number):
            bot, chat = ids[n % len(ids)], 1 + n // len(ids) % CHATS
            text = f"echo {name} {n}"
            self.telegram.send_message(bot, text=text, chat_id=chat)
            self.asked.add((bot, text))

    async def owner_writes(self, name: str) -> None:
        """Write through the bots until the server is gone."""
        rng, n = random.Random(name), 0
        while True:
            n += 1
            bot_id, chat = rng.choice(list(self.bots.values())), rng.randrange(1, CHATS + 1)
            text = f"owner {name} {n}"
            self.tried.add(text)
            path = f"{BOTS}{bot_id}/chats/{chat}/messages/"
            try:
                answer = await self.owner.post(path, {"text": text})
            except (aiohttp.ClientError, OSError):
                return
            if answer.status == 202:
                self.accepted[bot_id, answer.json["items"][0]["id"]] = text
            else:
                assert answer.status in (429, 503), answer.text

    async def queue_low(self, url: str, number: int) -> None:
        """Queue messages of the lowest lane, as a broadcast will."""
        db = Database(url)
        await db.open()
        rows = []
        for n in range(number):
            bot_id, chat = list(self.bots.values())[n % len(self.bots)], 1 + n % CHATS
            text = f"low {n}"
            self.low.add(text)
            rows.append(
                {
                    "bot": bot_id, "chat_id": chat, "lane": Lane.BROADCAST,
                    "state": MessageState.QUEUED, "method": "sendMessage",
                    "parameters": orjson.dumps({"chat_id": chat, "text": text}),
                    "created_at": now(),
                }
            )  # fmt: skip
        try:
            for start in range(0, number, 500):
                await db.write(Message.insert_many(rows[start : start + 500]).execute)
        finally:
            await db.close()

    def seen(self) -> Counter[tuple[int, str]]:
        """How often each text reached a user, by bot."""
        return Counter((bot, str(one.text)) for bot in self.bots for one in self.telegram.sent(bot))

    def answered(self) -> bool:
        """True if every text of a user is answered."""
        return self.asked <= self.seen().keys()


async def mixed_load(
    telegram: Sandbox, http: aiohttp.ClientSession, url: str, database_url: str
) -> MixedLoad:
    """Bots that know their chats."""
    owner = await register(Client(http, url))
    bots = {}
    for _ in range(BOTS_EACH):
        bot = telegram.add_bot()
        bots[bot.id] = (await owner.add_bot(bot))["id"]
        for chat in range(1, CHATS + 1):
            telegram.send_message(bot.id, text="/start", chat_id=chat)
    for bot_id in bots:
        await telegram.wait_sent(bot_id, count=CHATS, timeout=DEADLINE)
    return MixedLoad(telegram, owner, bots)


async def stored(url: str, *, received: bool = False) -> dict[int, dict[str, Any]]:
    """The rows of messages that go out, or of those that users wrote, by id."""
    db = Database(url)
    await db.open()
    try:
        is_received = Message.state == "received"
        wanted = Message.select().where(is_received if received else ~is_received).dicts()
        return await db.read(lambda: {row["id"]: row for row in wanted.order_by(Message.id)})
    finally:
        await db.close()


async def check_history(load: MixedLoad, url: str) -> int:
    """Check that all that users wrote is stored once and in order; how much that is."""
    rows = await stored(url, received=True)
    count = 0
    for bot, bot_id in load.bots.items():
        written = [one.update["message"] for one in load.telegram.received(bot)]
        kept = [row for row in rows.values() if row["bot"] == bot_id]
        for chat in {message["chat"]["id"] for message in written}:
            expected = [
                (message["message_id"], message["text"])
                for message in written
                if message["chat"]["id"] == chat
            ]
            found = [(row["telegram_id"], row["text"]) for row in kept if row["chat_id"] == chat]
            assert found == expected
        assert len(kept) == len(written)
        count += len(kept)
    return count


async def check_truth(load: MixedLoad, url: str) -> dict[str, Any]:
    """Check what is stored against what the sandbox received; the counts."""
    rows, seen = await stored(url), load.seen()
    by_text = Counter(text for _, text in seen.elements())
    assert {row["state"] for row in rows.values()} <= FINAL, "everything has an outcome"
    assert load.asked <= seen.keys(), "every text of a user is answered"
    for (_, number), text in load.accepted.items():
        row = rows[number]
        assert orjson.loads(row["parameters"])["text"] == text
    for row in rows.values():
        if row["lane"] == Lane.DIALOG:
            continue
        text = orjson.loads(row["parameters"])["text"]
        reached = by_text[text]
        assert reached <= 1, f"{text} arrived {reached} times"
        if row["state"] == "sent":
            assert reached == 1, f"{text} is told to be sent and did not arrive"
        if row["state"] == "failed":
            assert reached == 0, f"{text} is told to have failed and arrived"
    states = Counter((Lane(row["lane"]).name.lower(), row["state"]) for row in rows.values())
    repeated = sum(count - 1 for (_, text), count in seen.items() if text.startswith("echo"))
    return {
        "history": await check_history(load, url),
        "asked": len(load.asked),
        "accepted": len(load.accepted),
        "low": len(load.low),
        "repeated answers": repeated,
        **{" ".join(key): count for key, count in sorted(states.items())},
    }


async def until_all_done(load: MixedLoad, url: str, *, seconds: float) -> None:
    """Wait until every message has an outcome."""
    async with asyncio.timeout(seconds):
        while not load.answered() or any(
            row["state"] not in FINAL for row in (await stored(url)).values()
        ):
            await asyncio.sleep(0.3)
