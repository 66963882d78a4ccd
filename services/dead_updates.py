"""Updates whose handlers failed for good: show and delete them; `BotService` retries one."""

from __future__ import annotations

from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.bots.records import BotRecord
from models.engine.database import Database
from models.messaging import dead_updates
from models.messaging.dead_updates import DeadUpdate
from services.errors import DeadUpdateNotFound

LISTED = 100  # the latest updates
LISTED_BYTES = 65_536  # of all payloads in a list together


class DeadUpdateService:
    """Shows and deletes dead updates.

    Args:
        db: the database.
    """

    def __init__(self, *, db: Database) -> None:
        self._db = db

    async def list_for(self, bot: BotRecord) -> list[DeadUpdate]:
        """List the latest dead updates of a bot; those beyond `LISTED_BYTES` have no payload."""
        return await self._db.read(
            dead_updates.list_for, bot.id, limit=LISTED, most_bytes=LISTED_BYTES
        )

    async def find(self, bot: BotRecord, update_id: int) -> DeadUpdate:
        """Find a dead update of a bot.

        Raises:
            DeadUpdateNotFound: the bot has no such dead update.
        """
        row = await self._db.read(dead_updates.find, bot.id, update_id)
        if row is None:
            raise DeadUpdateNotFound(bot.id, update_id)
        return row

    async def delete(self, bot: BotRecord, update_id: int, *, by: Actor) -> None:
        """Delete a dead update of a bot.

        Raises:
            DeadUpdateNotFound: the bot has no such dead update.
        """
        if not await self._db.write(authorized, by, dead_updates.delete, bot, update_id):
            raise DeadUpdateNotFound(bot.id, update_id)
