"""Long polling with getUpdates; the only place that advances the offset."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Protocol

from telegram.error import Conflict

from models.engine.base import now
from runner.settings import RunnerTuning
from runner.telegram.answers import NotTelegram, TooMuch
from runner.telegram.client import BotClient
from runner.updates.incoming import ALLOWED_UPDATES, JSONObject
from runner.updates.intake import MAX_GIVEN, MAX_TAKEN, sort_out


class UpdateSink(Protocol):
    """Takes over the batches that a poller receives.

    The poller confirms a batch to Telegram only after `accept` has returned; by then nothing of
    it may be lost any more.
    """

    async def accept(self, batch: list[JSONObject], *, offset: int) -> int:
        """Take a batch over, oldest update first; return how many of it were new."""

    def discard(self, number: int) -> None:
        """Learn that so many updates had nothing to know them by, and were let go."""


class Poller:
    """Long polling for one bot, https://core.telegram.org/bots/api#getupdates.

    python-telegram-bot's Updater is not used: it confirms updates when they enter a queue in
    memory, and it ends without a word when a token is revoked.

    Args:
        client: the bot's client of the Bot API.
        sink: takes the updates over.
        settings: times.
    """

    def __init__(self, client: BotClient, *, sink: UpdateSink, settings: RunnerTuning) -> None:
        self._client = client
        self._sink = sink
        self._settings = settings
        self.offset = 0
        self.last_poll_at: datetime | None = None
        self.last_update_at: datetime | None = None
        self._limit = MAX_TAKEN  # updates that are asked for at once
        self._idle = 0  # polls in a row that came back at once with nothing new

    async def probe(self) -> None:
        """Check that polling is allowed, without confirming any update.

        Raises:
            TelegramError: it is not.
        """
        await self._get_updates(timeout=0, limit=1)

    async def poll(self, *, timeout: int) -> None:
        """One getUpdates, with its updates handed over, and a pause when it was in vain.

        Args:
            timeout: seconds that Telegram may hold it.

        Raises:
            TelegramError: as it came from Telegram or from the connection.
            StorageError: the updates could not be stored; they stay unconfirmed.
        """
        clock = asyncio.get_running_loop().time
        begun = clock()
        batch = await self._get_portion(timeout=timeout)
        waited = clock() - begun >= timeout / 2
        if (batch and await self._hand_over(batch)) or waited:
            self._idle = 0
            return
        self._idle += 1
        if self._idle > 1:  # once is nothing: a server in between may have begun anew
            settings = self._settings
            await asyncio.sleep(min(settings.idle_max, settings.backoff(self._idle - 1)))

    async def _get_portion(self, *, timeout: int) -> list[Any]:
        """As many updates as an answer can hold that is parsed at once.

        Raises:
            TooMuch: not even one fits, or what answers does not go by what it is asked.
        """
        while True:
            try:
                batch = await self._get_updates(timeout=timeout, limit=self._limit)
            except TooMuch:
                if self._limit == 1:
                    raise
                # What people write can make a hundred updates that large: the bot must get past.
                self._limit = max(1, self._limit // 8)
            else:
                self._limit = min(MAX_TAKEN, self._limit * 2)
                return batch

    async def _hand_over(self, batch: list[Any]) -> int:
        """Hand the updates of a batch over, then confirm those; how many were new."""
        if len(batch) > MAX_GIVEN:
            raise NotTelegram("more updates than requested")
        received = sort_out(batch)
        if not received.updates:
            # nothing to confirm them by: they would come again at once
            raise NotTelegram("updates without an update_id")
        if received.unusable:
            self._sink.discard(received.unusable)
        self.last_update_at = self.last_poll_at
        new = await self._sink.accept(received.updates, offset=received.offset)
        self.offset = received.offset
        return new

    async def _get_updates(self, **query: Any) -> list[Any]:
        query["allowed_updates"] = ALLOWED_UPDATES
        if self.offset:
            query["offset"] = self.offset
        read_timeout = query["timeout"] + self._settings.poll_margin
        batch = await self._client.get_updates(read_timeout=read_timeout, **query)
        self.last_poll_at = now()
        return batch

    async def remove_webhook(self, conflict: Conflict) -> str | None:
        """Delete the webhook if it is what blocks polling.

        Args:
            conflict: what getUpdates was refused with.

        Returns:
            The address of the webhook that was removed; None when there was none.
        """
        if "webhook" not in conflict.message.lower():
            return None
        info = await self._client.get_webhook_info()
        await self._client.delete_webhook()
        return str(info.get("url", ""))
