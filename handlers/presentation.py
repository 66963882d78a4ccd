"""Bots as JSON, without a schema: dumping five bots with one would double the cost of a list.

`tests/api/test_presentation.py` checks that the result matches the schemas and the API document.
"""

from __future__ import annotations

from typing import Any

from handlers.times import rfc3339_or_none
from models.bots.records import BotRecord
from models.bots.vault import mask
from runner.states import BotStatus


def present_bot(bot: BotRecord, status: BotStatus, *, reveal: bool = False) -> dict[str, Any]:
    """Write a bot for its owner; see `handlers.schemas.bots.BotSchema`.

    Args:
        reveal: show the token in full: only in the answer to the request that set it.
    """
    return {
        "id": bot.id,
        "token": bot.token if reveal else mask(bot.token),
        "title": bot.title,
        "active": bot.active,
        "history": bot.history,
        "telegram_id": bot.telegram_id,
        "username": bot.username,
        "created_at": rfc3339_or_none(bot.created_at),
        "updated_at": rfc3339_or_none(bot.updated_at),
        "status": present_state(status) | present_counters(status),
    }


def present_bot_for_staff(
    bot: BotRecord, status: BotStatus, *, process: str | None
) -> dict[str, Any]:
    """Write a bot for staff; see `handlers.schemas.admin.AdminBotSchema`.

    Args:
        process: the name of the one that runs it, of several.
    """
    account = {"user": bot.user_id, "owner": bot.owner, "suspended": bot.suspended}
    return present_bot(bot, status) | account | {"process": process}


def present_state(status: BotStatus) -> dict[str, Any]:
    """Write the state of a bot; see `handlers.schemas.bots.BotStateSchema`."""
    return {
        "state": status.state.value,
        "reason": None if status.reason is None else status.reason.value,
        "detail": status.detail,
        "since": rfc3339_or_none(status.since),
        "attempts": status.attempts,
        "next_attempt_at": rfc3339_or_none(status.next_attempt_at),
    }


def present_counters(status: BotStatus) -> dict[str, Any]:
    """Write the counters of a bot; see `handlers.schemas.bots.BotCountersSchema`."""
    return {
        "last_poll_at": rfc3339_or_none(status.last_poll_at),
        "last_update_at": rfc3339_or_none(status.last_update_at),
        "pending": status.pending,
        "dead": status.dead,
    }
