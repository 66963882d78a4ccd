"""Files that people upload for their bots, stored in pieces.

They are in the database, so that a backup has them and any process can send them. How they get
there is in `models.messaging.uploading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import peewee

from models.accounts.audit import Action, Actor
from models.accounts.users import User
from models.bots import bots
from models.bots.records import BotRecord, Writer
from models.bots.tables import Bot
from models.engine import bulk
from models.engine.base import BaseModel, UTCDateTimeField

MB = 2**20
PIECE = 256 * 1024  # bytes of each piece but the last


class Media(BaseModel):
    """A file. While it is being uploaded, `size` is the room that is kept free for it.

    `file_id` is Telegram's, from the first time that the bot sent the file.
    """

    id = peewee.BigAutoField()
    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    name = peewee.CharField(max_length=255)
    mime_type = peewee.CharField(max_length=127)
    kind = peewee.CharField(max_length=16)
    size = peewee.BigIntegerField()
    sha256 = peewee.CharField(max_length=64, default="")
    is_complete = peewee.BooleanField(default=False)
    created_at = UTCDateTimeField()
    author = peewee.ForeignKeyField(User, null=True, on_delete="SET NULL", index=False)
    file_id = peewee.CharField(max_length=255, null=True)
    file_id_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "media"


class MediaPiece(BaseModel):
    """A piece of a file; the numbers begin with 0."""

    media = peewee.ForeignKeyField(Media, on_delete="CASCADE", index=False)
    number = peewee.IntegerField()
    data = peewee.BlobField()

    class Meta:
        table_name = "media_pieces"
        primary_key = peewee.CompositeKey("media", "number")


@dataclass(frozen=True, slots=True)
class MediaRecord:
    """A file as the rest of the program sees it, without its content.

    Args:
        kind: as what it is sent, such as photo.
        size: in bytes.
        author: the name of the account that uploaded it; None if that was deleted.
        file_id: Telegram's id; None until it is sent.
    """

    id: int
    name: str
    mime_type: str
    kind: str
    size: int
    sha256: str
    created_at: datetime
    author: str | None
    file_id: str | None

    @property
    def pieces(self) -> int:
        """The number of its pieces."""
        return -(-self.size // PIECE)


def record_action(action: Action, bot: BotRecord, media: MediaRecord, by: Actor) -> None:
    """Add an entry about a file to the audit log."""
    bots.record_action(action, bot, by, media=media.id, name=media.name, size=media.size)


_SELECT = (
    "SELECT media.id, media.name, mime_type, kind, size, sha256, media.created_at, "
    "users.username, file_id FROM media LEFT JOIN users ON users.id = media.author_id "
    "WHERE is_complete AND bot_id = ? AND "
)


def _records(condition: str, *parameters: Any) -> list[MediaRecord]:
    return [
        MediaRecord(
            number, name, mime_type, kind, size, sha256,
            cast(datetime, bulk.loaded(created_at)), author, file_id,
        )
        for (
            number, name, mime_type, kind, size, sha256, created_at, author, file_id,
        ) in bulk.select(_SELECT + condition, *parameters)
    ]  # fmt: skip


def find(bot_id: int, media_id: int) -> MediaRecord | None:
    """Return a file of a bot; None if there is none, or it is not complete."""
    found = _records("media.id = ?", bot_id, media_id)
    return found[0] if found else None


def several(bot_id: int, ids: list[int]) -> dict[int, MediaRecord]:
    """Return those of some files that a bot has, by id."""
    marks = ", ".join("?" * len(ids))
    return {one.id: one for one in _records(f"media.id IN ({marks})", bot_id, *ids)}


def list_for(bot_id: int, *, before: int | None, limit: int) -> list[MediaRecord]:
    """List a bot's files, the latest first.

    Args:
        before: only those with a smaller id; None for all.
    """
    condition = "(? = 0 OR media.id < ?) ORDER BY media.id DESC LIMIT ?"
    return _records(condition, bot_id, before or 0, before or 0, limit)


def piece(bot_id: int, media_id: int, number: int) -> bytes | None:
    """Return a piece of a bot's file; None if there is none."""
    rows = bulk.select(
        "SELECT data FROM media_pieces JOIN media ON media.id = media_pieces.media_id "
        "WHERE media_id = ? AND number = ? AND bot_id = ? AND is_complete",
        media_id, number, bot_id,
    )  # fmt: skip
    return bytes(rows[0][0]) if rows else None


def delete(bot: BotRecord, media_id: int, *, by: Actor) -> bool:
    """Delete a file, so that nobody finds it; return False if the bot has no such file.

    `models.messaging.uploading.purge` deletes what it consists of.
    """
    record = find(bot.id, media_id)
    if record is None:
        return False
    Media.update(is_complete=False).where(Media.id == media_id).execute()
    record_action(Action.MEDIA_DELETED, bot, record, by)
    return True


def discard(bot_ids: list[int], *, by: Actor) -> list[int]:
    """Delete all files of some bots that are about to be deleted; as `delete`.

    Args:
        by: the actor, whose permission `sessions.authorized` has checked.

    Returns:
        The ids of the files.
    """
    Media.update(is_complete=False).where(Media.bot.in_(bot_ids)).execute()
    return ids_of(bot_ids)


def ids_of(bot_ids: list[int]) -> list[int]:
    """Return the ids of all files of some bots, also of those that are not complete."""
    query = Media.select(Media.id).where(Media.bot.in_(bot_ids)).order_by(Media.id)
    return [number for (number,) in query.tuples()]


def store_file_ids(sent: list[tuple[Writer, int, str]], moment: Any) -> None:
    """Store Telegram's ids of files that bots have sent.

    Nothing is stored for a bot that has another token by now: it may be another bot of Telegram,
    for which the id is worth nothing.

    Args:
        sent: the bot, the file, and its id at Telegram.
        moment: the current time, as returned by `bulk.stored`.
    """
    bulk.run_in_few_statements(
        "UPDATE media SET file_id = given.column4, file_id_at = ? "
        "FROM (VALUES ROWS) AS given JOIN bots ON bots.id = given.column1 "
        "AND bots.token_generation = given.column2 "
        "WHERE media.id = given.column3 AND media.bot_id = given.column1",
        [(*writer[:2], number, file_id) for writer, number, file_id in sent],
        moment,
    )


def forget_file_ids(bot_id: int) -> None:
    """Forget Telegram's ids of a bot's files, because it is another Telegram bot now."""
    Media.update(file_id=None, file_id_at=None).where(Media.bot == bot_id).execute()
