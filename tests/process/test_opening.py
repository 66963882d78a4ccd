"""A start that fails at any step leaves nothing behind; an end goes on after a failure."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from support.client import QUICK

from runner.manager import BotManager
from runner.telegram.transport import Transport
from server import app, storage, version
from server.app import open_botyard
from server.config import Config
from server.http_server import BoundedServer


class Broken(Exception):
    """Raised by the step under test."""


@pytest.fixture
def address(config: Config) -> Config:
    """The settings with a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return replace(config, port=probe.getsockname()[1])


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[aiohttp.ClientSession]:
    """Every session that a transport opens."""
    opened: list[aiohttp.ClientSession] = []
    opening = Transport.open

    async def remember(transport: Transport) -> None:
        await opening(transport)
        assert transport._session is not None
        opened.append(transport._session)

    monkeypatch.setattr(Transport, "open", remember)
    return opened


def _fail_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a step do its work and then fail, which leaves the most to undo."""
    owner, name = {
        "migrate": (storage, "_migrate"),
        "secret": (storage, "check_secret"),
        "transport": (Transport, "open"),
        "commit": (version, "commit"),
        "manager": (BotManager, "__init__"),
        "application": (app, "make_app"),
        "routines": (app, "make_routines"),
        "sockets": (BoundedServer, "add_sockets"),
        "url": (app, "url_of"),
    }[step]
    working: Callable[..., Any] = getattr(owner, name)

    def fail(*args: Any, **kwargs: Any) -> Any:
        working(*args, **kwargs)
        raise Broken(step)

    async def fail_later(*args: Any, **kwargs: Any) -> Any:
        await working(*args, **kwargs)
        raise Broken(step)

    monkeypatch.setattr(owner, name, fail_later if step == "transport" else fail)


def _threads() -> list[str]:
    """The threads of a server; bcrypt's and the loop's own workers are not made by opening."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("botyard-")]


@pytest.mark.parametrize(
    "step",
    [
        "migrate",
        "secret",
        "transport",
        "commit",
        "manager",
        "application",
        "routines",
        "sockets",
        "url",
    ],
)
async def test_a_start_that_fails_leaves_no_socket_no_thread_and_no_session(
    address: Config,
    sessions: list[aiohttp.ClientSession],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    with monkeypatch.context() as broken:
        _fail_at(step, broken)
        with pytest.raises(Broken, match=step):
            await open_botyard(address, runner=QUICK)
    assert _threads() == []
    assert all(session.closed for session in sessions)
    assert bool(sessions) == (step not in {"migrate", "secret"})
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", address.port))
        free.listen()
    botyard = await open_botyard(address, runner=QUICK)  # and the database is to be had again
    await botyard.close()


async def test_an_end_goes_on_after_a_failure(
    address: Config, sessions: list[aiohttp.ClientSession]
) -> None:
    botyard = await open_botyard(address, runner=QUICK)

    async def fail() -> None:
        raise Broken("shutdown")

    botyard.stack.push_async_callback(fail)
    with pytest.raises(Broken):
        await botyard.close()
    assert [session.closed for session in sessions] == [True]
    assert _threads() == []
