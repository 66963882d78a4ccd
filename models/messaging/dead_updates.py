"""Updates whose handlers failed for good; a limited number is kept, for the owner to retry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import peewee

from models.accounts.audit import Action, Actor
from models.bots import bots
from models.bots.records import BotRecord
from models.engine.base import now
from models.messaging.updates import StoredUpdate, Update, unhandled

# An attacker's messages to a bot must not fill the disk.
MAX_KEPT = 1000  # dead updates per bot
MAX_KEPT_BYTES = 10_000_000  # of their payloads together
MARGIN = 20  # dead updates between two checks of these limits
# Trimming keeps nine tenths, so that it does not run again at once.
_STAYS, _STAYS_BYTES = MAX_KEPT * 9 // 10, MAX_KEPT_BYTES * 9 // 10


@dataclass(frozen=True, slots=True)
class DeadUpdate:
    """An update whose handler failed for good, as its owner sees it.

    Args:
        size: the length of the payload in bytes.
        payload: the update as JSON; None in a list whose payloads together are too long.
    """

    update_id: int
    received_at: datetime
    dead_at: datetime
    attempts: int
    error: str
    size: int
    payload: bytes | None


def _size() -> Any:
    return peewee.fn.LENGTH(Update.payload)  # computed without reading the payload


def _of(bot_id: int, *columns: Any) -> Any:
    return Update.select(*columns).where(Update.bot == bot_id, *unhandled(dead=True))


def find(bot_id: int, update_id: int) -> DeadUpdate | None:
    """Return a dead update with its payload; None if there is none."""
    row = _of(bot_id).where(Update.update_id == update_id).first()
    if row is None:
        return None
    payload = bytes(row.payload)
    return DeadUpdate(
        update_id,
        row.received_at,
        row.dead_at,
        row.attempts,
        row.error,
        size=len(payload),
        payload=payload,
    )


def list_for(bot_id: int, *, limit: int, most_bytes: int) -> list[DeadUpdate]:
    """List a bot's dead updates, the latest first.

    Args:
        limit: the maximum number of updates.
        most_bytes: the maximum total size of payloads; payloads that do not fit are omitted.
    """
    columns = (Update.update_id, Update.received_at, Update.dead_at, Update.attempts, Update.error)
    query = _of(bot_id, *columns, _size()).order_by(Update.update_id.desc()).limit(limit)
    rows: list[Any] = list(query.tuples())
    fitting, left = [], most_bytes
    for number, *_, size in rows:
        if size <= left:
            fitting.append(number)
            left -= size
    query = _of(bot_id, Update.update_id, Update.payload).where(Update.update_id.in_(fitting))
    payloads = {number: bytes(payload) for number, payload in query.tuples()}
    return [DeadUpdate(*(*row, payloads.get(row[0]))) for row in rows]


def revive(bot: BotRecord, update_id: int, *, by: Actor) -> StoredUpdate | None:
    """Make a dead update pending again; return None if there is none."""
    row = _of(bot.id).where(Update.update_id == update_id).first()
    if row is None:
        return None
    Update.update(attempts=0, dead_at=None, error="").where(
        Update.bot == bot.id, Update.update_id == update_id
    ).execute()
    bots.record_action(Action.UPDATE_REPLAYED, bot, by, update_id=update_id)
    return StoredUpdate(update_id, bytes(row.payload), 0)


def delete(bot: BotRecord, update_id: int, *, by: Actor) -> bool:
    """Delete a dead update; return False if there is none."""
    if not _delete(bot.id, [update_id]):
        return False
    bots.record_action(Action.UPDATE_DELETED, bot, by, update_id=update_id)
    return True


def _delete(bot_id: int, ids: list[int]) -> int:
    query = Update.delete().where(
        Update.bot == bot_id, Update.update_id.in_(ids), *unhandled(dead=True)
    )
    return int(query.execute())


def bury(bot_id: int, update_id: int, *, attempts: int, error: str, trim: bool) -> int:
    """Store that an update's handler failed for good.

    Args:
        attempts: the number of failed attempts so far.
        error: the error, without secrets.
        trim: True to delete the oldest dead updates if there are too many.

    Returns:
        The number of deleted older ones.
    """
    Update.update(attempts=attempts, error=error, dead_at=now()).where(
        Update.bot == bot_id, Update.update_id == update_id
    ).execute()
    return _trim(bot_id) if trim else 0


def _trim(bot_id: int) -> int:
    """Delete a bot's oldest dead updates if there are too many of them, or too large ones.

    Returns:
        The number of deleted updates.
    """
    count, size = _of(
        bot_id, peewee.fn.COUNT(peewee.SQL("*")), peewee.fn.COALESCE(peewee.fn.SUM(_size()), 0)
    ).tuples()[0]
    if count <= MAX_KEPT - MARGIN and size <= MAX_KEPT_BYTES:
        return 0
    latest = _of(bot_id, Update.update_id, _size()).order_by(
        Update.dead_at.desc(), Update.update_id.desc()
    )
    too_many, size = [], 0
    for place, (number, bytes_of_it) in enumerate(latest.tuples()):
        size += bytes_of_it
        if place >= _STAYS or size > _STAYS_BYTES:
            too_many.append(number)
    # in steps, because the number of parameters of a statement is limited
    return sum(_delete(bot_id, too_many[at : at + 500]) for at in range(0, len(too_many), 500))


def older_than(age: timedelta, *, limit: int) -> list[tuple[int, int]]:
    """Return keys (bot id, update id) of dead updates of all bots that died longer ago."""
    query = (
        Update.select(Update.bot, Update.update_id)
        .where(*unhandled(dead=True), Update.dead_at < now() - age)
        .limit(limit)
    )
    return list(query.tuples())


def remove(keys: list[tuple[int, int]]) -> int:
    """Delete the updates with these keys that are still dead; return their number."""
    by_bot: dict[int, list[int]] = {}
    for bot_id, update_id in keys:
        by_bot.setdefault(bot_id, []).append(update_id)
    return sum(_delete(bot_id, ids) for bot_id, ids in by_bot.items())
