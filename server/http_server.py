"""The HTTP server: limits connections, drains, and filters a proxy's headers."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, cast

from tornado import httputil
from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from handlers.bodies import close_afterwards
from server.waiting import WaitingConnections

log = logging.getLogger("botyard.http")

ACCEPTED_A_TURN = 128  # connections, so that other work gets its turn
RETRY = 0.5  # seconds until accepting resumes after file descriptors ran out
READ_TIMEOUT = 30  # seconds in which a client must read something of what it is sent
CUT_WAIT = 5.0  # seconds that connections may take to end once they are cut
WARN_EVERY = 60.0  # seconds between two lines of the log about the same shortage
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

# Tornado would let them win over X-Forwarded-For and -Proto, and a proxy that does not know
# them passes them on from whoever made them up.
_UNTRUSTED = ("X-Real-Ip", "X-Scheme")


LOOK = 0.02  # seconds between two looks at what is open


class BoundedServer(HTTPServer):
    """An HTTP server that clients cannot exhaust.

    - It has no more connections than `room` allows. For a new one beyond that it closes one
      that waits for its client to send, or else to read; when there is none, new ones wait.
    - A client that reads nothing of an answer for `READ_TIMEOUT` loses its connection.
    - When the system has no file descriptors left, it accepts nothing for a moment. Tornado's
      own loop would call accept() again at once, and log each failure.
    - A request that was sent ahead (HTTP pipelining) is dropped when its client has gone.
      While the server is draining, a connection serves one request more and closes.
    - Of a proxy's headers, it takes X-Forwarded-For and X-Forwarded-Proto alone.

    Args:
        room: gives the number of connections that may be open at this moment.
    """

    def initialize(  # type: ignore[override]
        self, *args: Any, room: Callable[[], int], **kwargs: Any
    ) -> None:
        """See the class; all other arguments are HTTPServer's."""
        super().initialize(*args, **kwargs)
        self.draining = False
        self._room = room
        self._waiting = WaitingConnections()
        self._serving: dict[Any, None] = {}  # the longest served first
        self._evicted: set[Any] = set()
        self._acceptors: list[_Acceptor] = []
        self._warned_at = -WARN_EVERY

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on sockets that listen."""
        for sock in sockets:
            acceptor = _Acceptor(sock, self)
            self._sockets[sock.fileno()] = sock
            self._handlers[sock.fileno()] = acceptor.stop  # what TCPServer.stop calls
            self._acceptors.append(acceptor)
            acceptor.resume()

    async def linger(self, seconds: float) -> None:
        """Wait until no connection is open: one may have been accepted that sends in a moment.

        Args:
            seconds: to wait at most; a browser keeps its connection open.
        """
        for _ in range(round(seconds / LOOK)):
            if not self._connections:
                return
            await asyncio.sleep(LOOK)

    @property
    def is_full(self) -> bool:
        """True if there is no room, and no connection that could be closed to make some."""
        return self._open >= self._room() and not self._waiting and self._unread() is None

    @property
    def _open(self) -> int:
        return len(self._connections) - len(self._evicted)

    def accepted(self, connection: socket.socket, address: Any) -> None:
        """Serve a new connection, at the cost of an idle one if there is no room."""
        if self._open >= self._room():
            self._warn(
                "%d connections are open, the maximum for the limit of open files. The longest "
                "idle ones are closed for new ones; raise LimitNOFILE (ulimit -n)",
                self._open,
            )
            self._evict()
        with suppress(OSError, AttributeError):  # not of TCP, or not on this system
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * READ_TIMEOUT)
        self._handle_connection(connection, address)

    def exhausted(self, error: OSError) -> None:
        """Log that no file descriptor was left for a new connection, and close an idle one."""
        self._warn(
            "not accepting connections for a moment: %s; raise LimitNOFILE (ulimit -n)", error
        )
        self._evict()

    def _evict(self) -> None:
        """Close a connection that waits for its client, to send or else to read."""
        chosen: Any = self._waiting.pop() or self._unread()
        if chosen is not None:
            self._serving.pop(chosen, None)
            self._evicted.add(chosen)
            chosen.stream.close()

    def _unread(self) -> Any:
        """Return the longest served connection whose client does not read; None if all do."""
        return next((one for one in self._serving if one.stream.writing()), None)

    def _warn(self, text: str, *args: object) -> None:
        moment = time.monotonic()
        if moment - self._warned_at >= WARN_EVERY:
            self._warned_at = moment
            log.warning(text, *args)

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """Begin to wait for a request."""
        connection = cast(HTTP1ServerConnection, server_conn)
        self._serving.pop(connection, None)
        if connection not in self._evicted:
            context: Any = connection.context
            self._waiting.add(connection, context.remote_ip)
        delegate = super().start_request(server_conn, request_conn)
        return _Request(self, server_conn, cast(HTTP1Connection, request_conn), delegate)

    def received(self, server_conn: object) -> None:
        """Record that a request was received in full: its connection waits for the answer."""
        self._waiting.discard(server_conn)
        if server_conn not in self._evicted:
            self._serving[server_conn] = None

    def on_close(self, server_conn: object) -> None:
        """Forget a connection, and accept the next."""
        super().on_close(server_conn)
        self._waiting.discard(server_conn)
        self._serving.pop(server_conn, None)
        self._evicted.discard(server_conn)
        for acceptor in self._acceptors:
            acceptor.closed_one()

    async def close_all_connections(self) -> None:
        """Cut every connection, and wait a bounded time until their requests have noticed."""
        connections = list(self._connections)
        for connection in connections:
            connection.stream.close()
        tasks = {asyncio.create_task(one.close(), name="cut connection") for one in connections}
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=CUT_WAIT)
            for task in left:
                task.cancel()


class _Acceptor:
    """Accepts connections on one socket; can be paused.

    Args:
        sock: listens.
        server: serves the connections.
    """

    def __init__(self, sock: socket.socket, server: BoundedServer) -> None:
        self._sock = sock
        self._server = server
        self._loop = IOLoop.current()
        self._accepting = False
        self._stopped = False
        self._failures = 0  # in a row, for want of file descriptors
        self._retry: object | None = None

    def resume(self) -> None:
        """Start or resume accepting."""
        if self._retry is not None:
            self._loop.remove_timeout(self._retry)
            self._retry = None
        if not self._accepting and not self._stopped:
            self._accepting = True
            self._loop.add_handler(self._sock, self._accept, IOLoop.READ)

    def closed_one(self) -> None:
        """Resume at once after a connection was closed, unless that failed the last time."""
        if self._failures <= 1:
            self.resume()

    def _pause(self) -> None:
        """Accept nothing until a connection is closed, or for `RETRY` seconds."""
        self._loop.remove_handler(self._sock)
        self._accepting = False
        self._retry = self._loop.call_later(RETRY, self.resume)

    def stop(self) -> None:
        """Stop accepting for good."""
        self._stopped = True
        if self._retry is not None:
            self._loop.remove_timeout(self._retry)
        if self._accepting:
            self._accept(None, 0)  # who waits already would be refused when the socket is closed
            self._accepting = False
            self._loop.remove_handler(self._sock)

    def _accept(self, _sock: object, _events: int) -> None:
        for _ in range(ACCEPTED_A_TURN):
            if not self._accepting:
                return
            if self._server.is_full:
                self._pause()
                return
            try:
                connection, address = self._sock.accept()
            except BlockingIOError:
                return  # nobody waits any more
            except ConnectionAbortedError:
                continue  # gone before it was accepted
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._failures += 1
                self._server.exhausted(error)
                self._pause()
                return
            self._failures = 0
            self._server.accepted(connection, address)


class _Request(httputil.HTTPMessageDelegate):
    """Passes one request on to the application.

    Args:
        server: whose connection it comes on.
        server_conn: the connection, for as long as it lasts.
        request_conn: the connection, for this request.
        delegate: takes the request.
    """

    def __init__(
        self,
        server: BoundedServer,
        server_conn: object,
        request_conn: HTTP1Connection,
        delegate: httputil.HTTPMessageDelegate,
    ) -> None:
        self._server = server
        self._server_conn = server_conn
        self._request_conn = request_conn
        self._delegate = delegate

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Pass the headers on, without those that cannot be trusted."""
        if self._request_conn.stream.closed():
            # The rest was sent ahead. Tornado reads it out of its buffer all the same;
            # detaching is its way to end that.
            self._request_conn.detach()
            return None
        if self._server.draining:
            close_afterwards(self._request_conn)
        for name in _UNTRUSTED:
            headers.pop(name, None)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass a piece of the body on."""
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        """Pass on that the request is complete."""
        self._server.received(self._server_conn)
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Report that the client has disconnected."""
        self._delegate.on_connection_close()
