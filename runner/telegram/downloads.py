"""Files that people have sent, read from Telegram piece by piece.

Source: https://core.telegram.org/bots/api#getfile. Only this module knows the address of a file,
which contains the bot's token.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError
from yarl import URL

from models.bots.records import BotRecord
from models.redaction import keep_secret
from runner.errors import NoSuchPart, TelegramRefused, TelegramUnreachable
from runner.telegram.answers import NotTelegram
from runner.telegram.client import BotClient
from runner.telegram.connection_errors import describe
from runner.telegram.transport import MAX_FILE, Transport

IDLE = 15.0  # seconds without a byte after which a download is given up
TOO_BIG = "bots can download files of up to 20 MB only, and this one is larger"
_CONTENT_RANGE = re.compile(r"bytes (?:[0-9]{1,15}-[0-9]{1,15}|\*)/(?:[0-9]{1,15}|\*)")


class Download:
    """A file that is being read from Telegram. At most a few pieces of it are in memory.

    Args:
        response: Telegram's answer.
        size: the size of the whole file in bytes, as getFile says; None if it does not.

    Attributes:
        length: the number of bytes that come; None if that is not known.
        part: the header Content-Range; None for the whole file.
        has_parts: True if Telegram can send parts of the file.
    """

    def __init__(self, response: aiohttp.ClientResponse, *, size: int | None) -> None:
        self._response = response
        self.length = response.content_length
        self.part: str | None = None
        if response.status != 200:
            self.part = response.headers.get("Content-Range", "")
        ranges = response.headers.get("Accept-Ranges", "").strip().lower()
        self.has_parts = response.status == 206 or ranges == "bytes"
        self._expected = self.length
        if self._expected is None and self.part is None:
            self._expected = size

    async def pieces(self) -> AsyncIterator[bytes]:
        """Return the bytes as they come.

        Raises:
            TelegramUnreachable: they end too early, or do not come any more.
        """
        read = 0
        try:
            while piece := await self._response.content.readany():
                read += len(piece)
                if read > MAX_FILE:
                    raise TelegramUnreachable("the file is larger than Telegram's files are")
                yield piece
        except (aiohttp.ClientError, OSError) as error:  # a timeout is both
            raise TelegramUnreachable(describe(error)) from error
        if self._expected is not None and read < self._expected:
            raise TelegramUnreachable("the file ended too early")

    def close(self) -> None:
        """Read no more of it."""
        self._response.close()


async def download(
    transport: Transport, bot: BotRecord, file_id: str, *, part: str | None
) -> Download:
    """Begin to read a file; the bot need not run.

    Args:
        transport: the connection to Telegram.
        bot: the bot that got the file.
        part: a header Range with one part; None for the whole file.

    Raises:
        TelegramRefused: Telegram does not give the file to this bot.
        TelegramUnreachable: Telegram does not answer.
        NoSuchPart: the file has no such part.
    """
    keep_secret(bot.token)
    try:
        file = await BotClient(bot.token, transport).call("getFile", {"file_id": file_id})
        url = _address(transport, bot, file)
        headers = {} if part is None else {"Range": part}
        response = await transport.stream(url, headers=headers, idle_timeout=IDLE)
    except InvalidToken as error:
        # Telegram answers so for a token that it does not know, and for a file that is gone
        raise TelegramRefused("the bot's token was revoked, or the file is gone") from error
    except BadRequest as error:
        too_big = "file is too big" in error.message.lower()
        raise TelegramRefused(TOO_BIG if too_big else error.message) from error
    except Forbidden as error:
        raise TelegramRefused(error.message) from error
    except TelegramError as error:
        raise TelegramUnreachable(error.message) from error
    size = file.get("file_size")
    started = Download(response, size=size if type(size) is int else None)
    try:
        _check(response, started, is_part=part is not None)
    except BaseException:
        started.close()
        raise
    return started


def _address(transport: Transport, bot: BotRecord, file: Any) -> URL:
    """Return the address of a file.

    Raises:
        NotTelegram: the answer to getFile has no path that stays among the bot's files.
    """
    path = file.get("file_path") if isinstance(file, dict) else None
    if not isinstance(path, str) or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise NotTelegram("unexpected result of getFile")
    path = quote(path, safe="/", errors="replace")
    return URL(f"{transport.api_url}/file/bot{bot.token}/{path}", encoded=True)


def _check(response: aiohttp.ClientResponse, started: Download, *, is_part: bool) -> None:
    if response.status == 416 and is_part:
        raise NoSuchPart(started.part if _is_content_range(started.part) else None)
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if (
        (response.status != 200 and not (is_part and _is_content_range(started.part)))
        or encoding != "identity"
        or (started.length or 0) > MAX_FILE
    ):
        raise TelegramUnreachable("the answer is not from a Bot API server")


def _is_content_range(value: str | None) -> bool:
    """Return True for a Content-Range that may be passed on (RFC 9110, section 14.4)."""
    return value is not None and _CONTENT_RANGE.fullmatch(value) is not None
