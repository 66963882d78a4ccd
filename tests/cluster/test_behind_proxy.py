"""Servers behind a proxy, set up as docs/scaling.md says: one of them is restarted, or killed."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.client import BOTS, DEADLINE, Client, register
from support.ensemble import Ensemble
from support.postgresql import free_port
from support.proxies import make_pem, proxied

from sandbox import Sandbox

PROXIES = ["nginx", "haproxy"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate of panel.example.org."""
    return make_pem(tmp_path_factory.mktemp("certificate"))


@asynccontextmanager
async def panel(
    ensemble: Ensemble, proxy: str, folder: Path, certificate: Path
) -> AsyncIterator[Client]:
    """A user of two servers behind a proxy that expects three."""
    await ensemble.start("one", "two", BOTYARD_BEHIND_PROXY="yes", BOTYARD_ACCOUNT_RATE="32767")
    servers = [server.url.removeprefix("http://") for server in ensemble.servers.values()]
    servers.append(f"127.0.0.1:{free_port()}")
    async with proxied(proxy, folder, certificate, servers) as (http, url):
        async with asyncio.timeout(DEADLINE):  # the proxy has found that one is not there
            while (await Client(http, url).get("/readyz")).status != 200:
                await asyncio.sleep(0.1)
        await asyncio.sleep(2.5)
        yield await register(Client(http, url))


async def use(client: Client, bot: dict[str, object], until: asyncio.Event) -> Counter[object]:
    """Read and write until an event; the outcomes."""
    seen: Counter[object] = Counter()
    while not until.is_set():
        seen["read", (await client.get(BOTS)).status] += 1
        answer = await client.patch(f"{BOTS}{bot['id']}/", {"title": f"no. {seen.total()}"})
        seen["write", answer.status] += 1
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("proxy", PROXIES)
async def test_nobody_notices_that_a_server_is_restarted(
    ensemble: Ensemble, telegram: Sandbox, proxy: str, tmp_path: Path, certificate: Path
) -> None:
    async with panel(ensemble, proxy, tmp_path, certificate) as ann:
        bot = await ann.add_bot(telegram.add_bot())
        ended = asyncio.Event()
        using = [asyncio.create_task(use(ann, bot, ended)) for _ in range(4)]
        await asyncio.sleep(0.5)
        assert await ensemble.servers["one"].end(signal.SIGTERM) == 0
        await asyncio.sleep(0.5)
        ended.set()
        seen = sum(await asyncio.gather(*using), Counter())
        # nginx does not know that a server ends: what it has just sent to a port that closes it
        # must not repeat, if that was a write
        if proxy == "nginx":
            assert seen.pop(("write", 502), 0) <= 2
        # 202 tells that the bot, which moves, is starting
        assert set(seen) - {("write", 202)} == {("read", 200), ("write", 200)}, seen
        await ann.until_state(bot, "running")


@pytest.mark.slow
@pytest.mark.parametrize("proxy", PROXIES)
async def test_after_a_kill_reads_go_on_and_bots_are_polled_by_the_other_server(
    ensemble: Ensemble, telegram: Sandbox, proxy: str, tmp_path: Path, certificate: Path
) -> None:
    async with panel(ensemble, proxy, tmp_path, certificate) as ann:
        bots = [telegram.add_bot() for _ in range(2)]
        made = [await ann.add_bot(bot) for bot in bots]
        await ensemble.servers["one"].end(signal.SIGKILL)
        statuses = Counter([(await ann.get(BOTS)).status for _ in range(30)])
        assert statuses == {200: 30}
        for bot in bots:
            telegram.send_message(bot.id, text="anybody?", chat_id=7)
        for bot in bots:
            await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert {await ensemble.owner_of(one["id"]) for one in made} == {"two"}
