"""Asks /healthz every 10 ms on one connection and notes how long each answer takes.

    python -m bench.probe PORT OUTPUT_FILE

It begins when the server listens. On SIGTERM it writes a JSON array of [moment, nanoseconds] and
ends; moments are of `time.monotonic_ns`, when the request went out.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

import orjson

_EVERY = 10_000_000  # nanoseconds
_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class _Ended(Exception):
    pass


def _end(_: int, __: FrameType | None) -> None:
    raise _Ended


def _connect(port: int) -> socket.socket:
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        except OSError:
            time.sleep(0.002)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection


def _exchange(connection: socket.socket) -> None:
    connection.sendall(_REQUEST)
    answer = b""
    while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
        part = connection.recv(65536)
        if not part:
            raise ConnectionResetError
        answer += part


def main() -> None:
    """Probe until SIGTERM."""
    port, output = int(sys.argv[1]), Path(sys.argv[2])
    signal.signal(signal.SIGTERM, _end)
    noted: list[tuple[int, int]] = []
    try:
        connection = _connect(port)
        due = time.monotonic_ns()
        while True:
            began = time.monotonic_ns()
            _exchange(connection)
            noted.append((began, time.monotonic_ns() - began))
            due = max(due + _EVERY, time.monotonic_ns())
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
    except (_Ended, ConnectionError):
        output.write_bytes(orjson.dumps(noted))


if __name__ == "__main__":
    main()
