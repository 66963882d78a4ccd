"""The API under load, beside a Django backend with the same routes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import twin
from bench.api_table import CONNECTIONS, DJANGO, DJANGO_2, LIST_DURING_LOGINS, ROWS
from bench.botyard import PASSWORD, USER, Botyard
from bench.measure import cpu_seconds
from bench.peers.launch import botyard_with_bots, servers
from bench.processes import wait_for
from bench.stage import Stage
from bench.wrk import Answers, Wrk, program, request

_BOTS = 5
_LOGINS = 4  # connections that log in meanwhile
# Botyard allows ten attempts under way per account and address.
_OTHERS = [f"bench{number}" for number in range(1, 8)]
_WORKERS = {DJANGO: 1, DJANGO_2: 2}
_PATH = "/api/v1/telegram_data/"
_QUIET = 0.1  # seconds without CPU time that show that nothing is under way
_TICK = 0.01  # seconds; the kernel counts CPU time in these

Server = Botyard | twin.Twin
Requests = Callable[[Server], list[bytes]]


def _list(server: Server) -> list[bytes]:
    return [request("GET", _PATH, port=server.port, authorization=server.authorization)]


def _one(server: Server) -> list[bytes]:
    return [
        request("GET", path, port=server.port, authorization=server.authorization)
        for path in _paths()
    ]


def _title(server: Server) -> list[bytes]:
    """Each title differs from the one before, so each request writes."""
    titles = [f"Title {number}" for number in range(20)]
    return _patches(server, [{"title": title} for title in titles])


def _active(server: Server) -> list[bytes]:
    return _patches(server, [{"active": True}, {"active": False}])


def _login(server: Server) -> list[bytes]:
    return [
        request(
            "POST",
            "/rest-auth/login/",
            port=server.port,
            body={"username": name, "password": PASSWORD},
        )
        for name in [USER, *_OTHERS]
    ]


def _paths() -> list[str]:
    return [f"{_PATH}{number}/" for number in range(1, _BOTS + 1)]


def _patches(server: Server, bodies: list[dict[str, Any]]) -> list[bytes]:
    """Each change of all bots, one change after another."""
    return [
        request("PATCH", path, port=server.port, authorization=server.authorization, body=body)
        for body in bodies
        for path in _paths()
    ]


@dataclass(frozen=True, slots=True)
class _Case:
    """A row at a number of connections."""

    row: str
    connections: int

    @property
    def key(self) -> str:
        return f"{self.row}_{self.connections}"


_REQUESTS: dict[str, Requests] = {
    "list": _list,
    "one": _one,
    "title": _title,
    "active": _active,
    "login": _login,
    LIST_DURING_LOGINS: _list,
}
_CASES = [
    _Case(row, connections)
    for row in ROWS
    for connections in (CONNECTIONS if row != LIST_DURING_LOGINS else CONNECTIONS[:1])
]


def run(stage: Stage) -> dict[str, Any]:
    """Measure each case with every server once a round, each time with a fresh server.

    Returns:
        By case and server, lists with one value a round: `cpu_ms` per request of all processes
        of the server, `core_share` of a core that they used, `per_second`, `p50_ms`, `p99_ms`.
        The list while others log in has `logins_per_second` instead of the first two. Two workers
        are measured with most connections only.
    """
    program()
    twin.check_installed()
    results: dict[str, Any] = {}
    for number in range(stage.sizes.rounds):
        for case in _CASES:
            stage.say(f"API, round {number + 1}: {case.key}")
            for peer in _peers(stage, case):
                found = results.setdefault(case.key, {}).setdefault(peer, {})
                for name, value in _measure(stage, peer, case).items():
                    found.setdefault(name, []).append(value)
    return results


def _peers(stage: Stage, case: _Case) -> list[str]:
    several = case.connections > 1 or case.row == LIST_DURING_LOGINS
    return [DJANGO, *([DJANGO_2] if several else []), *servers(stage)]


@contextmanager
def _serving(stage: Stage, peer: str) -> Iterator[Server]:
    if workers := _WORKERS.get(peer):
        with twin.twin(stage, _BOTS, workers=workers, others=_OTHERS) as django:
            yield django
        return
    with botyard_with_bots(stage, peer, _BOTS, active=False, others=_OTHERS) as botyard:
        botyard.wait_answers("/readyz")
        botyard.log_in()
        yield botyard


def _measure(stage: Stage, peer: str, case: _Case) -> dict[str, float]:
    with _serving(stage, peer) as server:
        requests = _REQUESTS[case.row](server)
        hashing = case.row in ("login", LIST_DURING_LOGINS)
        seconds = stage.sizes.login_window if hashing else stage.sizes.api_window
        _warm_up(stage, server, requests, 1 if hashing else case.connections)
        if case.row == LIST_DURING_LOGINS:
            return _during_logins(stage, server, requests, case.connections, seconds)
        before = cpu_seconds(server.process.pid)
        answers = _load(stage, server, requests, case.connections, seconds)
        cpu = cpu_seconds(server.process.pid) - before
        server.process.check()
    if not answers.requests:
        raise RuntimeError(f"{peer} answered nothing: {case.key}")
    return {
        "cpu_ms": 1000 * cpu / answers.requests,
        "core_share": cpu / answers.seconds,
        **_figures(answers),
    }


def _figures(answers: Answers) -> dict[str, float]:
    return {
        "per_second": answers.per_second,
        "p50_ms": answers.p50_ms,
        "p99_ms": answers.p99_ms,
    }


def _load(
    stage: Stage, server: Server, requests: list[bytes], connections: int, seconds: int
) -> Answers:
    with Wrk(
        stage.folder, port=server.port, requests=requests, connections=connections, seconds=seconds
    ) as load:
        return load.wait()


def _during_logins(
    stage: Stage, server: Server, requests: list[bytes], connections: int, seconds: int
) -> dict[str, float]:
    """Two loads at once; the CPU time of a request cannot be told from that of the logins."""
    logins = _login(server)
    with Wrk(
        stage.folder, port=server.port, requests=logins, connections=_LOGINS, seconds=seconds
    ) as load:
        answers = _load(stage, server, requests, connections, seconds)
        logged_in = load.wait()
    server.process.check()
    return {**_figures(answers), "logins_per_second": logged_in.per_second}


def _warm_up(stage: Stage, server: Server, requests: list[bytes], connections: int) -> None:
    """Send the same requests for a while, and wait until the server is through with them."""
    with Wrk(
        stage.folder, port=server.port, requests=requests, connections=connections, seconds=60
    ):
        time.sleep(stage.sizes.api_warm_up)
    pid = server.process.pid

    def quiet() -> bool:
        before = cpu_seconds(pid)
        time.sleep(_QUIET)
        return cpu_seconds(pid) - before <= _TICK

    wait_for("the server has nothing to do", quiet, timeout=30)
