"""The files that people have sent, passed on from Telegram; none is kept here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models.bots.records import BotRecord
from runner.telegram.downloads import Download, download
from runner.telegram.transport import Transport
from services.attachments import Attachment
from services.errors import TooManyDownloads
from services.turns import Turns

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
        self._turns = Turns(PARALLEL, waiting=WAITING, patience=PATIENCE, refused=TooManyDownloads)

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
        async with self._turns.turn(bot.user_id):
            opened = await download(self._transport, bot, file.file_id, part=part)
            try:
                yield opened
            finally:
                opened.close()
