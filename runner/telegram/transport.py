"""Telegram's Bot API over one HTTP session that all bots share.

Bots need no TLS context and no connection pool of their own, connections are kept alive, and no
library in between logs an address, which would contain the token.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Any

import aiohttp
import certifi
from aiohttp_socks import ProxyConnector
from telegram.error import NetworkError, TimedOut
from yarl import URL

from runner.telegram.answers import MAX_ANSWER, NotTelegram, TooMuch, read_error
from runner.telegram.connection_errors import NotSent, translate
from runner.telegram.deadline import Deadline

log = logging.getLogger("botyard.telegram")

CONNECT_TIMEOUT = 10.0  # seconds
KEEP_ALIVE = 75.0  # seconds an idle connection is kept
DNS_CACHE = 60  # seconds
MAX_FILE = 32 * 1024 * 1024  # bytes; the Bot API's files have 20 MB at most
_NO_TOKEN = "0:of-no-bot/getMe"  # noqa: S105 - no secret


def _tls() -> ssl.SSLContext:
    """Trust the machine's certificates and Mozilla's, for machines without any of their own."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@lru_cache(maxsize=64)
def _timeout(connect: float, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


async def _read(response: aiohttp.ClientResponse, *, most: int) -> bytes:
    """Read the body in pieces.

    Args:
        most: maximum length in bytes.

    Raises:
        TooMuch: the body is longer.
        NotTelegram: the body is compressed, which was not requested: unpacking a hostile body
            could block the event loop and fill the memory.
    """
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NotTelegram("unexpected content encoding")
    if (response.content_length or 0) > most:
        raise TooMuch("response too large")
    pieces, size = [], 0
    while piece := await response.content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            response.close()
            raise TooMuch("response too large")
    return b"".join(pieces)


class Transport:
    """The HTTP session, opened once and closed at the end.

    Args:
        api_url: the address of the Bot API, without a slash at the end.
        proxy: `http://` or `socks5://` address of a proxy; None for no proxy.
        call_timeout: default timeout of a call in seconds.

    Attributes:
        calls: the number of calls, by method of the Bot API and status of the answer, which is 0
            without an answer.
    """

    def __init__(self, api_url: str, *, proxy: str | None = None, call_timeout: float) -> None:
        self.api_url = api_url.rstrip("/")
        self.call_timeout = call_timeout
        self.calls: Counter[tuple[str, int]] = Counter()
        self.answered_at = 0.0  # the loop's time of the last answer
        self._methods = f"{self.api_url}/bot"
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Create the session; needs the running event loop."""
        options: dict[str, Any] = {
            "limit": 0,  # one long poll per bot is the normal case
            "keepalive_timeout": KEEP_ALIVE,
            "ssl": _tls() if self.api_url.startswith("https:") else True,
        }
        connector: aiohttp.BaseConnector
        if self._proxy is not None and self._proxy.startswith("socks"):
            connector = ProxyConnector.from_url(self._proxy, rdns=True, **options)
        else:
            connector = aiohttp.TCPConnector(ttl_dns_cache=DNS_CACHE, **options)
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},  # answers are small; see `_read`
            proxy=self._proxy if self._proxy and self._proxy.startswith("http") else None,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        url: URL | str,
        *,
        method: str,
        body: bytes | AsyncIterator[bytes] | aiohttp.FormData | None,
        headers: dict[str, str],
        read_timeout: float | None,
        connect_timeout: float,
        idle_timeout: float | None = None,
    ) -> tuple[int, bytes]:
        """Send one request.

        Args:
            read_timeout: seconds until the answer has arrived in full; None for no limit.
            connect_timeout: seconds of these for the connection.
            idle_timeout: seconds between two bytes; None for no limit.

        Returns:
            Status and body of the answer.

        Raises:
            TimedOut: no answer within these times.
            NetworkError: no connection, it was closed, or the answer is not valid HTTP.
        """
        address = URL(url, encoded=True)
        timeout = _timeout(connect_timeout, idle_timeout)
        try:
            status, payload, _ = await self._exchange(
                method, address, read_timeout, timeout=timeout, data=body, headers=headers
            )
        except NetworkError:
            self._count(str(address), 0)
            raise
        self._count(str(address), status)
        if self._loop is not None:
            self.answered_at = self._loop.time()
        return status, payload

    async def _exchange(
        self, method: str, url: URL, seconds: float | None, **options: Any
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if self._session is None or self._loop is None:
            raise RuntimeError("the transport is not open")
        most = MAX_ANSWER if self.is_method(str(url)) else MAX_FILE
        try:
            # over the whole answer: a timeout between bytes alone would accept one byte per second
            with Deadline(self._loop, seconds):
                async with self._session.request(
                    method, url, allow_redirects=False, **options
                ) as response:
                    body = await _read(response, most=most)
                    return response.status, body, response.headers
        except aiohttp.ConnectionTimeoutError as error:
            raise NotSent("Telegram did not answer in time") from error
        except TimeoutError as error:
            raise TimedOut("Telegram did not answer in time") from error
        except NotTelegram:
            raise
        except Exception as error:  # aiohttp does not wrap all exceptions of its parts
            raise translate(error) from error

    def is_method(self, url: str) -> bool:
        """Return True for the address of a method, False for that of a file."""
        return url.startswith(self._methods)

    def _count(self, url: str, status: int) -> None:
        # not the names of files, whose number is unlimited
        name = url.rpartition("/")[2] if self.is_method(url) else "file"
        self.calls[name, status] += 1
        log.debug("%s answered %d", name, status)

    async def date(self, *, timeout: float) -> str | None:
        """Get the header Date of the Bot API's answer to a token that no bot has.

        Args:
            timeout: in seconds.

        Raises:
            TimedOut, NetworkError: as for `send`, or the answer is not from the Bot API.
        """
        status, payload, headers = await self._exchange(
            "GET", URL(self._methods + _NO_TOKEN), timeout, timeout=_timeout(timeout, None)
        )
        refused = read_error(status, payload)
        if type(refused) in {NetworkError, NotTelegram}:
            raise refused
        return headers.get("Date")
