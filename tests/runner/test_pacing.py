"""Pauses between calls, however much a Bot API hurries."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, QUICK, UNLIMITED, Client, register, until
from support.hostile import Feed, HostileApi, Reply, failure, hostile_api, raw, result

from runner.settings import Limit
from sandbox import Sandbox
from server.app import Botyard, open_botyard
from server.config import Config

TOKEN = "123456789:AAE" + "x" * 32
MESSAGE = {
    "message_id": 1, "date": 1_700_000_000, "text": "x",
    "chat": {"id": 1001, "type": "private", "first_name": "Ann"},
}  # fmt: skip
BACKOFF, IDLE_MAX = 0.05, 0.15
TOLERANCE = 0.005  # seconds; of clocks and timers


@dataclass
class Hurried:
    """A bot of a Bot API that answers at once."""

    api: HostileApi
    feed: Feed
    owner: Client
    shown: dict


@pytest.fixture
async def bot(config: Config, http: aiohttp.ClientSession) -> AsyncIterator[Hurried]:
    async with hostile_api() as api:
        api.replies["getUpdates"] = feed = Feed()
        runner = replace(QUICK, backoff_min=BACKOFF, backoff_max=2.0, idle_max=IDLE_MAX)
        botyard = await open_botyard(replace(config, telegram_api_url=api.url), runner=runner)
        try:
            owner = await register(Client(http, botyard.url), "ann")
            shown = (await owner.post(BOTS, {"token": TOKEN})).json
            await owner.until_state(shown, "running")
            yield Hurried(api, feed, owner, shown)
        finally:
            await botyard.close()


async def gaps(api: HostileApi, method: str, number: int) -> list[float]:
    """The times between so many calls of a method from now on."""
    begin = len(api.times[method])
    await until(lambda: len(api.times[method]) > begin + number, f"{number} calls")
    times = api.times[method][begin : begin + number + 1]
    return [after - before for before, after in itertools.pairwise(times)]


@pytest.mark.parametrize("again", ["nothing", "what was confirmed"])
async def test_answers_at_once_without_news_are_asked_for_with_growing_pauses(
    again: str, bot: Hurried
) -> None:
    old = [{"update_id": number, "message": MESSAGE} for number in (1, 2)]
    bot.feed.again = result([] if again == "nothing" else old)
    found = await gaps(bot.api, "getUpdates", 8)
    # The first poll may be the one that was parked, and after it one more goes at once.
    for gap, least in zip(found[4:], [BACKOFF, 2 * BACKOFF, IDLE_MAX, IDLE_MAX], strict=True):
        assert gap >= least - TOLERANCE, found
    assert (await bot.owner.status_of(bot.shown))["state"] == "running"
    assert bot.api.sent == ([] if again == "nothing" else ["x", "x"]), "each is answered once"


async def test_news_end_the_pauses(bot: Hurried) -> None:
    bot.feed.again = result([])
    await gaps(bot.api, "getUpdates", 6)
    bot.feed.again = None
    for number in range(1, 51):
        bot.feed.put({"update_id": number, "message": MESSAGE | {"text": str(number)}})
    await until(lambda: len(bot.api.sent) == 50, "the answers")


async def test_a_bot_sends_no_faster_than_telegram_allows(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    limits = replace(UNLIMITED, bot=Limit(0.1, 10))
    botyard = await open_botyard(config, runner=replace(QUICK, limits=limits))
    try:
        bot = telegram.add_bot()
        await (await register(Client(http, botyard.url), "ann")).add_bot(bot)
        begun = asyncio.get_running_loop().time()
        for chat in range(1, 16):
            telegram.send_message(bot.id, text="x", chat_id=chat)
        await telegram.wait_sent(bot.id, count=15, timeout=DEADLINE)
        # ten at once, and then one each tenth of a second
        assert asyncio.get_running_loop().time() - begun >= 0.5 - TOLERANCE
    finally:
        await botyard.close()


async def test_a_poll_that_was_parked_for_its_time_is_followed_at_once(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    run = botyard.services.runner.manager._bots[made["id"]]._bot_run
    assert run is not None
    await until(lambda: len(telegram.calls(bot.id, method="getUpdates")) > 3, "parked polls")
    assert run.poller._idle == 0


STORMS: dict[str, Reply] = {
    "409": failure(409, "Conflict: terminated by other getUpdates request"),
    "500": failure(500, "Internal Server Error"),
    "502 of a server in front": raw(b"HTTP/1.1 502 X\r\nContent-Length: 1\r\n\r\nx"),
    "429 without a time": failure(429, "Too Many Requests"),
    "nothing": raw(b""),
    "no update ids": Feed(),
}
STORMS["no update ids"].again = result([{"message": MESSAGE}])  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("storm", STORMS)
async def test_a_bot_that_only_ever_starts_well_is_started_with_growing_pauses(
    storm: str, bot: Hurried
) -> None:
    polls, reply = bot.feed, STORMS[storm]

    async def starts_well(writer, params) -> None:
        await (reply if params["timeout"] else polls)(writer, params)

    bot.api.replies["getUpdates"] = starts_well
    polls.put({"update_id": 1, "message": MESSAGE})  # what is parked ends
    found = await gaps(bot.api, "getMe", 5)
    for gap, doubled in zip(found[1:], [2, 4, 8, 16], strict=True):
        # one backoff less, for the run that began the storm may have lasted
        assert gap >= 0.75 * BACKOFF * doubled / 2 - TOLERANCE, found


@pytest.mark.slow
@pytest.mark.parametrize("given", [-1, 0, -(2**40)])
async def test_a_negative_retry_after_is_a_pause_all_the_same(given: int, bot: Hurried) -> None:
    parameters = {"retry_after": given}
    bot.api.replies["getMe"] = failure(429, "Too Many Requests", parameters=parameters)
    bot.api.replies["sendMessage"] = failure(429, "Too Many Requests", parameters=parameters)
    bot.feed.put({"update_id": 1, "message": MESSAGE})
    assert min(await gaps(bot.api, "sendMessage", 2)) >= 1 - TOLERANCE
    await bot.owner.patch(f"{BOTS}{bot.shown['id']}/", {"active": False})
    status = (await bot.owner.patch(f"{BOTS}{bot.shown['id']}/", {"active": True})).json["status"]
    assert (status["state"], status["reason"]) == ("retrying", "rate_limited")
    assert min(await gaps(bot.api, "getMe", 2)) >= 1 - TOLERANCE


async def test_a_huge_retry_after_is_not_for_ever(bot: Hurried) -> None:
    parameters = {"retry_after": 10**15}
    bot.api.replies["getMe"] = failure(429, "Too Many Requests", parameters=parameters)
    path = f"{BOTS}{bot.shown['id']}/"
    await bot.owner.patch(path, {"active": False})
    status = (await bot.owner.patch(path, {"active": True})).json["status"]
    assert status["detail"] == "Telegram's rate limit is reached; next attempt in 86400 s."
