"""Botyard under test: a real `botyard serve`, used over HTTP."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from bench.processes import ROOT, TESTED_CORE, Client, Process, wait_for
from bench.stage import Stage
from bench.telegram_state import token_of

USER, PASSWORD = "bench", "a bench is for sitting"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Botyard:
    """A running server.

    Args:
        process: it.
        port: where it listens.
    """

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self._client = Client(port)

    @property
    def authorization(self) -> str:
        """Value of that header for the account that is logged in."""
        return self._client.headers["Authorization"]

    def wait_answers(self, path: str, *, timeout: float = 60.0) -> float:
        """Wait until a path answers 200.

        Returns:
            Seconds since the process was started.
        """

        def answers() -> bool:
            self.process.check()
            try:
                return self._client.call("GET", path)[0] == 200
            except (OSError, http.client.HTTPException):
                return False

        wait_for(f"{path} answers 200", answers, timeout=timeout)
        return time.monotonic() - self.process.began

    def register(self, username: str = USER) -> None:
        """Make an account and log in to it; by default the one that all bots belong to."""
        body = {"username": username, "password": PASSWORD}
        status, answer = self._client.call("POST", "/rest-auth/registration/", body)
        _expect(201, status, answer)
        self._client.headers["Authorization"] = f"Bearer {answer['key']}"

    def log_in(self) -> None:
        """Log in to the account that all bots belong to."""
        body = {"username": USER, "password": PASSWORD}
        status, answer = self._client.call("POST", "/rest-auth/login/", body)
        _expect(200, status, answer)
        self._client.headers["Authorization"] = f"Bearer {answer['key']}"

    def add_bots(self, count: int, *, active: bool) -> None:
        """Add the stand-in's first bots; the ids they get are 1 to `count`."""
        for index in range(count):
            body = {"token": token_of(index), "title": f"Bench {index}", "active": active}
            status, answer = self._client.call("POST", "/api/v1/telegram_data/", body)
            _expect(201, status, answer)
            if answer["id"] != index + 1:
                raise RuntimeError(f"bot {index} got the id {answer['id']}")

    def publish(self, count: int, template: str) -> None:
        """Let the first bots run a scenario, each a copy of its own that differs from the others.

        Args:
            template: the name of the scenario, such as `echo.en`.
        """
        status, document = self._client.call("GET", f"/api/v1/scenario_templates/{template}/")
        _expect(200, status, document)
        self._client.headers["If-Match"] = "*"
        for index in range(count):
            document["title"] = f"Bench {index}"
            path = f"/api/v1/telegram_data/{index + 1}/scenario/"
            status, answer = self._client.call("PUT", path, document)
            _expect(200, status, answer)
            status, answer = self._client.call("POST", f"{path}publish/", {})
            _expect(201, status, answer)

    def add_bot(self, token: str) -> None:
        """Add one bot, active."""
        status, answer = self._client.call("POST", "/api/v1/telegram_data/", {"token": token})
        _expect(201, status, answer)

    def switch(self, index: int, active: bool) -> float:
        """Switch a bot on or off.

        Returns:
            Seconds until the answer.
        """
        began = time.perf_counter()
        path = f"/api/v1/telegram_data/{index + 1}/"
        status, answer = self._client.call("PATCH", path, {"active": active})
        seconds = time.perf_counter() - began
        _expect(200, status, answer)
        state = answer["status"]["state"]
        if state != ("running" if active else "stopped"):
            raise RuntimeError(f"after active={active} bot {index} is {state}")
        return seconds


def _expect(wanted: int, status: int, answer: object) -> None:
    if status != wanted:
        raise RuntimeError(f"Botyard answered {status}: {answer}")


@contextmanager
def serving(
    stage: Stage,
    data: Path,
    bots: int,
    *,
    checkout: Path = ROOT,
    turns: Path | None = None,
    core: int = TESTED_CORE,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Botyard]:
    """Run a server.

    Args:
        stage: the run.
        data: its data folder; its log is beside it.
        bots: how many an account may have.
        checkout: the code it runs.
        turns: where to note how late its event loop comes, see `bench.turns`.
        core: as for `Process`.
        settings: variables to add to its environment.
    """
    port = free_port()
    environ = {
        "BOTYARD_PORT": str(port),
        "BOTYARD_DATA_DIR": str(data),
        "BOTYARD_TELEGRAM_API_URL": stage.telegram.url,
        "BOTYARD_MAX_BOTS_PER_USER": str(bots),
        "BOTYARD_ACCOUNT_RATE": "32767",  # one account does it all
        **settings,
    }
    log = data.with_suffix(".log")
    watched = ["-m", "bench.turns", str(turns)] if turns else ["-m"]
    arguments = [*watched, "server", "serve"]
    with Process(arguments, core=core, log=log, environ=environ, folder=checkout) as process:
        yield Botyard(process, port)
