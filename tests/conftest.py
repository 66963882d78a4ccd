"""What the tests share: a real server, a real sandbox Bot API, and checks at each test's end."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import models.password
from runner.settings import RunnerSettings
from sandbox import Sandbox, SandboxBot
from sandbox.app import serve as serve_sandbox
from server.app import Botyard, open_botyard
from server.config import Config

PASSWORD = "correct horse battery"
DEADLINE = 10.0  # seconds a test waits for what must happen
BOTS = "/api/v1/telegram_data/"

# Short enough that no test waits long, long enough that a busy machine keeps them.
QUICK = RunnerSettings(
    poll_timeout=2,
    poll_margin=1.0,
    call_timeout=3.0,
    verify_timeout=2.0,
    start_wait=6.0,
    backoff_min=0.05,
    backoff_max=0.4,
)


async def until(
    condition: Callable[[], Any], what: str = "the condition", *, deadline: float = DEADLINE
) -> Any:
    """Wait until a condition holds; its value."""
    try:
        async with asyncio.timeout(deadline):
            while not (value := condition()):  # noqa: ASYNC110 - conditions of other parts
                await asyncio.sleep(0.005)
            return value
    except TimeoutError:
        raise AssertionError(f"{what} did not come true in {deadline:g} s") from None


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: Any
    text: str
    json: Any


@dataclass
class Client:
    """A frontend: a base address, a session, a key."""

    http: aiohttp.ClientSession
    url: str
    key: str | None = None
    scheme: str = "Bearer"
    user: dict[str, Any] = field(default_factory=dict)

    async def request(self, method: str, path: str, json: Any = None, **options: Any) -> Answer:
        """One request with the key."""
        headers = dict(options.pop("headers", None) or {})
        if self.key is not None:
            headers.setdefault("Authorization", f"{self.scheme} {self.key}")
        if json is not None:
            options["json"] = json
        async with self.http.request(
            method, self.url + path, headers=headers, allow_redirects=False, **options
        ) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "")
            body = await response.json(content_type=None) if is_json and text else None
            return Answer(response.status, response.headers, text, body)

    async def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> Answer:
        """POST."""
        return await self.request("POST", path, json, **options)

    async def patch(self, path: str, json: Any = None, **options: Any) -> Answer:
        """PATCH."""
        return await self.request("PATCH", path, json, **options)

    async def put(self, path: str, json: Any = None, **options: Any) -> Answer:
        """PUT."""
        return await self.request("PUT", path, json, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        """DELETE."""
        return await self.request("DELETE", path, **options)

    async def add_bot(self, bot: SandboxBot, **fields: Any) -> dict[str, Any]:
        """Add a bot; as it was answered."""
        answer = await self.post(BOTS, {"token": bot.token, **fields})
        assert answer.status == 201, answer.text
        shown: dict[str, Any] = answer.json
        return shown

    async def status_of(self, bot: dict[str, Any]) -> dict[str, Any]:
        """A bot's status now."""
        shown: dict[str, Any] = (await self.get(f"{BOTS}{bot['id']}/")).json["status"]
        return shown

    async def until_state(self, bot: dict[str, Any], state: str) -> dict[str, Any]:
        """Wait until a bot is in a state; its status."""
        seen: dict[str, Any] = {}
        try:
            async with asyncio.timeout(DEADLINE):
                while (seen := await self.status_of(bot))["state"] != state:
                    await asyncio.sleep(0.01)
                return seen
        except TimeoutError:
            raise AssertionError(f"the bot is not {state} but {seen}") from None


@pytest.fixture(autouse=True)
def cheap_bcrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with the least rounds: what is tested is not how slow bcrypt is."""
    monkeypatch.setattr(models.password, "COST", 4)


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    yield
    mine = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not mine and not task.done()]
    if left:  # what was just cancelled may need a turn of the loop
        _, pending = await asyncio.wait(left, timeout=1.0)
        assert not pending, f"left running: {sorted(task.get_name() for task in pending)}"


@pytest.fixture(autouse=True)
def log_without_secrets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Keep what is logged at hand, at every level our code uses."""
    caplog.set_level(logging.INFO)
    yield


@pytest.fixture
async def telegram() -> AsyncIterator[Sandbox]:
    """A local Bot API on a free port; its address is `telegram_url`'s."""
    server, sandbox = await serve_sandbox("127.0.0.1", 0)
    sandbox.url = sandbox_url(server)  # type: ignore[attr-defined]
    yield sandbox
    sandbox.clear()
    server.stop()
    await server.close_all_connections()


def sandbox_url(server: Any) -> str:
    """Where a Tornado server listens."""
    socket = next(iter(server._sockets.values()))
    return f"http://127.0.0.1:{socket.getsockname()[1]}"


@pytest.fixture
def config(tmp_path: Path, telegram: Sandbox) -> Config:
    """Settings of a server of its own."""
    flags = {
        "port": "0",
        "data_dir": str(tmp_path / "data"),
        "telegram_api_url": telegram.url,  # type: ignore[attr-defined]
    }
    return Config.load({}, **flags).with_data_dir()


@pytest.fixture
def runner_settings() -> RunnerSettings:
    """Times of the runner; tests override it."""
    return QUICK


@pytest.fixture
async def botyard(config: Config, runner_settings: RunnerSettings) -> AsyncIterator[Botyard]:
    """A running server."""
    running = await open_botyard(config, runner=runner_settings)
    yield running
    await running.drain(5)
    await running.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session without cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def anonymous(botyard: Botyard, http: aiohttp.ClientSession) -> Client:
    """Somebody without a key."""
    return Client(http, botyard.url)


_numbers = itertools.count(1)


async def register(client: Client, name: str | None = None) -> Client:
    """A new account, logged in."""
    name = name or f"user{next(_numbers)}"
    body = {"username": name, "password": PASSWORD}
    answer = await client.post("/rest-auth/registration/", body)
    assert answer.status == 201, answer.text
    return Client(client.http, client.url, answer.json["key"], user=answer.json["user"])


@pytest.fixture
async def ann(anonymous: Client) -> Client:
    """A user."""
    return await register(anonymous, "ann")


@pytest.fixture
async def bob(anonymous: Client) -> Client:
    """Another user."""
    return await register(anonymous, "bob")
