"""Uploaded files, as the runner reads them to send them."""

from __future__ import annotations

import asyncio
import logging

from models.bots.records import Writer
from models.engine.base import now
from models.engine.bulk import stored
from models.engine.database import Database
from models.errors import StorageError
from models.messaging import media
from models.messaging.media import MediaRecord

log = logging.getLogger("botyard.runner")

UPLOADS = 6  # files that all bots of this process send to Telegram at once


class MediaStore:
    """The runner's one way to the uploaded files.

    Args:
        db: the database.

    Attributes:
        room: bounds the uploads to Telegram, so that they leave room for answers.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.room = asyncio.Semaphore(UPLOADS)

    async def several(self, bot_id: int, ids: list[int]) -> dict[int, MediaRecord]:
        """Read what is known of some files of a bot; those that it does not have are left out."""
        return await self._db.read(media.several, bot_id, ids)

    async def piece(self, bot_id: int, media_id: int, number: int) -> bytes | None:
        """Read a piece of a file; None if it was deleted."""
        return await self._db.read(media.piece, bot_id, media_id, number)

    async def save_file_ids(self, writer: Writer, file_ids: tuple[tuple[int, str], ...]) -> None:
        """Store Telegram's ids of files; without them, the files are uploaded again."""
        rows = [(writer, *file_id) for file_id in file_ids]

        def save() -> None:
            media.store_file_ids(rows, stored(now()))

        try:
            await self._db.write_as_owner(save)
        except StorageError as error:
            log.warning("bot %d: ids of files were not stored: %s", writer.bot_id, error)
