"""A server that ends while others go on: nobody who asks notices."""

from __future__ import annotations

import asyncio
import signal

from support.client import BOTS, DEADLINE, Client, register
from support.ensemble import Ensemble

from sandbox import Sandbox


async def test_a_server_that_ends_is_not_ready_at_once_and_serves_until_balancers_know(
    ensemble: Ensemble,
) -> None:
    await ensemble.start("one", "two")
    ann = await register(Client(ensemble.http, ensemble.servers["one"].url))
    async with asyncio.timeout(DEADLINE):  # it knows the other
        while (await ann.get("/readyz")).status != 200 or len(
            await ensemble.rows("SELECT 1 FROM processes WHERE beat > 1")
        ) < 2:
            await asyncio.sleep(0.05)
    ending = asyncio.create_task(ensemble.servers["one"].end(signal.SIGTERM))
    async with asyncio.timeout(2):
        while (answer := await ann.get("/readyz")).status != 503:
            pass
    assert answer.json["status"] == "not ready"
    assert (await ann.get(BOTS)).status == 200
    assert await ending == 0
    assert (await ensemble.through(ann, "two").get(BOTS)).status == 200


async def test_a_server_that_ends_leaves_bots_without_an_owner_to_others(
    ensemble: Ensemble, telegram: Sandbox
) -> None:
    await ensemble.start("one", "two")
    ann = await register(Client(ensemble.http, ensemble.servers["one"].url))
    made = await ann.add_bot(telegram.add_bot(), active=False)
    await ensemble.rows("UPDATE bots SET owner_id = NULL RETURNING id")
    ending = asyncio.create_task(ensemble.servers["one"].end(signal.SIGTERM))
    async with asyncio.timeout(DEADLINE):
        while not await ensemble.rows("SELECT 1 FROM processes WHERE name = 'one' AND draining"):
            await asyncio.sleep(0.02)
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
    assert (answer.status, answer.json["status"]["state"]) == (200, "running"), answer.text
    assert await ensemble.owner_of(made["id"]) == "two"
    assert await ending == 0


async def test_the_only_server_ends_without_waiting(ensemble: Ensemble) -> None:
    await ensemble.start("one")
    async with asyncio.timeout(DEADLINE):
        began = asyncio.get_running_loop().time()
        assert await ensemble.servers["one"].end(signal.SIGTERM) == 0
    assert asyncio.get_running_loop().time() - began < 2.5
