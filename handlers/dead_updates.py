"""Updates whose handlers failed for good: show, retry, delete."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from tornado.web import url

from handlers.bots import BotHandler
from handlers.ids import ID
from handlers.schemas.bots import DeadUpdateSchema
from handlers.schemas.common import shared
from models.messaging.dead_updates import DeadUpdate
from services.errors import DeadUpdateNotFound


class DeadUpdates(BotHandler):
    """A bot's dead updates."""

    async def get(self, bot_id: str) -> None:
        """List the updates whose handler failed three times, the latest first, 100 at most.

        The list includes updates that could not be parsed, each with the reason. Above 64 KB of
        updates in total, `update` is null and `update_left_out` true: request that one by its id.

        ---
        summary: Dead updates
        tags: [Bots]
        responses:
          200: {description: The dead updates., schema: DeadUpdateSchema, many: true}
        """
        bot = await self.bot(bot_id)
        rows = await self.services.dead_updates.list_for(bot)
        self.answer(shared(DeadUpdateSchema).dump([_present(row) for row in rows], many=True))


def _present(row: DeadUpdate) -> dict[str, Any]:
    return asdict(row) | {
        "update": None if row.payload is None else orjson.loads(row.payload),
        "update_bytes": row.size,
        "update_left_out": row.payload is None,
    }


class OneDeadUpdate(BotHandler):
    """One dead update."""

    async def get(self, bot_id: str, update_id: str) -> None:
        """Show a dead update in full.

        ---
        summary: One dead update
        tags: [Bots]
        responses:
          200: {description: The dead update., schema: DeadUpdateSchema}
        """
        bot = await self.bot(bot_id)
        row = await self.services.dead_updates.find(bot, int(update_id))
        self.answer(shared(DeadUpdateSchema).dump(_present(row)))

    async def delete(self, bot_id: str, update_id: str) -> None:
        """Delete a dead update.

        ---
        summary: Delete a dead update
        tags: [Bots]
        responses:
          204: {description: The update was deleted.}
        """
        bot = await self.bot(bot_id)
        await self.services.dead_updates.delete(bot, int(update_id), by=self.actor)
        self.set_status(204)


class Replay(BotHandler):
    """One more attempt."""

    async def post(self, bot_id: str, update_id: str) -> None:
        """Handle a dead update again: now, or at the next start of the bot.

        ---
        summary: Replay a dead update
        tags: [Bots]
        responses:
          202: {description: The update waits for its handler again., schema: DetailSchema}
        """
        bot = await self.bot(bot_id)
        if not await self.services.bots.retry_dead_update(bot, int(update_id), by=self.actor):
            raise DeadUpdateNotFound(bot.id, int(update_id))
        self.answer({"detail": "The update waits for its handler again."}, status=202)


_DEAD = rf"/api/v1/telegram_data/({ID})/dead_updates"

routes = [
    url(_DEAD + r"/?", DeadUpdates),
    url(_DEAD + rf"/({ID})/?", OneDeadUpdate),
    url(_DEAD + rf"/({ID})/replay/?", Replay),
]
