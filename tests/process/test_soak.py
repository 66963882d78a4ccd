"""Hours in ten minutes: 200 bots, messages, switches and faults at random; nothing may grow.

`make soak`. It prints a line every ten seconds, and what has grown between the first and the last
two minutes of those that are compared; the first two are left out. Half of the time somebody
attacks the server (tests/support/attacker.py): the times of the other accounts' requests and of
the bots' answers are printed with and without.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import pytest
from support.attacker import Attacker
from support.client import BOTS, Client, Scrape, register, scrape, until
from support.server_process import serving

from sandbox import Sandbox, SandboxBot
from sandbox.updates import OTHER_POLL

BOTS_ON = 200
CHATS = 5
MESSAGES_A_SECOND = 20
WARM_UP = 120.0  # seconds
WINDOW = 120.0  # seconds at each end of the rest that are compared
SAMPLED_EVERY = 2.0  # seconds
ATTACK = 20.0  # seconds that an attack lasts, and that the server has rest afterwards
MAY_GROW = 0.05  # share: on and off, and faults, are never the same twice
FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "body": "<html>bad gateway</html>"},
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "status", "status": 409, "method": "getUpdates", "description": OTHER_POLL},
    {"kind": "drop"},
    {"kind": "delay", "seconds": 2.0},
    {"kind": "hold", "method": "getUpdates"},
    {"kind": "hold", "method": "sendMessage"},
]
MEASURES = {
    "memory, MB": lambda seen: seen("process_resident_memory_bytes") / 2**20,
    "tasks": lambda seen: seen("botyard_tasks"),
    "open files": lambda seen: seen("process_open_fds"),
}  # fmt: skip


@dataclass
class Soak:
    """What goes on at the same time, and what was seen of it."""

    telegram: Sandbox
    user: Client
    bots: list[SandboxBot]
    rng: random.Random
    asked: dict[tuple[int, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    switches: int = 0
    faults: int = 0
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    under_attack: bool = False
    attacks: list[tuple[float, float]] = field(default_factory=list)  # Unix times
    requests: list[tuple[float, float]] = field(default_factory=list)  # when, seconds
    asked_at: dict[tuple[int, str], float] = field(default_factory=dict)

    async def talk(self) -> None:
        """Write to bots, at random and steadily."""
        due = time.monotonic()
        number = 0
        while True:
            bot = self.rng.choice(self.bots)
            chat = self.rng.randrange(1, 1 + CHATS)
            number += 1
            self.telegram.send_message(bot.id, text=f"{number}", chat_id=chat)
            self.asked[bot.id, chat].append(f"{number}")
            self.asked_at[bot.id, f"{number}"] = time.time()
            due += self.rng.expovariate(MESSAGES_A_SECOND)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def switch(self) -> None:
        """Switch bots off, and on again a little later."""
        bots = [bot["id"] for bot in (await self.user.get(BOTS)).json]
        while True:
            path = f"{BOTS}{self.rng.choice(bots)}/"
            off = await self.user.patch(path, {"active": False})
            assert (off.status, off.json["status"]["state"]) == (200, "stopped"), off.text
            await asyncio.sleep(self.rng.uniform(0.0, 1.0))
            on = await self.user.patch(path, {"active": True})
            assert on.status in (200, 202), on.text
            self.switches += 1

    async def trouble(self) -> None:
        """Put faults into the way of one bot, or now and then of all."""
        while True:
            fault = dict(self.rng.choice(FAULTS))
            if self.rng.random() < 0.8:
                fault["bot_id"] = self.rng.choice(self.telegram.bots).id
            made = self.telegram.inject(**fault, times=self.rng.randrange(1, 20))
            self.faults += 1
            await asyncio.sleep(self.rng.uniform(1.0, 4.0))
            self.telegram.clear(made.id)
            if self.rng.random() < 0.1:
                self.telegram.drop_polls()

    async def be_attacked(self, attacker: Attacker) -> None:
        """Let the attacker in, half of the time."""
        while True:
            await asyncio.sleep(ATTACK)
            began, self.under_attack = time.time(), True
            try:
                await attacker.attack(ATTACK)
            finally:
                self.under_attack = False
                self.attacks.append((began, time.time()))

    async def look(self, quiet: Client) -> None:
        """Be somebody else, who lists their bots ten times a second."""
        while True:
            at, began = time.time(), time.perf_counter()
            assert (await quiet.get(BOTS)).status == 200
            self.requests.append((at, time.perf_counter() - began))
            await asyncio.sleep(0.1)

    def attacked(self, at: float) -> bool:
        """Tell whether a moment is in an attack."""
        return any(began <= at < ended for began, ended in self.attacks)

    def times(self) -> dict[str, list[tuple[float, float]]]:
        """When and how long: requests of another account, and answers of the bots."""
        answers = [
            (asked, sent.time - asked)
            for bot in self.bots
            for sent in self.telegram.sent(bot.id)
            if (asked := self.asked_at.get((bot.id, sent.message["text"]))) is not None
        ]
        return {"a request of another account": self.requests, "an answer of a bot": answers}

    def print_times(self) -> None:
        """Print medians and 99th percentiles, with an attack under way and without."""
        for name, measured in self.times().items():
            for attacked in (False, True):
                these = sorted(took for at, took in measured if self.attacked(at) is attacked)
                p50, p99 = (1000 * these[int(len(these) * share)] for share in (0.5, 0.99))
                when = "under attack" if attacked else "at rest"
                print(f"{name}, {when}: median {p50:.1f} ms, p99 {p99:.1f} ms, {len(these)} times")

    async def sample(self) -> None:
        """Look at the server, as its operator would."""
        began = time.monotonic()
        while True:
            seen = await scrape(self.user)
            now = time.monotonic() - began
            if not self.under_attack:  # its connections come and go
                self.samples.append((now, {name: read(seen) for name, read in MEASURES.items()}))
                if len(self.samples) % 5 == 1:
                    print(self.line(now, seen), flush=True)
            await asyncio.sleep(SAMPLED_EVERY)

    def line(self, now: float, seen: Scrape) -> str:
        """What is true at a moment."""
        figures = [f"{name} {value:.0f}" for name, value in self.samples[-1][1].items()]
        states = {
            state: int(count)
            for state in seen.values_of("state")
            if (count := seen("botyard_bots", state=state))
        }
        waiting = seen("botyard_journal_updates", state="waiting")
        return f"{now:4.0f} s  {', '.join(figures)}, waiting {waiting:.0f}, {states}"

    def growth(self) -> dict[str, tuple[float, float]]:
        """Medians of the first and of the last of what is compared."""
        end = self.samples[-1][0]
        first = [seen for at, seen in self.samples if WARM_UP <= at < WARM_UP + WINDOW]
        last = [seen for at, seen in self.samples if at >= end - WINDOW]
        return {
            name: (median(s[name] for s in first), median(s[name] for s in last))
            for name in MEASURES
        }

    def answers(self) -> dict[tuple[int, int], list[str]]:
        """What was answered, by bot and chat, in order."""
        found: dict[tuple[int, int], list[str]] = defaultdict(list)
        for bot in self.telegram.bots:
            for sent in self.telegram.sent(bot.id):
                found[bot.id, sent.chat_id].append(sent.message["text"])
        return found

    def unanswered(self) -> int:
        """How many messages have no answer yet."""
        found = self.answers()
        return sum(len(set(texts) - set(found[key])) for key, texts in self.asked.items())


async def _all_at_once(seconds: float, *things: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let endless things go on for some time; one that fails ends them all."""
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for thing in things:
                group.create_task(thing(), name=repr(thing))
    except TimeoutError:
        pass


@pytest.mark.timeout(0)
@pytest.mark.soak
async def test_nothing_grows_and_nothing_is_lost(
    request: pytest.FixtureRequest, tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    seconds = 60.0 * request.config.getoption("--soak-minutes")
    assert seconds >= WARM_UP + 2 * WINDOW, "six minutes are the least that can be compared"
    limit = {"BOTYARD_MAX_BOTS_PER_USER": str(BOTS_ON), "BOTYARD_ACCOUNT_RATE": "1000"}
    async with serving(tmp_path, telegram.url, **limit) as server:  # type: ignore[attr-defined]
        user = await register(Client(http, server.url))
        for _ in range(BOTS_ON):
            await user.add_bot(telegram.add_bot())
        quiet = await register(Client(http, server.url), "quiet")
        await quiet.add_bot(telegram.add_bot())
        eve, hers = await register(Client(http, server.url), "eve"), telegram.add_bot()
        await eve.add_bot(hers)
        soak = Soak(telegram, user, telegram.bots[:-1], random.Random(5))
        attacker = Attacker(telegram, eve, hers, random.Random(6))
        await _all_at_once(
            seconds,
            soak.talk,
            soak.switch,
            soak.trouble,
            soak.sample,
            partial(soak.look, quiet),
            partial(soak.be_attacked, attacker),
        )
        telegram.clear()
        for bot in (await user.get(BOTS)).json:
            await user.patch(f"{BOTS}{bot['id']}/", {"active": True})
        await until(lambda: soak.unanswered() == 0, "an answer to each", deadline=120)
        seen = await scrape(user)
        assert seen("botyard_updates_dead_total") == 0
        assert await server.end(signal.SIGTERM) == 0
    count = sum(map(len, soak.asked.values()))
    answers = soak.answers()
    repeats = sum(sum(Counter(texts).values()) - len(set(texts)) for texts in answers.values())
    soak.print_times()
    print(f"{count} messages, {repeats} repeats, {soak.switches} switches, {soak.faults} faults")
    for key, texts in soak.asked.items():
        assert list(dict.fromkeys(answers[key])) == texts, "in order, each of them"
    growth = soak.growth()
    for name, (first, last) in growth.items():
        print(f"{name}: {first:.1f}, at the end {last:.1f} ({last / first - 1:+.1%})")
    for name, (first, last) in growth.items():
        assert last <= first * (1 + MAY_GROW), f"{name} grew"
