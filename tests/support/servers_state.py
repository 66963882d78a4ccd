"""What becomes of the bots of several servers, as seen from their database and their logs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from yarl import URL

from sandbox import SandboxBot
from support.client import Client, register
from support.ensemble import Ensemble
from support.numbered import NumberedLoad


async def add_bots(ensemble: Ensemble, server: str, number: int) -> NumberedLoad:
    """Bots of new accounts."""
    bots = [ensemble.telegram.add_bot() for _ in range(number)]
    for index, bot in enumerate(bots):
        if index % 5 == 0:  # as many as an account may have
            owner = await register(Client(ensemble.http, ensemble.servers[server].url))
        await owner.add_bot(bot)
    return NumberedLoad(ensemble.telegram, bots)


async def beats(ensemble: Ensemble, seconds: int = 7) -> None:
    """Wait until each server has beaten so often."""
    before = dict(await ensemble.rows("SELECT id, beat FROM processes"))
    async with asyncio.timeout(60):
        while True:
            now = dict(await ensemble.rows("SELECT id, beat FROM processes"))
            if all(now.get(number, 10**9) >= beat + seconds for number, beat in before.items()):
                return
            await asyncio.sleep(0.1)


async def owned(ensemble: Ensemble) -> dict[str, int]:
    """How many bots each server owns."""
    rows = await ensemble.rows(
        "SELECT name, count(bots.id) FROM processes LEFT JOIN bots ON owner_id = processes.id "
        "GROUP BY name"
    )
    return dict(rows)


async def until_shared(ensemble: Ensemble, *names: str, each: int) -> None:
    """Wait until servers own so many bots."""
    seen: dict[str, int] = {}
    try:
        async with asyncio.timeout(60):
            while (seen := await owned(ensemble)) != dict.fromkeys(names, each):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"the bots are not shared: {seen}") from None


async def owners(ensemble: Ensemble) -> list[tuple[int, int]]:
    """The processes, and the bots of each."""
    return await ensemble.rows("SELECT id, owner_id FROM bots ORDER BY id")


def logged(ensemble: Ensemble, name: str, text: str) -> list[str]:
    """The lines of a server's log with a text."""
    return [line for line in ensemble.servers[name].log if text in line]


_ELSEWHERE = "localhost"


def elsewhere(ensemble: Ensemble) -> dict[str, str]:
    """Settings of a server whose calls of Telegram are told from those of others."""
    url = URL(ensemble.telegram.url)  # type: ignore[attr-defined]
    return {"BOTYARD_TELEGRAM_API_URL": str(url.with_host(_ELSEWHERE)).rstrip("/")}


def polled_elsewhere(ensemble: Ensemble, bots: Iterable[SandboxBot]) -> dict[int, bool]:
    """The bots that are polled now: True if it is by a server with the settings `elsewhere`."""
    return {
        bot.id: call.host.startswith(_ELSEWHERE)
        for bot in bots
        for call in ensemble.telegram.calls(bot.id, method="getUpdates")
        if call.status is None
    }
