"""The errors of failed connections."""

from __future__ import annotations

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError
from telegram.error import NetworkError

_PROXY_FAILURES = (
    ProxyError,
    ProxyConnectionError,
    ProxyTimeoutError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientHttpProxyError,
)
# A connection was not even made.
_BEFORE_SENDING = (*_PROXY_FAILURES, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class NotSent(NetworkError):
    """The request did not leave this server, so that it has had no effect."""


def translate(error: Exception) -> NetworkError:
    """Return the library's error for an error of a connection."""
    kind = NotSent if isinstance(error, _BEFORE_SENDING) else NetworkError
    return kind(describe(error))


def describe(error: Exception) -> str:
    """Describe a connection error, without an address that contains a token or is the proxy's."""
    if isinstance(error, _PROXY_FAILURES):
        return f"the server's proxy refused the connection ({error.__class__.__name__})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return f"no secure connection to {error.host}: {error.__class__.__name__}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port}: {error.strerror or 'refused'}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return "the connection was closed without an answer"
    return f"the connection failed: {error.__class__.__name__}"
