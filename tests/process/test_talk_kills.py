"""However often a server is killed, people who play templates see each step once and in order."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from support.client import Client, register, until
from support.players import Player
from support.server_process import ServerProcess, serving
from support.talks import Talker, talker
from support.template_plays import plays

from dialogs.scenarios import load, template
from sandbox import Sandbox

Start = Callable[[], AbstractAsyncContextManager[ServerProcess]]
CHATS = 3  # of each bot
DELAY = 0.03  # seconds of a call to Telegram and back, so that much is in hand when a server dies
PATIENCE = 120.0  # seconds; limits allow a message a second and chat


async def play_on(player: Player, name: str, is_enough: asyncio.Event) -> None:
    """Play a template from its beginning, again and again until it is enough."""
    while not is_enough.is_set():
        for event in plays(datetime.now(player.scenario.zone).date())[name].events:
            await player.play(event, deadline=PATIENCE)


def count_calls(telegram: Sandbox, talks: list[Talker]) -> int:
    """How many calls the bots have made."""
    return sum(call.seq for talk in talks for call in telegram.calls(talk.bot.id)[-1:])


async def play_while_it_is_killed(
    start: Start, telegram: Sandbox, http: aiohttp.ClientSession, *, names: list[str], kills: int
) -> None:
    """Kill -9 a server again and again while people play templates, and compare all at the end.

    Args:
        start: starts it, each time on the same folder.
        names: of the templates; each has a bot.
    """
    rng = random.Random(15)
    async with start() as server:
        owner = await register(Client(http, server.url))
        talks = [await talker(owner, telegram, name) for name in names]
        await server.end(signal.SIGKILL)
    telegram.delay = DELAY
    players = [
        (talk, name, Player(telegram, talk.bot, load(template(name), 1), chat, repeats=kills))
        for talk, name in zip(talks, names, strict=True)
        for chat in range(1, CHATS + 1)
    ]
    is_enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        playing = [
            group.create_task(play_on(player, name, is_enough)) for _, name, player in players
        ]
        for _ in range(kills):
            async with start() as server:
                enough = count_calls(telegram, talks) + rng.randrange(5, 60)
                await until(lambda: count_calls(telegram, talks) >= enough, deadline=60)  # noqa: B023
                await server.end(signal.SIGKILL)
        is_enough.set()
        async with start() as server:
            await asyncio.wait(playing)
            owner.url = server.url
            for talk, _, player in players:
                await player.is_stored_as_simulated(owner, talk.bot_id)
                await player.is_kept_as_simulated(owner, talk.bot_id)
            await server.end(signal.SIGTERM)
    events = sum(len(player.done) for *_, player in players)
    messages = sum(len(player.expected()) for *_, player in players)
    again = sum(len(player.seen()) for *_, player in players) - messages
    print(f"\n{kills} kills: {events} events, {messages} messages, {again} of them twice")


async def test_a_kill_leaves_no_trace_in_a_quiz(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    await play_while_it_is_killed(
        lambda: serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url),
        telegram, http, names=["quiz.en"], kills=3,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_thirty_kills_leave_no_trace_in_templates_of_many_steps(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    await play_while_it_is_killed(
        lambda: serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url),
        telegram, http, names=["quiz.en", "appointment.ru", "order.en"], kills=30,
    )  # fmt: skip
