"""Starts processes on the core that is theirs, and ends those it started."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

ROOT = Path(__file__).resolve().parent.parent
_ENDING = 20.0  # seconds a process may take to end before it is killed


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


_CORES = _cores()
PINNED = len(_CORES) >= 2
ALL_CORES = -2
LOAD_CORE, TESTED_CORE = (_CORES[0], _CORES[1]) if PINNED else (-1, -1)


def pin(core: int) -> None:
    """Keep this process, and what it starts from now on, on one core, where there are two."""
    if PINNED:
        os.sched_setaffinity(0, _CORES if core == ALL_CORES else {core})


class Timeout(Exception):
    """Something did not happen in time."""


def wait_for(what: str, condition: Callable[[], bool], *, timeout: float) -> None:
    """Wait until something is so.

    Raises:
        Timeout: it is not so after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Timeout(f"{what}: not within {timeout:.0f} s")
        time.sleep(0.01)


class Process:
    """A child process; leaving its `with` block ends it.

    Args:
        arguments: the command line after the program.
        core: the core it is kept on, or ALL_CORES.
        log: the file its output goes to.
        environ: added to the environment, from which every BOTYARD_ variable was taken out.
        program: what is run; by default this Python interpreter.
        folder: the current one of the program.
    """

    def __init__(
        self,
        arguments: list[str],
        *,
        core: int,
        log: Path,
        environ: Mapping[str, str] | None = None,
        program: str = sys.executable,
        folder: Path = ROOT,
    ) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("BOTYARD_")}
        self.log = log
        self.began = time.monotonic()
        pin(core)  # a child inherits it, and so does each of its threads
        try:
            with log.open("ab") as output:
                self._popen = subprocess.Popen(
                    [program, *arguments],
                    cwd=folder,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    env={**inherited, **(environ or {})},
                    start_new_session=True,
                )
        finally:
            pin(LOAD_CORE)

    @property
    def pid(self) -> int:
        """Its id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def check(self) -> None:
        """Raise when it has ended by itself.

        Raises:
            RuntimeError: with the end of its output.
        """
        if not self.running:
            raise RuntimeError(
                f"a process ended by itself ({self._popen.returncode}):\n"
                + self.log.read_text(errors="replace")[-3000:]
            )

    def wait(self, timeout: float) -> None:
        """Wait until it ends by itself.

        Raises:
            Timeout: it still runs after `timeout` seconds.
        """
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self._popen.args!r}: not within {timeout:.0f} s") from None

    def stop(self) -> None:
        """End it; kill it when it does not."""
        if not self.running:
            return
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def kill(self) -> None:
        """Kill it, as a crash does."""
        self._popen.kill()
        self._popen.wait()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.stop()


class Client:
    """JSON over one connection that is kept alive.

    Args:
        port: on 127.0.0.1.
        headers: sent with each request.
    """

    def __init__(self, port: int, *, headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = dict(headers or {})

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request.

        Returns:
            Status and body of the answer.

        Raises:
            OSError, HTTPException: no connection, or no answer.
        """
        data = None if body is None else orjson.dumps(body)
        headers = self.headers | ({"Content-Type": "application/json"} if data else {})
        try:
            self._connection.request(method, path, data, headers)
            response = self._connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        return response.status, orjson.loads(payload) if payload else None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class StandIn:
    """The stand-in for Telegram, in a process of its own.

    Args:
        process: it.
        port: where it listens.
    """

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self._client = Client(port)

    def ask(self, name: str, **params: Any) -> dict[str, Any]:
        """A call of its control interface, see `bench.telegram.Control`."""
        status, answer = self._client.call("POST", f"/control/{name}", params)
        if status != 200:
            raise RuntimeError(f"the stand-in answered {status} to {name}")
        return dict(answer)

    def wait_polled(self, bots: int, *tested: Process, timeout: float = 120.0) -> None:
        """Wait until as many bots have a long poll under way, and all programs still run."""

        def polled() -> bool:
            for process in tested:
                process.check()
            return bool(self.ask("state")["parked"] >= bots)

        wait_for(f"{bots} bots poll", polled, timeout=timeout)

    def drain(self, *, timeout: float = 20.0) -> int:
        """End the load and wait until everything is answered.

        Returns:
            How many messages were not.
        """
        self.ask("load", mode="off")
        with suppress(Timeout):
            wait_for("all is answered", lambda: not self._unanswered(), timeout=timeout)
        return self._unanswered()

    def _unanswered(self) -> int:
        state = self.ask("state")
        return int(state["injected"] - state["answered"])


@contextmanager
def stand_in(folder: Path) -> Iterator[StandIn]:
    """Run the stand-in for as long as the block lasts."""
    port_file = folder / "telegram.port"
    arguments = ["-m", "bench.telegram", str(port_file)]
    with Process(arguments, core=LOAD_CORE, log=folder / "telegram.log") as process:

        def listens() -> bool:
            process.check()
            return port_file.exists()

        wait_for("the stand-in listens", listens, timeout=20)
        yield StandIn(process, int(port_file.read_text()))
