"""The load on HTTP servers: wrk, which costs little itself, with prepared requests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import LOAD_CORE, ROOT, Process

_TIMEOUT = 120  # seconds that wrk waits for an answer; it counts a slower one as an error
_ERRORS = ("connect", "read", "write", "timeout")


@dataclass(frozen=True, slots=True)
class Answers:
    """Result of a load; every answer was a 2xx.

    Args:
        requests: answered requests.
        seconds: duration of the load.
        p50_ms, p99_ms: time from a request to its answer; 0 without any.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return self.requests / self.seconds


def request(
    method: str, path: str, *, port: int, authorization: str = "", body: Any = None
) -> bytes:
    """The bytes of a request.

    Args:
        authorization: value of that header; none when empty.
        body: sent as JSON; None for no body.
    """
    payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: application/json"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    if payload:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    return "\r\n".join([*lines, "", ""]).encode() + payload


def requests_file(requests: Sequence[bytes]) -> bytes:
    """Requests as wrk.lua reads them."""
    return b"".join(b"%d\n%b" % (len(one), one) for one in requests)


def parse(output: str) -> Answers:
    """The result in wrk's output.

    Raises:
        RuntimeError: there is none, or not every answer was a 2xx.
    """
    lines = [line for line in output.splitlines() if line.startswith('{"requests":')]
    if len(lines) != 1:
        raise RuntimeError(f"wrk printed no result:\n{output[-2000:]}")
    found = json.loads(lines[0])
    if found["refused"]:
        raise RuntimeError(
            f"{found['refused']} of {found['requests']} answers were no 2xx; "
            f"the first was {found['status']}"
        )
    if failed := {name: found[name] for name in _ERRORS if found[name]}:
        raise RuntimeError(f"wrk had errors: {failed}")
    return Answers(found["requests"], found["seconds"], found["p50_ms"], found["p99_ms"])


class Wrk:
    """A load under way; leaving its `with` block ends it.

    Args:
        folder: for its files.
        port: of the server, on 127.0.0.1.
        requests: sent in turns.
        connections: each with one request in flight.
        seconds: how long.

    Raises:
        RuntimeError: wrk is not installed.
    """

    def __init__(
        self, folder: Path, *, port: int, requests: Sequence[bytes], connections: int, seconds: int
    ) -> None:
        self._log = folder / f"wrk-{connections}.log"
        self._log.unlink(missing_ok=True)
        prepared = folder / f"wrk-{connections}.requests"
        prepared.write_bytes(requests_file(requests))
        self._seconds = seconds
        arguments = [
            "--threads=1",
            f"--connections={connections}",
            f"--duration={seconds}s",
            f"--timeout={_TIMEOUT}s",
            f"--script={ROOT / 'bench' / 'wrk.lua'}",
            f"http://127.0.0.1:{port}/",
            "--",
            str(prepared),
        ]
        self._process = Process(arguments, program=program(), core=LOAD_CORE, log=self._log)

    def wait(self) -> Answers:
        """Wait until it is over.

        Raises:
            RuntimeError: see `parse`.
        """
        self._process.wait(self._seconds + _TIMEOUT)
        return parse(self._log.read_text())

    def __enter__(self) -> Wrk:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.stop()


def program() -> str:
    """The path of wrk.

    Raises:
        RuntimeError: it is not installed.
    """
    path = shutil.which("wrk")
    if path is None:
        raise RuntimeError("wrk is not installed; on Debian: apt-get install wrk")
    return path
