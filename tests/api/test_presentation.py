"""Bots are written by hand: what is sent is what the schemas, and so the API document, say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from handlers.presentation import (
    present_bot,
    present_bot_for_staff,
    present_counters,
    present_state,
)
from handlers.schemas.admin import AdminBotSchema
from handlers.schemas.bots import BotCountersSchema, BotSchema, BotStateSchema
from models.bots.records import BotRecord
from models.bots.vault import mask
from runner.states import BotState, BotStatus, Reason

MOMENT = datetime(2026, 11, 25, 22, 44, 10, 423_985, UTC)
BOT = BotRecord(
    id=7, user_id=3, owner="ann", suspended=True, title="Shop", active=False,
    token="123456789:AAE" + "x" * 32, telegram_id=123456789, username="shop_bot", generation=1,
    token_generation=1, last_update_at=None, created_at=MOMENT, updated_at=MOMENT,
)  # fmt: skip
STATUSES = [
    BotStatus(BotState.RUNNING, None, None, MOMENT),
    BotStatus(
        BotState.RETRYING, Reason.CONFLICT, "Another program.", MOMENT, attempts=3,
        next_attempt_at=MOMENT, last_poll_at=MOMENT, last_update_at=MOMENT, pending=5, dead=2,
    ),
]  # fmt: skip


@pytest.mark.parametrize("status", STATUSES, ids=["plain", "full"])
def test_a_bot_is_written_as_its_schemas_say(status: BotStatus) -> None:
    fields = {name: getattr(BOT, name) for name in BOT.__slots__}
    fields |= {"token": mask(BOT.token), "user": BOT.user_id, "status": status}
    assert present_bot(BOT, status) == BotSchema().dump(fields)
    fields["process"] = "panel-1:8000"
    staff = present_bot_for_staff(BOT, status, process="panel-1:8000")
    assert staff == AdminBotSchema().dump(fields)
    assert present_state(status) == BotStateSchema().dump(status)
    assert present_counters(status) == BotCountersSchema().dump(status)
    assert present_bot(BOT, status, reveal=True)["token"] == BOT.token
