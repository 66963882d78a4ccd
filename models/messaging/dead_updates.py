"""Updates whose handlers failed for good: some are kept, for their bot's owner to try again."""

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

# What somebody hostile has a bot receive must not fill the disk.
MAX_KEPT = 1000  # of a bot
MAX_KEPT_BYTES = 10_000_000  # of all of these together
MARGIN = 20  # that may come before it is looked again whether there are too many
# Nine tenths stay then, so that it is not to do again at once.
_STAYS, _STAYS_BYTES = MAX_KEPT * 9 // 10, MAX_KEPT_BYTES * 9 // 10


@dataclass(frozen=True, slots=True)
class DeadUpdate:
    """An update whose handler failed for good, as its owner sees it.

    Args:
        size: bytes of the update as JSON.
        payload: that; None where all of them together were too long.
    """

    update_id: int
    received_at: datetime
    dead_at: datetime
    attempts: int
    error: str
    size: int
    payload: bytes | None


def _size() -> Any:
    return peewee.fn.LENGTH(Update.payload)  # known without reading it


def _of(bot_id: int, *columns: Any) -> Any:
    return Update.select(*columns).where(Update.bot == bot_id, *unhandled(dead=True))


def find(bot_id: int, update_id: int) -> DeadUpdate | None:
    """One dead update, whole."""
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
    """A bot's dead updates, the latest first.

    Args:
        limit: how many at most.
        most_bytes: of payloads, over all of them; those that do not fit are left out.
    """
    columns = (Update.update_id, Update.received_at, Update.dead_at, Update.attempts, Update.error)
    query = _of(bot_id, *columns, _size()).order_by(Update.update_id.desc()).limit(limit)
    rows: list[Any] = list(query.tuples())
    fitting, left = [], most_bytes
    for number, *_, size in rows:
        if size <= left:
            fitting.append(number)
            left -= size
    found = _of(bot_id, Update.update_id, Update.payload).where(Update.update_id.in_(fitting))
    payloads = {number: bytes(payload) for number, payload in found.tuples()}
    return [DeadUpdate(*(*row, payloads.get(row[0]))) for row in rows]


def revive(bot: BotRecord, update_id: int, *, by: Actor) -> StoredUpdate | None:
    """Let a dead update wait for its handler again; None when there is none."""
    row = _of(bot.id).where(Update.update_id == update_id).first()
    if row is None:
        return None
    Update.update(attempts=0, dead_at=None, error="").where(
        Update.bot == bot.id, Update.update_id == update_id
    ).execute()
    bots.record_action(Action.UPDATE_REPLAYED, bot, by, update_id=update_id)
    return StoredUpdate(update_id, bytes(row.payload), 0)


def delete(bot: BotRecord, update_id: int, *, by: Actor) -> bool:
    """Remove a dead update; False when there is none."""
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
        attempts: how often it has failed by now.
        error: why, without secrets.
        trim: whether to look if there are too many now.

    Returns:
        How many older ones went.
    """
    Update.update(attempts=attempts, error=error, dead_at=now()).where(
        Update.bot == bot_id, Update.update_id == update_id
    ).execute()
    return _trim(bot_id) if trim else 0


def _trim(bot_id: int) -> int:
    """Remove a bot's oldest dead updates when there are too many of them, or too large ones.

    Returns:
        How many went.
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
    # a statement can have so many parameters only
    return sum(_delete(bot_id, too_many[at : at + 500]) for at in range(0, len(too_many), 500))


def older_than(age: timedelta, *, limit: int) -> list[tuple[int, int]]:
    """Some dead updates of all bots that died longer ago: bot ids with update ids."""
    query = (
        Update.select(Update.bot, Update.update_id)
        .where(*unhandled(dead=True), Update.dead_at < now() - age)
        .limit(limit)
    )
    return list(query.tuples())


def remove(keys: list[tuple[int, int]]) -> int:
    """Remove such updates, if they are still dead; how many went."""
    by_bot: dict[int, list[int]] = {}
    for bot_id, update_id in keys:
        by_bot.setdefault(bot_id, []).append(update_id)
    return sum(_delete(bot_id, ids) for bot_id, ids in by_bot.items())
