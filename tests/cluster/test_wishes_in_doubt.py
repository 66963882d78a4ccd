"""A wish that is stored is answered as such, whatever becomes of the claim that follows it."""

from __future__ import annotations

import pytest
from support.client import BOTS, Client
from support.doubts import lose_one_answer

from models.cluster import processes
from sandbox import Sandbox
from server.app import Botyard


@pytest.fixture
def database_url(pg_url: str) -> str:
    """PostgreSQL, whatever the suite runs on."""
    return pg_url


async def test_a_bot_whose_claim_is_in_doubt_is_switched_on_all_the_same(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    lost = lose_one_answer(
        botyard, monkeypatch, "write_as_owner", lambda *args: processes.claim_one in args
    )
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
    assert lost
    assert answer.status in {200, 202}, answer.text
    assert answer.json["active"] is True
    await ann.until_state(made, "running")


async def test_a_bot_that_nobody_runs_is_switched_off_although_its_state_is_not_stored(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    lost = lose_one_answer(
        botyard, monkeypatch, "write", lambda *args: processes.settle_off in args
    )
    answer = await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
    assert lost
    assert answer.status in {200, 202}, answer.text
    await ann.until_state(made, "stopped")
