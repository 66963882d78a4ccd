"""All accounts and bots, for staff."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tornado.web import url

from handlers import errors
from handlers.base import ApiHandler
from handlers.ids import ID
from handlers.pagination import PagedHandler
from handlers.presentation import present_bot_for_staff
from handlers.schemas.admin import (
    AdminBotQuerySchema,
    AdminBotSchema,
    AdminUserQuerySchema,
    AdminUserSchema,
)
from handlers.schemas.common import shared
from models.accounts import administration
from models.accounts.administration import Account
from models.bots import bots
from models.bots.records import BotRecord
from runner.states import BotStatus


class StaffHandler(ApiHandler):
    """The base of resources for staff only."""

    staff_only = True

    async def admit(self, method: str) -> None:
        """Admit staff only."""
        await super().admit(method)
        if self._principal is not None and not self._principal.user.is_staff:
            raise errors.staff_only()


def _present_user(account: Account) -> dict[str, Any]:
    user = account.user
    extra = {
        "pk": user.id,
        "disabled": user.disabled_at is not None,
        "bots": account.bots,
        "active_bots": account.active_bots,
    }
    presented: dict[str, Any] = shared(AdminUserSchema).dump(asdict(user) | extra)
    return presented


class AdminUsers(StaffHandler, PagedHandler):
    """All accounts."""

    async def get(self) -> None:
        """List accounts, oldest first.

        ---
        summary: All accounts
        tags: [Administration]
        parameters: [{in: query, schema: AdminUserQuerySchema}]
        responses:
          200: {description: A page of accounts., schema: AdminUserPageSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
          403: {description: You are not staff., codes: [staff_only]}
        """
        query = self.query(AdminUserQuerySchema)
        page = await self.services.accounts.page(**query)
        self.answer_page(page, [_present_user(account) for account in page.rows], query)


class AdminUser(StaffHandler):
    """One account."""

    async def get(self, user_id: str) -> None:
        """Show an account.

        ---
        summary: Any account
        tags: [Administration]
        responses:
          200: {description: The account., schema: AdminUserSchema}
          403: {description: You are not staff., codes: [staff_only]}
        """
        account = await self.services.accounts.find(int(user_id))
        if account is None:
            raise _no_user(user_id)
        self.answer(_present_user(account))

    async def patch(self, user_id: str) -> None:
        """Grant or revoke staff rights of an account, disable or enable it.

        Disabling ends the account's sessions and stops its bots before the response. The bots
        keep their `active`, and run again when the account is enabled.

        ---
        summary: Disable an account, make it staff
        tags: [Administration]
        requestBody: {schema: AdminUserSchema, partial: true}
        responses:
          200: {description: The account as it is now., schema: AdminUserSchema}
          403: {description: You are not staff., codes: [staff_only]}
          409: {description: This is your own account., codes: [own_account]}
        """
        changes = self.load(AdminUserSchema, partial=True)
        account = await self.services.accounts.administer(int(user_id), changes, by=self.actor)
        if account is None:
            raise _no_user(user_id)
        self.answer(_present_user(account))


def _no_user(user_id: str) -> errors.NotFound:
    return errors.NotFound(f"There is no account {user_id}.")


def _no_bot(bot_id: str) -> errors.NotFound:
    return errors.NotFound(f"There is no bot {bot_id}.")


def _matches(bot: BotRecord, status: BotStatus, query: dict[str, Any]) -> bool:
    """Return True if a bot still matches the query: it may have changed since it was read."""
    state, active = query.get("state", status.state), query.get("active", bot.active)
    return status.state is state and bot.active is active


class AdminBots(StaffHandler, PagedHandler):
    """All bots."""

    async def get(self) -> None:
        """List all bots, oldest first.

        ---
        summary: All bots
        tags: [Administration]
        parameters: [{in: query, schema: AdminBotQuerySchema}]
        responses:
          200: {description: A page of bots., schema: AdminBotPageSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
          403: {description: You are not staff., codes: [staff_only]}
        """
        query = self.query(AdminBotQuerySchema)
        services = self.services
        if "state" in query:  # includes the latest changes by this process
            await services.runner.statuses.flush()
        page = await services.db.read(administration.bots_page, services.vault, **query)
        pairs = await services.runner.views.pair(page.rows)
        matching = [pair for pair in pairs if _matches(*pair, query)]
        names = await services.processes.of_bots([bot.id for bot, _ in matching])
        rows = [
            present_bot_for_staff(bot, status, process=names.get(bot.id))
            for bot, status in matching
        ]
        self.answer_page(page, rows, query)


class AdminBot(StaffHandler):
    """One bot."""

    async def bot(self, bot_id: str) -> BotRecord:
        """Find the bot of an id.

        Raises:
            NotFound: there is none.
        """
        record = await self.services.db.read(bots.get, self.services.vault, int(bot_id))
        if record is None:
            raise _no_bot(bot_id)
        return record

    async def presented(self, bot: BotRecord, status: BotStatus) -> dict[str, Any]:
        """Write a bot with the name of the server that runs it now."""
        names = await self.services.processes.of_bots([bot.id])
        return present_bot_for_staff(bot, status, process=names.get(bot.id))

    async def get(self, bot_id: str) -> None:
        """Show a bot.

        ---
        summary: Any bot
        tags: [Administration]
        responses:
          200: {description: The bot., schema: AdminBotSchema}
          403: {description: You are not staff., codes: [staff_only]}
        """
        shown = await self.services.runner.views.view(int(bot_id))
        if shown is None:
            raise _no_bot(bot_id)
        self.answer(await self.presented(*shown))

    async def patch(self, bot_id: str) -> None:
        """Switch a bot on or off before the response.

        ---
        summary: Switch any bot on or off
        tags: [Administration]
        requestBody: {schema: AdminBotSchema, partial: true}
        responses:
          200: {description: The bot is on or off as requested., schema: AdminBotSchema}
          202: {description: Stored; the bot is still starting., schema: AdminBotSchema}
          403: {description: You are not staff., codes: [staff_only]}
        """
        bot = await self.bot(bot_id)
        changes = self.load(AdminBotSchema, partial=True)
        outcome = await self.services.bots.update(bot, changes, by=self.actor)
        body = await self.presented(outcome.bot, outcome.status)
        self.answer(body, status=200 if outcome.is_stable else 202)


routes = [
    url(r"/api/v1/admin/users/?", AdminUsers),
    url(rf"/api/v1/admin/users/({ID})/?", AdminUser),
    url(r"/api/v1/admin/telegram_data/?", AdminBots),
    url(rf"/api/v1/admin/telegram_data/({ID})/?", AdminBot),
]
