"""Bots: list, add, show, change, switch on and off, delete."""

from __future__ import annotations

from typing import Any

from tornado.web import url

from handlers import errors
from handlers.base import ApiHandler
from handlers.ids import ID
from handlers.presentation import present_bot
from handlers.schemas.bots import BotSchema
from handlers.schemas.common import optional_fields
from models.bots import bots
from models.bots.records import BotRecord
from models.bots.vault import is_masked, mask
from runner.states import BotStatus
from services.bots import Outcome


class BotHandler(ApiHandler):
    """The base of resources that belong to a bot."""

    async def bot(self, bot_id: str) -> BotRecord:
        """Find the caller's bot of an id.

        Raises:
            NotFound: there is none, or it is another account's.
        """
        db, vault = self.services.db, self.services.vault
        record = await db.read(bots.get, vault, int(bot_id), user_id=self.principal.user.id)
        if record is None:
            raise errors.NotFound(f"You have no bot {bot_id}.")
        return record

    async def shown(self, bot_id: str) -> tuple[BotRecord, BotStatus]:
        """Find the caller's bot of an id, with its status of the same moment.

        Raises:
            NotFound: as for `bot`.
        """
        views, me = self.services.runner.views, self.principal.user
        shown = await views.view(int(bot_id), user_id=me.id)
        if shown is None:
            raise errors.NotFound(f"You have no bot {bot_id}.")
        return shown

    def answer_outcome(self, outcome: Outcome, *, status: int, reveal: bool) -> None:
        """Answer with a bot after a change."""
        self.answer(present_bot(outcome.bot, outcome.status, reveal=reveal), status=status)


class Bots(BotHandler):
    """The caller's bots."""

    async def get(self) -> None:
        """List your bots, oldest first.

        ---
        summary: Your bots
        tags: [Bots]
        responses:
          200: {description: All your bots., schema: BotSchema, many: true}
        """
        services, me = self.services, self.principal.user
        pairs = await services.runner.views.show(bots.list_for, services.vault, me.id)
        self.answer([present_bot(bot, status) for bot, status in pairs])

    async def post(self) -> None:
        """Add a bot; unless `active` is false, it has been started when the response arrives.

        The token is checked with Telegram. If Telegram cannot be reached, the bot is stored
        nevertheless and starts automatically as soon as possible.

        ---
        summary: Add a bot
        tags: [Bots]
        requestBody: {schema: BotSchema}
        responses:
          201:
            description: The bot. Only this response contains the full token.
            schema: BotSchema
            headers:
              Location: {description: The address of the bot., schema: {type: string}}
          403: {description: The account has the maximum of bots., codes: [bot_limit_reached]}
          409: {description: "Telegram accepts the token, but the bot is already registered."}
          422: {description: Telegram does not accept the token; nothing was stored.}
        """
        body = self.load(BotSchema)
        if is_masked(body["token"]):
            raise errors.invalid({"token": ["This token is masked; enter the full token."]})
        self.services.limits.check_token(self.principal.user.id)
        outcome = await self.services.bots.create(self.principal.user.id, **body, by=self.actor)
        self.set_header("Location", f"/api/v1/telegram_data/{outcome.bot.id}/")
        self.answer_outcome(outcome, status=201, reveal=True)


class OneBot(BotHandler):
    """One bot."""

    async def get(self, bot_id: str) -> None:
        """Show a bot.

        ---
        summary: One bot
        tags: [Bots]
        responses:
          200: {description: The bot., schema: BotSchema}
        """
        self.answer(present_bot(*await self.shown(bot_id)))

    async def put(self, bot_id: str) -> None:
        """Change a bot. The token is required; other fields that are left out stay as they are.

        ---
        summary: Change a bot, its token required
        tags: [Bots]
        requestBody: {schema: BotSchema}
        responses:
          200:
            description: >-
              Stored. `status` shows the result; for `retrying` and `failed`, `detail` explains it.
            schema: BotSchema
          202: {description: Stored; the bot is still starting., schema: BotSchema}
          409: {description: "Telegram accepts the token, but the bot is already registered."}
          422: {description: Telegram does not accept the token; nothing was changed.}
        """
        await self._change(bot_id, partial=optional_fields(BotSchema))

    async def patch(self, bot_id: str) -> None:
        """Change the given fields of a bot; `active` starts or stops it before the response.

        ---
        summary: Change a bot, switch it on or off
        tags: [Bots]
        requestBody: {schema: BotSchema, partial: true}
        responses:
          200:
            description: >-
              Stored. `status` shows the result; for `retrying` and `failed`, `detail` explains it.
            schema: BotSchema
          202: {description: Stored; the bot is still starting., schema: BotSchema}
          409: {description: "Telegram accepts the token, but the bot is already registered."}
          422: {description: Telegram does not accept the token; nothing was changed.}
        """
        await self._change(bot_id, partial=True)

    async def _change(self, bot_id: str, *, partial: bool | frozenset[str]) -> None:
        bot = await self.bot(bot_id)
        changes = self.load(BotSchema, partial=partial)
        reveal = self._new_token(bot, changes)
        if changes.get("token", bot.token) != bot.token:
            self.services.limits.check_token(self.principal.user.id)
        outcome = await self.services.bots.update(bot, changes, by=self.actor)
        self.answer_outcome(outcome, status=200 if outcome.is_stable else 202, reveal=reveal)

    @staticmethod
    def _new_token(bot: BotRecord, changes: dict[str, Any]) -> bool:
        """Return True if a change sets a token; the masked form means that it does not."""
        token = changes.get("token")
        if token is not None and is_masked(token):
            if token != mask(bot.token):
                raise errors.invalid({"token": ["This is the masked token of another bot."]})
            del changes["token"]
        return "token" in changes

    async def delete(self, bot_id: str) -> None:
        """Stop a bot and delete it.

        ---
        summary: Delete a bot
        tags: [Bots]
        responses:
          204: {description: The bot was stopped and deleted.}
        """
        await self.services.bots.delete(await self.bot(bot_id), by=self.actor)
        self.set_status(204)


routes = [
    url(r"/api/v1/telegram_data/?", Bots),
    url(rf"/api/v1/telegram_data/({ID})/?", OneBot),
]
