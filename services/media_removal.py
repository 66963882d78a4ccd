"""Deletes files, and what bots have, in parts small enough to delay nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.dialogs import conversations, statistics, steps, tags
from models.engine.database import Database
from models.messaging import media, removal, uploading
from services.steps import STEP, in_steps

ABANDONED = timedelta(minutes=30)  # after which an upload that has not ended was cut by a crash
_PIECES = 8  # that are deleted at once
_FILES = 100  # that are looked for at once
_DISCARDS = (
    removal.discard, steps.discard, conversations.discard, tags.discard, statistics.discard,
)  # fmt: skip
_REST = 1.0  # how long to rest after a part, by the time that it took to delete


async def purge(db: Database, media_ids: list[int]) -> None:
    """Delete files that are not complete, or no longer."""
    for media_id in media_ids:
        more = True
        while more:
            began = time.monotonic()
            more = await db.write_apart(uploading.purge, media_id, limit=_PIECES)
            await db.checkpoint()
            await asyncio.sleep(_REST * (time.monotonic() - began))


async def discard_contents(db: Database, bot_ids: list[int], *, by: Actor) -> None:
    """Delete what bots that are about to be deleted have: files, messages, talks, tags and so on.

    All at once would take long. Messages would also stay in the index of the search: it knows of no
    foreign keys.

    Raises:
        SessionEnded, NotStaff: as for `models.accounts.sessions.authorized`.
    """

    if await db.read(media.ids_of, bot_ids):
        await purge(db, await db.write(authorized, by, media.discard, bot_ids))
    if bot_ids:
        for discard in _DISCARDS:
            await in_steps(partial(_discard_some, db, discard, bot_ids, by))


async def _discard_some(
    db: Database, discard: Callable[..., int], bot_ids: list[int], by: Actor
) -> bool:
    return await db.write(authorized, by, discard, bot_ids, limit=STEP) == STEP


async def purge_abandoned(db: Database) -> int:
    """Delete what crashes have left of uploads and deletions; return the number of files."""
    total = 0
    while ids := await db.read(uploading.abandoned, older_than=ABANDONED, limit=_FILES):
        await purge(db, ids)
        total += len(ids)
    return total
