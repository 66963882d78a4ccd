"""Asks Telegram for updates and says what it has got: the only place that moves an offset."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from telegram.error import Conflict, TelegramError

from models.base import now
from runner.application import ALLOWED_UPDATES
from runner.lanes import UpdateSink
from runner.settings import RunnerSettings
from runner.transport import BotRequest

_ALLOWED = orjson.dumps(ALLOWED_UPDATES).decode()


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

    async def poll(self, *, timeout: int) -> None:
        """One getUpdates, with its updates handed over.

        Args:
            timeout: seconds that Telegram may hold it; 0 to be answered at once.

        Raises:
            TelegramError: as it came from Telegram or from the connection.
        """
        query: dict[str, Any] = {"timeout": timeout, "allowed_updates": _ALLOWED}
        if self.offset:
            query["offset"] = self.offset
        batch = await self._call(
            f"getUpdates?{urlencode(query)}", timeout + self._settings.poll_margin
        )
        if not isinstance(batch, list):
            raise TelegramError("getUpdates did not answer with a list")
        self.last_poll_at = now()
        if batch:
            self.last_update_at = self.last_poll_at
            await self._sink.accept(batch)
            self.offset = batch[-1]["update_id"] + 1

    async def remove_webhook(self, conflict: Conflict) -> str | None:
        """Make room for polling when a webhook is what stands against it.

        Args:
            conflict: what getUpdates was refused with.

        Returns:
            The address of the webhook that was removed; None when there was none.
        """
        if "webhook" not in conflict.message.lower():
            return None
        info = await self._call("getWebhookInfo", self._settings.call_timeout)
        await self._call("deleteWebhook", self._settings.call_timeout)
        return str(info.get("url", "")) if isinstance(info, dict) else ""

    async def _call(self, method: str, read_timeout: float) -> Any:
        return await self._request.post(f"{self._base_url}/{method}", read_timeout=read_timeout)
