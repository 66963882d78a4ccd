"""Telegram's Bot API over one HTTP session that all bots share.

A bot costs no TLS context and no connection pool of its own, connections are kept alive, and
no library in between logs an address, which would hold the token.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import aiohttp
import certifi
from aiohttp_socks import ProxyConnector
from telegram.error import NetworkError, TimedOut
from yarl import URL

from runner.telegram.answers import MAX_ANSWER, NotTelegram, TooMuch, read_error
from runner.telegram.connection_errors import describe
from runner.telegram.deadline import Deadline

log = logging.getLogger("botyard.telegram")

CONNECT_TIMEOUT = 10.0  # seconds
KEEP_ALIVE = 75.0  # seconds an idle connection is kept
DNS_CACHE = 60  # seconds
MAX_FILE = 32 * 1024 * 1024  # bytes; the Bot API's files have 20 MB at most
_NO_TOKEN = "0:of-no-bot/getMe"  # noqa: S105 - no secret


def _tls() -> ssl.SSLContext:
    """Trust what the machine trusts, and Mozilla's list, for machines that trust nothing yet."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@lru_cache(maxsize=64)
def _timeout(connect: float, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


async def _read(response: aiohttp.ClientResponse, *, most: int) -> bytes:
    """The body, as it comes.

    Args:
        most: bytes that it may have.

    Raises:
        TooMuch: it has more.
        NotTelegram: it is compressed though nobody asked for that: unpacking what somebody
            hostile has packed takes the event loop's time and any amount of memory.
    """
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NotTelegram("an encoding that was not asked for")
    if (response.content_length or 0) > most:
        raise TooMuch("too long an answer")
    pieces, size = [], 0
    while piece := await response.content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            response.close()
            raise TooMuch("too long an answer")
    return b"".join(pieces)


class Transport:
    """The session, opened once and closed at the end.

    Args:
        api_url: where the Bot API is, without a slash at the end.
        proxy: `http://` or `socks5://` address of a proxy; None for none.
        call_timeout: seconds that a call may take unless it says otherwise.

    Attributes:
        calls: how many calls were made, by method of the Bot API and status of the answer,
            which is 0 when there was none.
    """

    def __init__(self, api_url: str, *, proxy: str | None = None, call_timeout: float) -> None:
        self.api_url = api_url.rstrip("/")
        self.call_timeout = call_timeout
        self.calls: Counter[tuple[str, int]] = Counter()
        self._methods = f"{self.api_url}/bot"
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Make the session; needs the running event loop."""
        options: dict[str, Any] = {
            "limit": 0,  # a long poll a bot is the normal case
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
        """Cut every connection."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        url: URL | str,
        *,
        method: str,
        body: bytes | aiohttp.FormData | None,
        headers: dict[str, str],
        read_timeout: float | None,
        connect_timeout: float,
        idle_timeout: float | None = None,
    ) -> tuple[int, bytes]:
        """One request.

        Args:
            read_timeout: seconds until the answer is here, whole.
            connect_timeout: seconds that the connection may take of that.
            idle_timeout: seconds that may pass between two bytes; None for no bound.

        Returns:
            Status and body of the answer.

        Raises:
            TimedOut: no answer within the times.
            NetworkError: no connection, it was cut, or what came is not HTTP as it should be.
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
        return status, payload

    async def _exchange(
        self, method: str, url: URL, seconds: float | None, **options: Any
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if self._session is None or self._loop is None:
            raise RuntimeError("the transport is not open")
        most = MAX_ANSWER if self.is_method(str(url)) else MAX_FILE
        try:
            # for all of it: a bound between two bytes alone would let a byte a second go on
            with Deadline(self._loop, seconds):
                async with self._session.request(
                    method, url, allow_redirects=False, **options
                ) as response:
                    body = await _read(response, most=most)
                    return response.status, body, response.headers
        except TimeoutError as error:
            raise TimedOut("Telegram did not answer in time") from error
        except NotTelegram:
            raise
        except Exception as error:  # aiohttp lets some of what it trips over through as it is
            raise NetworkError(describe(error)) from error

    def is_method(self, url: str) -> bool:
        """Say whether an address is that of a method; else it is that of a file."""
        return url.startswith(self._methods)

    def _count(self, url: str, status: int) -> None:
        # files have names of their own, of which there is no end
        name = url.rpartition("/")[2] if self.is_method(url) else "file"
        self.calls[name, status] += 1
        log.debug("%s answered %d", name, status)

    async def date(self, *, timeout: float) -> str | None:
        """Read the time of the Bot API, asked with a token that no bot has.

        Args:
            timeout: seconds.

        Raises:
            TimedOut, NetworkError: as for `send`, or it is not the Bot API that answers.
        """
        status, payload, headers = await self._exchange(
            "GET", URL(self._methods + _NO_TOKEN), timeout, timeout=_timeout(timeout, None)
        )
        refused = read_error(status, payload)
        if type(refused) in {NetworkError, NotTelegram}:
            raise refused
        return headers.get("Date")
