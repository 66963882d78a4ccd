"""What happens to the bots when the process ends, in good order or not."""

from __future__ import annotations

import asyncio
import resource
import signal
from pathlib import Path

import aiohttp
from support.client import BOTS, DEADLINE, Client, register, scrape, until
from support.server_process import CHECKOUT, serving

from sandbox import Sandbox


async def test_after_kill_9_exactly_the_active_bots_come_back(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    on, off, late = (telegram.add_bot() for _ in range(3))
    async with serving(tmp_path, telegram.url, program=CHECKOUT) as server:
        user = await register(Client(http, server.url))
        running = await user.add_bot(on)
        await user.add_bot(off, active=False)
        switched = await user.add_bot(late)
        await user.patch(f"{BOTS}{switched['id']}/", {"active": False})
        assert await server.end(signal.SIGKILL) == -signal.SIGKILL
    calls_off, calls_late = len(telegram.calls(off.id)), len(telegram.calls(late.id))
    await until(lambda: not telegram.polling(on.id), "the end of the poll")

    async with serving(tmp_path, telegram.url, program=CHECKOUT) as server:
        user.url = server.url
        await user.until_state(running, "running")
        shown = (await user.get(BOTS)).json
        assert [bot["status"]["state"] for bot in shown] == ["running", "stopped", "stopped"]
        assert (len(telegram.calls(off.id)), len(telegram.calls(late.id))) == (
            calls_off,
            calls_late,
        )


async def test_sigterm_stops_the_bots_and_leaves_active_alone(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bots = [telegram.add_bot() for _ in range(3)]
    async with serving(tmp_path, telegram.url, program=CHECKOUT) as server:
        user = await register(Client(http, server.url))
        for bot in bots:
            await user.add_bot(bot)
        assert await server.end(signal.SIGTERM) == 0
        assert not [line for line in server.log if "ERROR" in line or "Traceback" in line]
    await until(lambda: not any(telegram.polling(bot.id) for bot in bots), "the end of the polls")
    async with serving(tmp_path, telegram.url, program=CHECKOUT) as server:
        user.url = server.url
        assert [bot["active"] for bot in (await user.get(BOTS)).json] == [True] * 3
        await until(lambda: all(telegram.polling(bot.id) for bot in bots), "the bots again")


async def test_http_serves_while_bots_still_start_and_readiness_waits_for_them(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot = telegram.add_bot()
    async with serving(tmp_path, telegram.url) as server:
        user = await register(Client(http, server.url))
        await user.add_bot(bot)
        await server.end(signal.SIGTERM)
    telegram.inject(kind="hold", method="getMe")
    async with serving(tmp_path, telegram.url) as server:
        user.url = server.url
        await until(lambda: telegram.calls(bot.id, method="getMe")[-1].status is None, "getMe")
        assert (await user.get("/healthz")).status == 200
        assert (await user.get("/readyz")).status == 503
        assert (await user.get(BOTS)).json[0]["status"]["state"] == "starting"
        telegram.clear()
        async with asyncio.timeout(DEADLINE):
            while (await user.get("/readyz")).status != 200:
                await asyncio.sleep(0.02)


async def test_a_bot_whose_telegram_is_away_at_boot_starts_when_it_is_back(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot = telegram.add_bot()
    async with serving(tmp_path, telegram.url) as server:
        user = await register(Client(http, server.url))
        made = await user.add_bot(bot)
        await server.end(signal.SIGTERM)
    telegram.inject(kind="drop")
    async with serving(tmp_path, telegram.url) as server:
        user.url = server.url
        await user.until_state(made, "retrying")
        assert (await user.get("/readyz")).status == 200, "it has been tried once"
        telegram.clear()
        await user.until_state(made, "running")


async def test_a_session_survives_a_restart(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path, telegram.url) as server:
        user = await register(Client(http, server.url))
        await server.end(signal.SIGTERM)
    async with serving(tmp_path, telegram.url) as server:
        user.url = server.url
        assert (await user.get("/rest-auth/user/")).status == 200


async def test_it_takes_all_the_open_files_that_it_may_have(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
    try:
        async with serving(tmp_path, telegram.url) as server:  # type: ignore[attr-defined]
            seen = await scrape(Client(http, server.url))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))
    assert seen("process_max_fds") == most
