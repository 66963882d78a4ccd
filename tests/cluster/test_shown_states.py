"""States of bots that another server runs, for readers whose events are no longer gathered."""

from __future__ import annotations

from typing import Any

import pytest
from support.client import BOTS, Client, register, until
from support.ensemble import Ensemble
from support.event_stream import streaming
from support.server_process import environment

from runner.live import recent_events
from sandbox import Sandbox
from server.app import Botyard
from server.config import Config


@pytest.fixture
def database_url(pg_url: str) -> str:
    """PostgreSQL, whatever the suite runs on."""
    return pg_url


async def test_a_state_is_told_again_to_who_was_away_for_long(
    botyard: Botyard,
    config: Config,
    ensemble: Ensemble,
    ann: Client,
    telegram: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recent_events, "LINGER", 0.0)
    hub = botyard.services.runner.events
    await ensemble.start("elsewhere", **environment(config) | {"BOTYARD_PORT": "0"})
    there = ensemble.through(ann, "elsewhere")
    made = await ann.add_bot(telegram.add_bot(), active=False)
    path = f"{BOTS}{made['id']}/"

    async def switch(active: bool) -> Any:
        return await there.patch(path, {"active": active})

    await switch(True)  # whoever takes a wish for a bot that nobody runs has it from then on
    assert await ensemble.owner_of(made["id"]) == "elsewhere"
    other = await register(Client(ann.http, botyard.url), "other")
    await other.add_bot(telegram.add_bot(), active=False)
    async with streaming(other):  # so that there is somebody to tell of states elsewhere
        async with streaming(ann) as first:
            await switch(False)
            await until(lambda: first.states()[-1] == "stopped", "the end of the bot")
        await until(lambda: ann.user["pk"] not in hub.users, "the end of the gathering")
        await switch(True)
        async with streaming(ann) as second:
            await until(lambda: second.states()[-1] == "running", "the bot")
            await switch(False)
            await until(lambda: second.states()[-1] == "stopped", "its end once more")
