"""How long messages wait for a bot that is off: an hour, in which the server is up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from models import installation
from models.engine import bulk
from models.engine.base import now
from models.messaging.messages import SendReason

ALIVE_AT = "alive_at"  # the installation fact: when the server was up for the last time
UNNOTICED = timedelta(minutes=2)  # of downtime, which is measured by the minute


@dataclass(frozen=True, slots=True)
class Expired:
    """A message that was given up because it had waited too long."""

    id: int
    chat_id: int
    bot_id: int
    user_id: int


def begin() -> None:
    """Take note of the start of a server: what waits has the time added for which there was none.

    Of several servers that start at once, one does so.
    """
    alive_at = installation.get(ALIVE_AT)
    if alive_at is None:
        installation.put(ALIVE_AT, now().isoformat())
        return
    down = now() - datetime.fromisoformat(alive_at)
    if installation.replace(ALIVE_AT, alive_at, now().isoformat()) and down > UNNOTICED:
        _extend(down)


def _extend(by: timedelta) -> None:
    waiting = "state IN ('queued', 'sending') AND expires_at IS NOT NULL"
    for number, expires_at in bulk.select(f"SELECT id, expires_at FROM messages WHERE {waiting}"):  # noqa: S608
        until = bulk.loaded(expires_at)
        if until is not None:
            later = bulk.stored(until + by)
            bulk.execute("UPDATE messages SET expires_at = ? WHERE id = ?", later, number)


def expire() -> list[Expired]:
    """Give up messages that have waited too long, and note that the server is up."""
    moment = bulk.stored(now())
    rows = bulk.select(
        "SELECT messages.id, chat_id, bots.id, bots.user_id FROM messages "
        "JOIN bots ON bots.id = messages.bot_id "
        "WHERE state IN ('queued', 'sending') AND state = 'queued' AND expires_at < ?",
        moment,
    )
    bulk.run_in_few_statements(
        "UPDATE messages SET done_at = ?, state = 'failed', reason = ? "
        "FROM (VALUES ROWS) AS given WHERE messages.id = given.column1",
        [(number,) for number, *_ in rows],
        moment,
        SendReason.EXPIRED.value,
    )
    installation.put(ALIVE_AT, now().isoformat())
    return [Expired(*row) for row in rows]
