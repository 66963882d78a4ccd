"""What users and an owner do in a run: messages, switches, tokens, deletions, at random."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import aiohttp
from support.client import BOTS, Answer, Client
from support.counting import counting

from chaos.cluster import Member
from chaos.events import UNFINISHED, EventLog, Injected, Requested
from chaos.recorder import Recorder
from sandbox import Sandbox, SandboxBot

CHATS = 3
# Every third bot hears so little that its poll is parked, and an older one gets 409 at a takeover.
QUIET = 0.04
SWITCHED_EVERY = 1.0  # seconds on average
RENEWED_EVERY = 15.0
DELETED_EVERY = 25.0
WRITTEN_EVERY = 0.5
PUBLISHED_EVERY = 3.0
RESTARTS = 0.3  # of the publishes
# A talk in a state that a new version does not have stays in its version for a while.
SCENARIOS = [counting("{{text}}"), counting("{{text}}", ("tick", "tock", "tack"))]
PATIENCE = 30.0  # seconds that an owner waits for an answer
AGAIN = 0.3  # seconds until the owner tries again, elsewhere


@dataclass(eq=False)
class Load:
    """The users and the owner.

    Args:
        owner: an account; its address is not used.
        members: the processes that serve requests.
        rate: messages a second, over all bots.

    Attributes:
        bots: those that are there, by their ids here.
        known: Telegram's ids of all that ever were, by their ids here.
        busy: those whose wishes somebody changes at the moment.
        counting: those that run a scenario, every second one; the others repeat what they hear.
    """

    telegram: Sandbox
    recorder: Recorder
    log: EventLog
    owner: Client
    members: list[Member]
    rng: random.Random
    rate: float
    bots: dict[int, SandboxBot] = field(default_factory=dict)
    known: dict[int, int] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)
    counting: set[int] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=count)

    # requests

    def _somewhere(self) -> Member:
        return self.rng.choice(self.members)

    async def request(
        self, wish: str, bot: int, method: str, path: str, json: Any = None, **options: Any
    ) -> Answer | None:
        """Ask any process once, and note it; None when there was no answer."""
        member = self._somewhere()
        begin = time.monotonic()
        answer: Answer | None = None
        status = UNFINISHED  # if this is cancelled; it may be carried out all the same
        try:
            async with asyncio.timeout(PATIENCE):
                client = replace(self.owner, url=member.url)
                answer = await client.request(method, path, json, **options)
            status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            status = 0
        finally:
            if wish == "delete" and status == 404:  # done by a request that had no answer
                status = 204
            self.log.add(Requested(begin, time.monotonic(), bot, member.name, wish, status))
        return answer

    async def insist(
        self, wish: str, bot: int, method: str, path: str, json: Any = None, **options: Any
    ) -> Answer:
        """Ask one process after another until it is done; nobody may switch the bot meanwhile."""
        while True:
            answer = await self.request(wish, bot, method, path, json, **options)
            done = {200, 201, 202, 204} | ({404} if wish == "delete" else set())
            if answer is not None and answer.status in done:
                return answer
            await asyncio.sleep(AGAIN)

    async def add_bot(self) -> None:
        """Make a bot that is on; one with a scenario only once that is published."""
        bot, counts = self.telegram.add_bot(), next(self._numbers) % 2 == 0
        self.recorder.listen(bot)
        wish, body = "add" if counts else "on", {"token": bot.token, "active": not counts}
        while True:
            answer = await self.request(wish, bot.id, "POST", BOTS, body)
            if answer is not None and answer.status == 201:
                number = answer.json["id"]
                break
            if (found := await self._find(bot)) is not None:
                number = found
                break
            await asyncio.sleep(AGAIN)
        self.known[number] = bot.id
        if counts:
            await self._publish(number, restart=False)
            await self._set_active(number, True)
            self.counting.add(number)
        self.bots[number] = bot

    async def _find(self, bot: SandboxBot) -> int | None:
        """The id of a bot whose POST had no answer but was carried out."""
        try:
            client = replace(self.owner, url=self._somewhere().url)
            answer = await asyncio.wait_for(client.get(BOTS), PATIENCE)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None
        listed = answer.json if answer.status == 200 else []
        return next((one["id"] for one in listed if one["username"] == bot.username), None)

    @asynccontextmanager
    async def _alone_with_a_bot(self, *, counts: bool = False) -> AsyncIterator[int]:
        """Any bot that nobody else switches at the moment, or one that counts."""
        while not (free := sorted((self.counting if counts else self.bots.keys()) - self.busy)):
            await asyncio.sleep(0.05)
        number = self.rng.choice(free)
        self.busy.add(number)
        try:
            yield number
        finally:
            self.busy.discard(number)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(self.rng.expovariate(1 / seconds))

    # what goes on, each until cancelled

    async def talk(self) -> None:
        """Have users write numbers, steadily."""
        due, number = time.monotonic(), 0
        while True:
            number += 1
            weights = [QUIET if bot % 3 == 0 else 1.0 for bot in self.bots]
            (bot,) = self.rng.choices(list(self.bots.values()), weights)
            chat, text = self.rng.randrange(1, CHATS + 1), str(number)
            update = self.telegram.send_message(bot.id, text=text, chat_id=chat)["update_id"]
            self.log.add(Injected(time.monotonic(), bot.id, chat, update, text))
            due += self.rng.expovariate(self.rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def switch(self) -> None:
        """Switch bots off through one process, and on again through another."""
        while True:
            await self._pause(SWITCHED_EVERY)
            async with self._alone_with_a_bot() as number:
                await self._set_active(number, False)
                await asyncio.sleep(self.rng.choice([0.0, 0.2, 1.0, 3.0]))
                await self._set_active(number, True)

    async def _set_active(self, number: int, active: bool) -> None:
        wish, path = "on" if active else "off", f"{BOTS}{number}/"
        await self.insist(wish, self.known[number], "PATCH", path, {"active": active})

    async def renew(self) -> None:
        """Give bots new tokens."""
        while True:
            await self._pause(RENEWED_EVERY)
            async with self._alone_with_a_bot() as number:
                token = self.telegram.new_token(self.known[number])
                path = f"{BOTS}{number}/"
                renewing = asyncio.create_task(
                    self.insist("token", self.known[number], "PATCH", path, {"token": token})
                )
                try:
                    await asyncio.shield(renewing)
                except asyncio.CancelledError:
                    # the old token is worthless: without the new one the bot would stay silent
                    await asyncio.wait({renewing}, timeout=60)
                    renewing.cancel()
                    raise

    async def publish(self) -> None:
        """Publish new versions of scenarios."""
        while True:
            await self._pause(PUBLISHED_EVERY)
            async with self._alone_with_a_bot(counts=True) as number:
                await self._publish(number, restart=self.rng.random() < RESTARTS)

    async def _publish(self, number: int, *, restart: bool) -> None:
        bot, path = self.known[number], f"{BOTS}{number}/scenario/"
        document, over = self.rng.choice(SCENARIOS), {"If-Match": "*"}
        await self.insist("draft", bot, "PUT", path, document, headers=over)
        body = {"migrate": "restart" if restart else "keep"}
        await self.insist("publish", bot, "POST", f"{path}publish/", body)

    async def delete(self) -> None:
        """Delete bots, and make others."""
        while True:
            await self._pause(DELETED_EVERY)
            async with self._alone_with_a_bot() as number:
                del self.bots[number]
                self.counting.discard(number)
                await self.insist("delete", self.known[number], "DELETE", f"{BOTS}{number}/")
            await self.add_bot()

    async def write(self) -> None:
        """Write to users through bots."""
        count = 0
        while True:
            await self._pause(WRITTEN_EVERY)
            number, bot = self.rng.choice(list(self.bots.items()))
            if not bot.chats:
                continue
            count += 1
            path = f"{BOTS}{number}/chats/{self.rng.choice(list(bot.chats))}/messages/"
            await self.request("message", bot.id, "POST", path, {"text": f"owner {count}"})

    async def settle(self) -> None:
        """Switch everything on, when nobody switches any more."""
        for number in list(self.bots):
            await self._set_active(number, True)
