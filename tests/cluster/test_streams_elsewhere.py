"""Live events of bots that another server runs, for readers that come, go and come back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.client import BOTS, Client, register, until
from support.ensemble import Ensemble, Two
from support.event_stream import streaming
from support.tcp_proxy import TcpProxy
from yarl import URL

from sandbox import Sandbox


@pytest.fixture
async def line(ensemble: Ensemble) -> AsyncIterator[TcpProxy]:
    """What is between a server and PostgreSQL."""
    proxy = TcpProxy("127.0.0.1", URL(ensemble.url).port or 0)
    await proxy.open()
    yield proxy
    await proxy.close()


async def test_a_state_that_nobody_has_read_is_told_to_who_resumes(two: Two) -> None:
    async with streaming(two.there) as before:
        await two.here.patch(two.path, {"active": False})
        await until(lambda: before.states()[-1] == "stopped", "the end of the bot")
    await two.here.patch(two.path, {"active": True})
    async with streaming(two.there, last_id=before.last_id) as stream:
        await until(lambda: "running" in stream.states(), "the start of the bot")
        assert "reset" not in stream.kinds()


async def test_a_state_is_told_that_was_the_last_one_before_a_reset(
    ensemble: Ensemble, telegram: Sandbox, line: TcpProxy
) -> None:
    await ensemble.start("one")
    here = await register(Client(ensemble.http, ensemble.servers["one"].url))
    made = await here.add_bot(telegram.add_bot())
    path = f"{BOTS}{made['id']}/"
    url = URL(ensemble.url).with_port(line.port)
    await ensemble.start("two", BOTYARD_DATABASE_URL=str(url))
    async with streaming(ensemble.through(here, "two")) as stream:
        await here.patch(path, {"active": False})
        await until(lambda: stream.states()[-1] == "stopped", "the end of the bot")
        line.black_hole()
        await here.patch(path, {"active": True})
        line.cut()  # the bells are lost
        line.heal()
        await until(lambda: "reset" in stream.kinds(), "the reset")
        await until(lambda: stream.states()[-1] == "running", "the start of the bot")
        assert await ensemble.owner_of(made["id"]) == "one"
        await here.patch(path, {"active": False})
        await until(lambda: stream.states()[-1] == "stopped", "the end of the bot once more")
