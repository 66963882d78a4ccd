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
import orjson
from aiohttp_socks import ProxyConnector
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

from runner.telegram.answers import (
    MAX_ANSWER,
    NotTelegram,
    TooMuch,
    read_envelope,
    read_error,
    read_identity,
    read_result,
)
from runner.telegram.connection_errors import describe
from runner.telegram.deadline import Deadline

log = logging.getLogger("botyard.telegram")

CONNECT_TIMEOUT = 10.0  # seconds
KEEP_ALIVE = 75.0  # seconds an idle connection is kept
DNS_CACHE = 60  # seconds
FILE_TIME = 300.0  # seconds that a file may take, as long as some of it keeps coming
MAX_FILE = 32 * 1024 * 1024  # bytes; the Bot API's files have 20 MB at most
_NO_TOKEN = "0:of-no-bot/getMe"  # noqa: S105 - no secret
_JSON = {"Content-Type": "application/json"}


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
        """What the Bot API says the time is, asked with a token that no bot has.

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


class BotRequest(BaseRequest):
    """What one bot's Application sends its requests through.

    Args:
        transport: the session that all bots share.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._closed = False
        self._addresses: dict[str, URL] = {}  # parsing one costs as much as a timer

    async def initialize(self) -> None:
        """Nothing: the session is there already."""

    async def shutdown(self) -> None:
        """Nothing: the session belongs to all bots."""

    def close(self) -> None:
        """Let no request out any more: a bot that is off sends nothing."""
        self._closed = True

    @property
    def read_timeout(self) -> float:
        """Seconds that a call may take unless it says otherwise."""
        return self._transport.call_timeout

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parse an answer of the Bot API.

        Raises:
            NotTelegram: it is none, for example a proxy's error page.
        """
        return read_envelope(payload)

    async def call(
        self, url: str, parameters: dict[str, Any], *, read_timeout: float | None = None
    ) -> Any:
        """Call a method of the Bot API without the library's objects around it.

        Args:
            url: of the method.
            parameters: as the Bot API documents them; what orjson can write.
            read_timeout: seconds the call may take; None for the usual.

        Returns:
            The `result` of the answer.

        Raises:
            TelegramError: as the library's own methods raise.
        """
        payload = await self._send(
            url,
            method="POST",
            body=orjson.dumps(parameters),
            headers=_JSON,
            read_timeout=self.read_timeout if read_timeout is None else read_timeout,
            connect_timeout=CONNECT_TIMEOUT,
        )
        return read_result(url.rpartition("/")[2], payload)

    async def do_request(  # noqa: PLR0917 - the signature is BaseRequest's
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Send one request; see BaseRequest.

        Raises:
            TelegramError: the answer is an error, or none of the Bot API's.
        """
        body, headers = _encode(request_data)
        time = self.read_timeout if _unset(read_timeout) else read_timeout
        is_file = isinstance(body, aiohttp.FormData) or not self._transport.is_method(url)
        payload = await self._send(
            url,
            method=method,
            body=body,
            headers=headers,
            read_timeout=FILE_TIME if is_file else time,
            connect_timeout=CONNECT_TIMEOUT if _unset(connect_timeout) else connect_timeout,
            idle_timeout=time if is_file else None,
        )
        if url.endswith("/getMe"):  # which the library takes as it comes
            payload = orjson.dumps({"ok": True, "result": read_identity(payload)})
        return 200, payload

    async def _send(self, url: str, **options: Any) -> bytes:
        """One request; the body of the answer when the call went well."""
        if self._closed:
            raise NetworkError("the bot is switched off")
        status, payload = await self._transport.send(self._address(url), **options)
        if not 200 <= status < 300:
            raise read_error(status, payload)
        return payload

    def _address(self, url: str) -> URL:
        address = self._addresses.get(url)
        if address is None:
            address = URL(url, encoded=True)
            if self._transport.is_method(url):  # of files there is no end
                self._addresses[url] = address
        return address


def _unset(value: Any) -> bool:
    return isinstance(value, DefaultValue)


def _encode(data: RequestData | None) -> tuple[bytes | aiohttp.FormData | None, dict[str, str]]:
    if data is None:
        return None, {}
    if not data.contains_files:
        return orjson.dumps(data.parameters), _JSON
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form, {}
