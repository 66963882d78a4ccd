"""Telegram's Bot API over one HTTP session that all bots share.

A bot costs no TLS context and no connection pool of its own, connections are kept alive, and
no library in between logs an address, which would hold the token.
"""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import aiohttp
import certifi
import orjson
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

log = logging.getLogger("botyard.telegram")

CONNECT_TIMEOUT = 10.0  # seconds
KEEP_ALIVE = 75.0  # seconds an idle connection is kept
DNS_CACHE = 60  # seconds
_TOKEN_STATUSES = (401, 404)
_NOT_TELEGRAM = "the answer ({}) does not come from Telegram"
_NO_TOKEN = "0:of-no-bot/getMe"  # noqa: S105 - no secret
_PROXY_FAILURES = (
    ProxyError,
    ProxyConnectionError,
    ProxyTimeoutError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientHttpProxyError,
)
_FAILURES = (aiohttp.ClientError, OSError, *_PROXY_FAILURES)


def _tls() -> ssl.SSLContext:
    """Trust what the machine trusts, and Mozilla's list, for machines that trust nothing yet."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@lru_cache(maxsize=64)
def _timeout(read: float | None, connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


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
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            proxy=self._proxy if self._proxy and self._proxy.startswith("http") else None,
        )

    async def close(self) -> None:
        """Cut every connection."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        url: str,
        *,
        method: str,
        body: bytes | aiohttp.FormData | None,
        headers: dict[str, str],
        read_timeout: float | None,
        connect_timeout: float,
    ) -> tuple[int, bytes]:
        """One request.

        Returns:
            Status and body of the answer.

        Raises:
            TimedOut: no answer within the timeouts.
            NetworkError: no connection, or it was cut.
        """
        if self._session is None:
            raise RuntimeError("the transport is not open")
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                data=body,
                headers=headers,
                timeout=_timeout(read_timeout, connect_timeout),
                allow_redirects=False,
            ) as response:
                payload = await response.read()
        except TimeoutError as error:
            self._count(url, 0)
            raise TimedOut("Telegram did not answer in time") from error
        except _FAILURES as error:
            self._count(url, 0)
            raise NetworkError(describe(error)) from error
        self._count(url, response.status)
        return response.status, payload

    def _count(self, url: str, status: int) -> None:
        # files have names of their own, of which there is no end
        name = url.rpartition("/")[2] if url.startswith(self._methods) else "file"
        self.calls[name, status] += 1
        log.debug("%s answered %d", name, status)

    async def date(self, *, timeout: float) -> str | None:
        """What the Bot API says the time is, asked with a token that no bot has.

        Args:
            timeout: seconds.

        Raises:
            TimedOut, NetworkError: as for `send`, or it is not the Bot API that answers.
        """
        if self._session is None:
            raise RuntimeError("the transport is not open")
        try:
            async with self._session.get(
                self._methods + _NO_TOKEN, timeout=_timeout(timeout, timeout), allow_redirects=False
            ) as response:
                if b'"error_code"' not in await response.read():
                    raise NetworkError(_NOT_TELEGRAM.format(response.status))
                return response.headers.get("Date")
        except TimeoutError as error:
            raise TimedOut("Telegram did not answer in time") from error
        except _FAILURES as error:
            raise NetworkError(describe(error)) from error


def describe(error: Exception) -> str:
    """A sentence for a connection error that holds no address with a token, nor the proxy's."""
    if isinstance(error, _PROXY_FAILURES):
        return f"the server's proxy does not let it through ({error.__class__.__name__})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return f"no secure connection to {error.host}: {error.__class__.__name__}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port}: {error.strerror or 'refused'}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return "the connection was closed without an answer"
    return f"the connection failed: {error.__class__.__name__}"


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What `_encode` needs of the library's RequestData, which costs more than the call."""

    parameters: dict[str, Any]
    contains_files: bool = False


class BotRequest(BaseRequest):
    """What one bot's Application sends its requests through.

    Args:
        transport: the session that all bots share.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._closed = False

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
            TelegramError: it is not a JSON object, for example a proxy's error page.
        """
        try:
            parsed = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise TelegramError("the answer is not JSON") from error
        if not isinstance(parsed, dict):
            raise TelegramError("the answer is not a JSON object")
        return parsed

    async def call(
        self, url: str, parameters: dict[str, Any], *, read_timeout: float | None = None
    ) -> Any:
        """Call a method of the Bot API without the library's objects around it.

        Args:
            url: of the method.
            parameters: as the Bot API documents them; what orjson can write.
            read_timeout: seconds the answer may take; None for the usual.

        Returns:
            The `result` of the answer.

        Raises:
            TelegramError: as the library's own methods raise.
        """
        timeout = self.read_timeout if read_timeout is None else read_timeout
        data = cast(RequestData, _Parameters(parameters))
        return await self.post(url, data, read_timeout=timeout)

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
        """Send one request; see BaseRequest."""
        if self._closed:
            raise NetworkError("the bot is switched off")
        body, headers = _encode(request_data)
        status, payload = await self._transport.send(
            url,
            method=method,
            body=body,
            headers=headers,
            read_timeout=self.read_timeout if _unset(read_timeout) else read_timeout,
            connect_timeout=CONNECT_TIMEOUT if _unset(connect_timeout) else connect_timeout,
        )
        if status in _TOKEN_STATUSES and not payload.lstrip().startswith(b"{"):
            # The library would take any 401 or 404 for "no such token", which is for good; a
            # proxy's error page, or a wrong address of the Bot API, is not.
            raise NetworkError(_NOT_TELEGRAM.format(status))
        return status, payload


def _unset(value: Any) -> bool:
    return isinstance(value, DefaultValue)


def _encode(data: RequestData | None) -> tuple[bytes | aiohttp.FormData | None, dict[str, str]]:
    if data is None:
        return None, {}
    if not data.contains_files:
        return orjson.dumps(data.parameters), {"Content-Type": "application/json"}
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form, {}
