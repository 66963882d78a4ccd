"""A hundred kills of random servers of three, while users and owners write."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest
from support.client import BOTS, Client, register
from support.ensemble import Ensemble
from support.mixed_load import FINAL, stored
from support.numbered import Chat, NumberedLoad
from support.servers_state import owned, until_shared

from models.messaging.messages import Lane

KILLS = 100
NAMES = ["one", "two", "three"]
BOTS_OF_ALL, BOTS_EACH, CHATS = 12, 4, 4
DELAY = 0.2  # seconds of a call to Telegram and back, so that much is in hand when a server dies
LATE = 1.0  # seconds after a kill in which what had left the server arrives


@dataclass
class Owners:
    """Accounts that write through their bots, each time through a random server.

    Attributes:
        bots: ids of the bots here, each with its owner.
        accepted: texts of messages that were accepted, by message id, each with its bot.
        tried: how many were, accepted or not.
    """

    ensemble: Ensemble
    bots: dict[int, Client] = field(default_factory=dict)
    accepted: dict[int, tuple[int, str]] = field(default_factory=dict)
    tried: int = 0

    async def write(self, rng: random.Random) -> None:
        """Write again and again."""
        while True:
            await asyncio.sleep(0.15)  # the owners' pace
            self.tried += 1
            bot_id, chat = rng.choice(list(self.bots)), rng.randint(1, CHATS)
            at = self.ensemble.through(self.bots[bot_id], rng.choice(NAMES))
            text = f"owner {self.tried}"
            path = f"{BOTS}{bot_id}/chats/{chat}/messages/"
            try:
                answer = await at.post(path, {"text": text})
            except (aiohttp.ClientError, OSError):
                continue  # that server is not there now, or was killed before it answered
            if answer.status == 202:
                self.accepted[answer.json["items"][0]["id"]] = bot_id, text
            else:
                assert answer.status in (429, 503), answer.text

    @asynccontextmanager
    async def writing(self, rng: random.Random) -> AsyncIterator[None]:
        """Have them write in this block."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.write(rng), name="owners")
            yield
            task.cancel()


async def add_bots(ensemble: Ensemble) -> tuple[NumberedLoad, Owners]:
    """Bots of several accounts, which know their chats."""
    owners, bots = Owners(ensemble), []
    for _ in range(BOTS_OF_ALL // BOTS_EACH):
        owner = await register(Client(ensemble.http, ensemble.servers["one"].url))
        for _ in range(BOTS_EACH):
            bots.append(ensemble.telegram.add_bot())
            owners.bots[(await owner.add_bot(bots[-1]))["id"]] = owner
    return NumberedLoad(ensemble.telegram, bots, chats=CHATS, pause=2.0), owners


async def kill_and_restart(ensemble: Ensemble, name: str, rng: random.Random) -> float:
    """Kill a server at any moment, start it again at once or later; when it was killed."""
    await asyncio.sleep(2 * rng.random())  # at any moment
    await ensemble.servers[name].end(signal.SIGKILL)
    killed = time.monotonic()
    if rng.random() < 0.25:  # its bots are taken over before it is back
        async with asyncio.timeout(30):
            while name in await owned(ensemble):
                await asyncio.sleep(0.1)
    await ensemble.start(name)
    return killed


def answers(load: NumberedLoad) -> dict[Chat, list[tuple[str, float]]]:
    """What the bots sent to each chat, in its order, and when."""
    found: dict[Chat, list[tuple[str, float]]] = defaultdict(list)
    for bot in load.bots:
        for one in load.telegram.sent(bot.id):
            found[bot.id, one.chat_id].append((str(one.text), one.monotonic))
    return found


def check_answers(load: NumberedLoad, kills: list[float]) -> int:
    """Check that all is answered, in order, and that only kills repeat; how many are repeated."""
    repeated = 0
    for chat, sent in answers(load).items():
        mine = [(text, at) for text, at in sent if text.startswith("message ")]
        firsts = [int(text.split()[1]) for text in dict.fromkeys(text for text, _ in mine)]
        assert firsts == list(range(1, load.asked[chat] + 1)), f"{chat}: lost or out of order"
        before: dict[str, float] = {}
        left = list(kills)
        for text, at in mine:
            if text in before:
                repeated += 1
                kill = next((one for one in left if before[text] - LATE <= one <= at), None)
                assert kill is not None, f"{chat}: {text!r} is repeated without a kill of its own"
                left.remove(kill)
            before[text] = at
    return repeated


async def check_owners_messages(ensemble: Ensemble, load: NumberedLoad, owners: Owners) -> str:
    """Check that none is doubled, and that what is told of each is true; the counts."""
    reached = Counter(
        text for sent in answers(load).values() for text, _ in sent if text.startswith("owner ")
    )
    assert max(reached.values()) == 1, "an owner's message arrived twice"
    rows = await stored(ensemble.url)
    states: Counter[str] = Counter()
    for row in rows.values():
        if row["lane"] == Lane.DIALOG:
            continue
        text = orjson.loads(row["parameters"])["text"]
        states[row["state"]] += 1
        if row["state"] == "sent":
            assert reached[text] == 1, f"{text} is told to be sent and did not arrive"
        if row["state"] == "failed":
            assert reached[text] == 0, f"{text} is told to have failed and arrived"
    unknown = 0
    for number, (bot_id, text) in owners.accepted.items():
        at = ensemble.through(owners.bots[bot_id], "one")
        answer = await at.get(f"{BOTS}{bot_id}/messages/{number}/")
        assert (answer.status, answer.json["state"]) == (200, rows[number]["state"]), answer.text
        if answer.json["state"] == "unknown":
            unknown += 1
            assert answer.json["reason"] == "interrupted", answer.text
        assert orjson.loads(rows[number]["parameters"])["text"] == text
    assert set(reached) <= {
        orjson.loads(row["parameters"])["text"] for row in rows.values() if row["parameters"]
    }
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return (
        f"{owners.tried} messages of owners tried, {len(owners.accepted)} accepted, {unknown} of "
        f"these told to be unknown; stored: {told}; doubled 0"
    )


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_a_hundred_kills_of_three_servers_lose_nothing(ensemble: Ensemble) -> None:
    rng = random.Random(13)
    await ensemble.start(*NAMES)
    load, owners = await add_bots(ensemble)
    await until_shared(ensemble, *NAMES, each=BOTS_OF_ALL // len(NAMES))
    load.write()
    await load.finish(repeats=0)
    ensemble.telegram.delay = DELAY
    kills = []
    async with load.writing(), owners.writing(random.Random(14)):
        for _ in range(KILLS):
            kills.append(await kill_and_restart(ensemble, rng.choice(NAMES), rng))
    async with asyncio.timeout(180):
        while any(row["state"] not in FINAL for row in (await stored(ensemble.url)).values()) or (
            sum(load.asked.values()) > len(await journal(ensemble))
        ):
            await asyncio.sleep(0.3)
    repeated = check_answers(load, kills)
    print(
        f"\n{KILLS} kills: {sum(load.asked.values())} messages of users, lost 0, {repeated} "
        f"answers repeated, each by a kill of its own; {load.conflicts()} polls refused (409)"
    )
    print(await check_owners_messages(ensemble, load, owners))
    assert sum((await owned(ensemble)).values()) == BOTS_OF_ALL


async def journal(ensemble: Ensemble) -> list[tuple[int]]:
    """The messages of users that are handled."""
    return await ensemble.rows("SELECT update_id FROM updates WHERE handled_at IS NOT NULL")
