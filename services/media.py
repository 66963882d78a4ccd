"""Files that people upload for their bots: receive, list, show, delete."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.bots.records import BotRecord
from models.engine.database import Database
from models.errors import StorageError
from models.messaging import media, uploading
from models.messaging.media import MB, PIECE, MediaRecord
from models.messaging.uploading import Quotas
from services.errors import EmptyFile, FileTooLarge, MediaInUse, MediaNotFound
from services.media_removal import purge
from services.uploads import published_uploads

MAX_PHOTO, MAX_FILE = 10 * MB, 20 * MB  # bytes
REST = 1.0  # how long to rest after a piece, by the time that it took to store
BOT_QUOTA, ACCOUNT_QUOTA = 200 * MB, 500 * MB


def max_size(kind: str) -> int:
    """Return how many bytes a file of a kind may have."""
    return MAX_PHOTO if kind == "photo" else MAX_FILE


class Upload:
    """A file that is being received. At most one piece of it is in memory.

    Args:
        db: the database.
        bot: the bot that it is for.
        media_id: its row.
        kind: as what it will be sent.
        quotas: how much may be stored.
        by: the caller, whose session must be valid for each piece.
    """

    def __init__(
        self, db: Database, bot: BotRecord, media_id: int, *, kind: str, quotas: Quotas, by: Actor
    ) -> None:
        self._db = db
        self._bot = bot
        self._id = media_id
        self._max = max_size(kind)
        self._quotas = quotas
        self._by = by
        self._pieces = _Pieces()

    async def add(self, data: bytes) -> None:
        """Take some bytes more.

        Raises:
            FileTooLarge: it has more than a file of its kind may have.
            MediaQuotaReached, MediaStorageFull, MediaGone: as for `models.messaging.uploading`.
            SessionEnded: the caller's session has ended.
        """
        self._pieces.add(data)
        if self._pieces.size > self._max:
            raise FileTooLarge(self._max)
        while (full := self._pieces.take()) is not None:
            await self._store(*full)

    async def _store(self, number: int, data: bytes) -> None:
        began = time.monotonic()
        # apart: an answer of a bot in the same transaction would have to wait for it
        await self._db.write_apart(
            authorized,
            self._by,
            uploading.add_piece,
            self._bot,
            self._id,
            number,
            data,
            size=number * PIECE + len(data),
            quotas=self._quotas,
        )
        await self._db.checkpoint()
        await asyncio.sleep(REST * (time.monotonic() - began))  # for others

    async def finish(self) -> MediaRecord:
        """Complete the file.

        Raises:
            EmptyFile: it has no byte.
            SessionEnded, MediaGone: as for `add`.
        """
        if not self._pieces.size:
            raise EmptyFile
        if (last := self._pieces.take(last=True)) is not None:
            await self._store(*last)
        return await self._db.write(
            authorized,
            self._by,
            uploading.finish,
            self._bot,
            self._id,
            size=self._pieces.size,
            sha256=self._pieces.digest.hexdigest(),
        )

    async def abandon(self) -> None:
        """Delete what was stored of a file that will not be completed."""
        await purge(self._db, [self._id])


class _Pieces:
    """Cuts what comes in into pieces, and adds up size and digest.

    Attributes:
        size: the number of bytes.
        digest: their SHA-256.
    """

    def __init__(self) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self._left = bytearray()
        self._number = 0

    def add(self, data: bytes) -> None:
        """Take some bytes."""
        self.size += len(data)
        self.digest.update(data)
        self._left += data

    def take(self, *, last: bool = False) -> tuple[int, bytes] | None:
        """Return the next piece with its number; None if there is none.

        Args:
            last: True to take the rest, too, however short it is.
        """
        if not self._left or (len(self._left) < PIECE and not last):
            return None
        data = bytes(self._left[:PIECE])
        del self._left[:PIECE]
        self._number += 1
        return self._number - 1, data


class MediaService:
    """Receives, lists, shows and deletes files.

    Args:
        db: the database.
        total: how many bytes the files of all accounts may have together.
    """

    def __init__(self, *, db: Database, total: int) -> None:
        self._db = db
        self._quotas = Quotas(BOT_QUOTA, ACCOUNT_QUOTA, total)

    async def begin(
        self, bot: BotRecord, *, name: str, mime_type: str, kind: str, size: int, by: Actor
    ) -> Upload:
        """Begin to receive a file.

        Args:
            size: its size as far as it is known, at least; 0 if it is not.

        Raises:
            FileTooLarge: a file of this kind may not have that size.
            MediaQuotaReached, MediaStorageFull: there is no room for it.
            SessionEnded, MediaGone: as for `Upload.add`.
        """
        if size > max_size(kind):
            raise FileTooLarge(max_size(kind))
        media_id = await self._db.write_apart(
            authorized,
            by,
            uploading.begin,
            bot,
            name=name,
            mime_type=mime_type,
            kind=kind,
            size=size,
            quotas=self._quotas,
        )
        return Upload(self._db, bot, media_id, kind=kind, quotas=self._quotas, by=by)

    async def list_for(
        self, bot: BotRecord, *, before: int | None, limit: int
    ) -> list[MediaRecord]:
        """List a bot's files, the latest first; see `models.messaging.media.list_for`."""
        return await self._db.read(media.list_for, bot.id, before=before, limit=limit)

    async def find(self, bot: BotRecord, media_id: int) -> MediaRecord:
        """Find a file of a bot.

        Raises:
            MediaNotFound: the bot has no such file.
        """
        record = await self._db.read(media.find, bot.id, media_id)
        if record is None:
            raise MediaNotFound(bot.id, media_id)
        return record

    async def content(self, bot: BotRecord, record: MediaRecord) -> AsyncIterator[bytes]:
        """Return the content of a file, piece by piece.

        Raises:
            MediaNotFound: the file was deleted meanwhile.
        """
        for number in range(record.pieces):
            data = await self._db.read(media.piece, bot.id, record.id, number)
            if data is None:
                raise MediaNotFound(bot.id, record.id)
            yield data

    async def delete(self, bot: BotRecord, media_id: int, *, by: Actor) -> None:
        """Delete a file of a bot; a message that waits to be sent with it will fail.

        Raises:
            MediaNotFound: the bot has no such file.
            MediaInUse: the bot's scenario sends it.
        """
        if media_id in await published_uploads(self._db, bot):
            raise MediaInUse(media_id)
        if not await self._db.write(authorized, by, media.delete, bot, media_id):
            raise MediaNotFound(bot.id, media_id)
        with suppress(StorageError):  # it is gone for everybody; what stays is deleted later
            await purge(self._db, [media_id])
