"""A talk in which nothing has happened for 90 days: the simulator plays what really happens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.client import BOTS, QUICK, Client
from support.talks import talker

from dialogs.scenarios import IDLE
from models.dialogs.tables import ConversationRow
from models.engine.base import now
from sandbox import Sandbox
from server.app import Botyard
from services.retention import Janitor

REMEMBERING: dict[str, Any] = {
    "start": "a",
    "variables": {"v": {"type": "text"}, "k": {"type": "text", "keep": True}},
    "states": {
        "a": {
            "say": "a[{{v}}{{k}}]",
            "on": [{"any_of": "set", "set": {"v": "1", "k": "2"}, "go": "b"}],
        },
        "b": {"say": "b[{{v}}{{k}}]", "on": []},
    },
}


@pytest.mark.parametrize(("spare", "last"), [(60.0, "b[12]"), (-60.0, "a[]")])
async def test_an_idle_talk_is_forgotten_as_the_simulator_plays_it(
    ann: Client, telegram: Sandbox, botyard: Botyard, spare: float, last: str
) -> None:
    talk = await talker(ann, telegram, REMEMBERING)
    said = [*await talk.says("/start"), *await talk.says("set")]
    db, at = botyard.services.db, now() - IDLE + timedelta(seconds=spare)
    await db.write(lambda: ConversationRow.update(updated_at=at).execute())
    await Janitor(db, QUICK, keep=timedelta(1), keep_audit=timedelta(1)).sweep()
    for is_active in (False, True):  # after days, the talk is not in memory any more
        await ann.patch(f"{BOTS}{talk.bot_id}/", {"active": is_active})
    said += await talk.says("x")
    wait = {"text": "x", "wait": IDLE.total_seconds() - spare}
    played = await ann.post(f"{talk.path}simulate/", {"events": ["/start", "set", wait]})
    shown = [one["text"] for one in played.json["transcript"] if one["from"] == "bot"]
    assert said == shown == ["a[]", "b[12]", last]
