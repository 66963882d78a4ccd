"""Asks Telegram for updates and says what it has got: the only place that moves an offset."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from telegram.error import Conflict, TelegramError

from models.base import now
from runner.application import ALLOWED_UPDATES
from runner.lanes import JSONObject, UpdateSink
from runner.settings import RunnerSettings
from runner.transport import BotRequest


class Poller:
    """Long polling for one bot, https://core.telegram.org/bots/api#getupdates.

    python-telegram-bot's Updater is not used: it confirms updates when they enter a queue in
    memory, and it ends without a word when a token is revoked.

    Args:
        request: what it sends through.
        base_url: the Bot API's address with the bot's token.
        sink: who takes the updates over.
        settings: times.
    """

    def __init__(
        self, request: BotRequest, base_url: str, *, sink: UpdateSink, settings: RunnerSettings
    ) -> None:
        self._request = request
        self._base_url = base_url
        self._sink = sink
        self._settings = settings
        self.offset = 0
        self.last_poll_at: datetime | None = None
        self.last_update_at: datetime | None = None

    async def probe(self) -> None:
        """See whether Telegram lets this bot poll; whatever it has to tell stays there.

        Raises:
            TelegramError: it does not.
        """
        await self._get_updates(timeout=0, limit=1)

    async def poll(self, *, timeout: int) -> None:
        """One getUpdates, with its updates handed over.

        Args:
            timeout: seconds that Telegram may hold it.

        Raises:
            TelegramError: as it came from Telegram or from the connection.
            StorageError: the updates could not be stored; they stay unconfirmed.
        """
        batch = await self._get_updates(timeout=timeout)
        if batch:
            self.last_update_at = self.last_poll_at
            offset = batch[-1]["update_id"] + 1
            await self._sink.accept(batch, offset=offset)
            self.offset = offset

    async def _get_updates(self, **query: Any) -> list[JSONObject]:
        query["allowed_updates"] = ALLOWED_UPDATES
        if self.offset:
            query["offset"] = self.offset
        read_timeout = query["timeout"] + self._settings.poll_margin
        batch = await self._call("getUpdates", query, read_timeout=read_timeout)
        if not isinstance(batch, list):
            raise TelegramError("getUpdates did not answer with a list")
        self.last_poll_at = now()
        return batch

    async def remove_webhook(self, conflict: Conflict) -> str | None:
        """Make room for polling when a webhook is what stands against it.

        Args:
            conflict: what getUpdates was refused with.

        Returns:
            The address of the webhook that was removed; None when there was none.
        """
        if "webhook" not in conflict.message.lower():
            return None
        info = await self._call("getWebhookInfo", {})
        await self._call("deleteWebhook", {})
        return str(info.get("url", "")) if isinstance(info, dict) else ""

    async def _call(
        self, method: str, parameters: dict[str, Any], *, read_timeout: float | None = None
    ) -> Any:
        url = f"{self._base_url}/{method}"
        return await self._request.call(url, parameters, read_timeout=read_timeout)
