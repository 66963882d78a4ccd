"""An HTTP server that believes a proxy in front of it no more than it has to."""

from __future__ import annotations

from collections.abc import Awaitable

from tornado import httputil
from tornado.httpserver import HTTPServer

# Tornado would let them win over X-Forwarded-For and -Proto, and a proxy that does not know
# them passes them on from whoever made them up.
_UNTRUSTED = ("X-Real-Ip", "X-Scheme")


class ProxiedServer(HTTPServer):
    """Of a proxy's headers, it takes X-Forwarded-For and X-Forwarded-Proto alone."""

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """Begin a request."""
        return _Filter(super().start_request(server_conn, request_conn))


class _Filter(httputil.HTTPMessageDelegate):
    """Takes headers out before anybody sees them, and passes all else on."""

    def __init__(self, delegate: httputil.HTTPMessageDelegate) -> None:
        self._delegate = delegate

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Pass the headers on, without those."""
        for name in _UNTRUSTED:
            headers.pop(name, None)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass a piece of the body on."""
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        """Pass the end on."""
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass it on that the client has gone."""
        self._delegate.on_connection_close()
