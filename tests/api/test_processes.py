"""The list of servers, for staff, and whether a server is ready."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from support.client import DEADLINE, Client, until

from sandbox import Sandbox
from server import __version__
from server.app import Botyard
from server.config import Config

PROCESSES = "/api/v1/admin/processes/"


@pytest.fixture
def config(config: Config) -> Config:
    """A server with a name."""
    return replace(config, process_name="one")


async def test_a_server_shows_itself(
    root: Client, ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    await ann.add_bot(telegram.add_bot())
    await ann.add_bot(telegram.add_bot())
    [shown] = (await root.get(PROCESSES)).json["items"]
    started_at = datetime.fromisoformat(shown.pop("started_at"))
    assert 0 <= (datetime.now(UTC) - started_at).total_seconds() < DEADLINE
    assert shown.pop("id") >= 1
    assert 0 <= shown.pop("load") < 10
    assert 0 <= shown.pop("silent_seconds") < 4
    assert shown == {
        "name": "one", "version": __version__, "draining": False, "reaches_telegram": True,
        "bots": 2, "is_this": True,
    }  # fmt: skip


async def test_a_server_that_ends_says_so(root: Client, botyard: Botyard) -> None:
    botyard.services.traffic.draining = True
    [shown] = (await root.get(PROCESSES)).json["items"]
    assert shown["draining"] is True


async def test_nobody_else_sees_servers(anonymous: Client, ann: Client) -> None:
    for client, status, code in ((anonymous, 401, "not_authenticated"), (ann, 403, "staff_only")):
        answer = await client.get(PROCESSES)
        assert (answer.status, answer.json["code"]) == (status, code)


async def test_a_server_is_not_ready_from_the_moment_it_is_told_to_end(
    anonymous: Client, botyard: Botyard
) -> None:
    await until(lambda: botyard.services.runner.reconciler.boot.ready, "readiness")
    assert (await anonymous.get("/readyz")).status == 200
    with botyard.services.traffic.counted(drained=True):  # a request that takes its time
        ending = asyncio.create_task(botyard.drain(DEADLINE))
        await asyncio.sleep(0)  # the first step of the end
        assert botyard.services.traffic.draining
    await ending


class TestOnPostgreSQL:
    """A server with a lease."""

    @pytest.fixture
    def database_url(self, pg_url: str) -> str:
        """PostgreSQL, whatever the suite runs on."""
        return pg_url

    async def test_a_server_without_a_lease_is_not_ready(
        self, anonymous: Client, pg_url: str
    ) -> None:
        async def until_status(status: int) -> None:
            async with asyncio.timeout(2 * DEADLINE):
                while (await anonymous.get("/readyz")).status != status:
                    await asyncio.sleep(0.05)

        await until_status(200)
        connection = await psycopg.AsyncConnection.connect(pg_url)
        async with connection:
            await connection.execute("SELECT 1 FROM processes FOR UPDATE")  # no heartbeat passes
            await until_status(503)
            assert (await anonymous.get("/healthz")).status == 200
        await until_status(200)

    async def test_what_staff_see_is_documented(self, root: Client) -> None:
        document = (await root.get("/openapi.json")).json
        schema = document["components"]["schemas"]["Process"]
        [shown] = (await root.get(PROCESSES)).json["items"]
        assert shown.keys() == schema["properties"].keys() == set(schema["required"])
