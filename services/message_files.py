"""The files that people have sent, passed on from Telegram; none is kept here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models.bots.records import BotRecord
from runner.telegram.downloads import Download, download
from runner.telegram.transport import Transport
from services.attachments import Attachment
from services.errors import TooManyDownloads

PARALLEL = 8  # files that an account may read at once; a browser asks for six
WAITING = 100  # requests of an account that may wait for others to end
PATIENCE = 20.0  # seconds that such a request waits


class MessageFileService:
    """Passes files on; any process can, whichever runs the bot.

    Args:
        transport: the connection to Telegram.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._requests: Counter[int] = Counter()  # by account, those that wait included
        self._turns: dict[int, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def open(
        self, bot: BotRecord, file: Attachment, *, part: str | None
    ) -> AsyncIterator[Download]:
        """Read a file for as long as the block lasts.

        Args:
            part: a header Range with one part; None for the whole file.

        Raises:
            TooManyDownloads: the account reads too many files already.
            TelegramRefused, TelegramUnreachable, NoSuchPart: as for
                `runner.telegram.downloads.download`.
        """
        async with self._turn(bot.user_id):
            opened = await download(self._transport, bot, file.file_id, part=part)
            try:
                yield opened
            finally:
                opened.close()

    @asynccontextmanager
    async def _turn(self, user_id: int) -> AsyncIterator[None]:
        if self._requests[user_id] >= PARALLEL + WAITING:
            raise TooManyDownloads
        turns = self._turns.setdefault(user_id, asyncio.Semaphore(PARALLEL))
        self._requests[user_id] += 1
        try:
            try:
                async with asyncio.timeout(PATIENCE):
                    await turns.acquire()
            except TimeoutError:
                raise TooManyDownloads from None
            try:
                yield
            finally:
                turns.release()
        finally:
            self._requests[user_id] -= 1
            if not self._requests[user_id]:
                del self._requests[user_id], self._turns[user_id]
