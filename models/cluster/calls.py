"""Calls of Telegram that one process wants made by another, which runs the bot.

An edit or a deletion of a message keeps within the bot's limits, and stops with the bot: both are
known to the process that runs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.engine import bulk, doorbell
from models.engine.base import now
from models.engine.doorbell import Bell


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call that is to be made.

    Args:
        parameters: as JSON, without the chat.
        counts: whether Telegram counts it as a message.
    """

    id: int
    chat_id: int
    method: str
    parameters: bytes
    counts: bool


def ask(bot_id: int, call: AskedCall, *, until: datetime) -> int:
    """Ask for a call.

    Args:
        call: its `id` is ignored.
        until: when it is no longer to be begun.

    Returns:
        Its id.
    """
    rows = bulk.select(
        "INSERT INTO calls (bot_id, chat_id, method, parameters, counts, expires_at, taken) "
        "VALUES (?, ?, ?, ?, ?, ?, FALSE) RETURNING id",
        bot_id, call.chat_id, call.method, call.parameters, call.counts, bulk.stored(until),
    )  # fmt: skip
    doorbell.ring(Bell.CALLS, [bot_id])
    return int(rows[0][0])


def take(process_id: int, bot_id: int) -> list[AskedCall]:
    """Take the calls of a bot that nobody has taken, if the process runs it."""
    rows = bulk.select(
        "UPDATE calls SET taken = TRUE FROM bots WHERE bots.id = calls.bot_id AND bots.id = ? "
        "AND bots.owner_id = ? AND NOT taken AND expires_at > ? "
        "RETURNING calls.id, chat_id, method, parameters, counts",
        bot_id, process_id, bulk.stored(now()),
    )  # fmt: skip
    return [
        AskedCall(number, chat_id, method, bytes(parameters), counts)
        for number, chat_id, method, parameters, counts in sorted(rows, key=lambda row: row[0])
    ]


def answer(call_id: int, outcome: str, detail: str) -> None:
    """Store what came of a call."""
    sql = "UPDATE calls SET outcome = ?, detail = ? WHERE id = ?"
    bulk.execute(sql, outcome, detail, call_id)
    doorbell.ring(Bell.ANSWERS, [call_id])


def answered(call_id: int) -> tuple[str, str] | None:
    """Return what came of a call, and the detail; None if that is not known yet."""
    rows = bulk.select(
        "SELECT outcome, detail FROM calls WHERE id = ? AND outcome IS NOT NULL", call_id
    )
    return rows[0] if rows else None


def forget(call_id: int) -> None:
    """Delete a call, and those that nobody has waited for."""
    long_ago = "expires_at < now() AT TIME ZONE 'UTC' - INTERVAL '1 hour'"
    bulk.execute(f"DELETE FROM calls WHERE id = ? OR {long_ago}", call_id)  # noqa: S608
