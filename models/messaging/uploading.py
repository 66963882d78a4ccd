"""Storing a file piece by piece while it is uploaded, within the quotas.

The row of a file exists from the moment its upload begins, with the room that it needs: files that
are uploaded at once can never take more than a quota together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import peewee

from models.accounts.audit import Action, Actor
from models.bots.records import BotRecord
from models.bots.tables import Bot
from models.engine import bulk
from models.engine.base import now, proxy
from models.errors import MediaGone, MediaQuotaReached, MediaStorageFull
from models.messaging.media import Media, MediaPiece, MediaRecord, find, record_action

MAX_FILES = 1000  # of a bot; small files take room, too
_ROOM_LOCK = 0x626F746D  # an advisory lock of PostgreSQL: arbitrary, the same in every version


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much may be stored, in bytes."""

    bot: int
    account: int
    total: int


def _check_room(bot: BotRecord, size: int, quotas: Quotas) -> None:
    """Check that there is room for some bytes more; nobody else takes it in this transaction.

    The account is locked by `sessions.authorized`, so only the sum of all needs a lock.
    """
    ((count, of_bot),) = bulk.select(
        "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM media WHERE bot_id = ?", bot.id
    )
    if count > MAX_FILES:
        raise MediaQuotaReached("bot", MAX_FILES, files=True)
    if of_bot + size > quotas.bot:
        raise MediaQuotaReached("bot", quotas.bot)
    ((of_account,),) = bulk.select(
        "SELECT COALESCE(SUM(size), 0) FROM media JOIN bots ON bots.id = media.bot_id "
        "WHERE bots.user_id = ?",
        bot.user_id,
    )
    if of_account + size > quotas.account:
        raise MediaQuotaReached("account", quotas.account)
    if not isinstance(proxy.obj, peewee.SqliteDatabase):
        bulk.select("SELECT pg_advisory_xact_lock(?)", _ROOM_LOCK)
    ((of_all,),) = bulk.select("SELECT COALESCE(SUM(size), 0) FROM media")
    if of_all + size > quotas.total:
        raise MediaStorageFull


def begin(
    bot: BotRecord,
    *,
    name: str,
    mime_type: str,
    kind: str,
    size: int,
    quotas: Quotas,
    by: Actor,
) -> int:
    """Begin to store a file, and keep room free for it.

    Args:
        size: the room in bytes; `add_piece` takes more if that is too little.

    Returns:
        The file's id.

    Raises:
        MediaQuotaReached, MediaStorageFull: there is no room for it.
        MediaGone: the bot was deleted.
    """
    if not Bot.select().where(Bot.id == bot.id, Bot.user == bot.user_id).exists():
        raise MediaGone
    row = Media.create(
        bot=bot.id,
        name=name,
        mime_type=mime_type,
        kind=kind,
        size=0,
        created_at=now(),
        author=by.user_id,
    )
    _reserve(bot, row.id, 0, size, quotas)
    return int(row.id)


def _reserve(bot: BotRecord, media_id: int, before: int, size: int, quotas: Quotas) -> None:
    _check_room(bot, size - before, quotas)
    bulk.execute("UPDATE media SET size = ? WHERE id = ?", size, media_id)


def add_piece(
    bot: BotRecord,
    media_id: int,
    number: int,
    data: bytes,
    *,
    size: int,
    quotas: Quotas,
    by: Actor,
) -> None:
    """Store a piece of a file that is being uploaded.

    Args:
        size: the size of all its pieces so far.
        by: the actor, whose permission `sessions.authorized` has checked.

    Raises:
        MediaQuotaReached, MediaStorageFull: it takes more room than was kept free, and there is
            none.
        MediaGone: the upload was ended, or the bot deleted.
    """
    reserved = _reserved(bot.id, media_id)
    if size > reserved:
        _reserve(bot, media_id, reserved, size, quotas)
    MediaPiece.insert(media=media_id, number=number, data=data).execute()


def _reserved(bot_id: int, media_id: int) -> int:
    rows = bulk.select(
        "SELECT size FROM media WHERE id = ? AND bot_id = ? AND NOT is_complete", media_id, bot_id
    )
    if not rows:
        raise MediaGone
    return int(rows[0][0])


def finish(bot: BotRecord, media_id: int, *, size: int, sha256: str, by: Actor) -> MediaRecord:
    """Complete a file whose pieces are all stored.

    Raises:
        MediaGone: the upload was ended, or the bot deleted.
    """
    _reserved(bot.id, media_id)
    Media.update(size=size, sha256=sha256, is_complete=True).where(Media.id == media_id).execute()
    record = find(bot.id, media_id)
    if record is None:
        raise MediaGone
    record_action(Action.MEDIA_UPLOADED, bot, record, by)
    return record


def purge(media_id: int, *, limit: int) -> bool:
    """Delete a part of a file that is not complete, or no longer.

    In parts, because one transaction for all of it would keep others waiting.

    Args:
        limit: the maximum number of pieces.

    Returns:
        True if something of it is left.
    """
    mine = Media.select(Media.id).where(Media.id == media_id, ~Media.is_complete)
    numbers = [
        number
        for (number,) in MediaPiece.select(MediaPiece.number)
        .where(MediaPiece.media.in_(mine))
        .order_by(MediaPiece.number)
        .limit(limit)
        .tuples()
    ]
    MediaPiece.delete().where(
        MediaPiece.media == media_id, MediaPiece.number.in_(numbers)
    ).execute()
    if len(numbers) == limit:
        return True
    Media.delete().where(Media.id == media_id, ~Media.is_complete).execute()
    return False


def abandoned(*, older_than: timedelta, limit: int) -> list[int]:
    """Return files whose upload or deletion was cut by a crash.

    Args:
        older_than: how long ago an upload began that does not go on.
        limit: the maximum number.
    """
    query = (
        Media.select(Media.id)
        .where(~Media.is_complete, Media.created_at < now() - older_than)
        .order_by(Media.created_at)
        .limit(limit)
    )
    return [number for (number,) in query.tuples()]
