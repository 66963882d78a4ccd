"""Updates whose handlers failed for good: see why, try again, or let go."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from tornado.web import url

from handlers import errors
from handlers.bots import BotHandler
from handlers.schemas.common import DeadUpdateSchema
from models.messaging import updates

LISTED = 100  # dead updates that are shown; the latest ones


class DeadUpdates(BotHandler):
    """A bot's dead updates."""

    async def get(self, bot_id: str) -> None:
        """List the updates whose handler failed three times, the latest first, 100 at most.

        Those that cannot be understood are among them, with what is wrong with them.

        ---
        summary: Dead updates
        tags: [Bots]
        responses:
          200: {description: The dead updates., schema: DeadUpdateSchema, many: true}
        """
        bot = await self.bot(bot_id)
        found = await self.services.db.read(updates.dead, bot.id, limit=LISTED)
        rows = [asdict(row) | {"update": orjson.loads(row.payload)} for row in found]
        self.answer(DeadUpdateSchema(many=True).dump(rows))


class OneDeadUpdate(BotHandler):
    """One dead update."""

    async def delete(self, bot_id: str, update_id: str) -> None:
        """Let a dead update go.

        ---
        summary: Delete a dead update
        tags: [Bots]
        responses:
          204: {description: It is gone.}
        """
        bot = await self.bot(bot_id)
        if not await self.write_as_caller(updates.delete_dead, bot, int(update_id)):
            raise errors.NotFound(f"Bot {bot.id} has no dead update {update_id}.")
        self.set_status(204)


class Replay(BotHandler):
    """Another try."""

    async def post(self, bot_id: str, update_id: str) -> None:
        """Hand a dead update to the bot again; when the bot is off, its next start does.

        ---
        summary: Replay a dead update
        tags: [Bots]
        responses:
          202: {description: It waits for its handler again., schema: DetailSchema}
        """
        bot = await self.bot(bot_id)
        if not await self.services.bots.replay(bot, int(update_id), by=self.actor):
            raise errors.NotFound(f"Bot {bot.id} has no dead update {update_id}.")
        self.answer({"detail": "The update waits for its handler again."}, status=202)


_DEAD = r"/api/v1/telegram_data/([0-9]{1,18})/dead_updates"

routes = [
    url(_DEAD + r"/?", DeadUpdates),
    url(_DEAD + r"/([0-9]{1,18})/?", OneDeadUpdate),
    url(_DEAD + r"/([0-9]{1,18})/replay/?", Replay),
]
