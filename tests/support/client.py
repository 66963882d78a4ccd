"""What tests use by name: a frontend, registering, waiting for what must happen."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.accounts import users
from models.accounts.audit import OPERATOR
from models.accounts.passwords import hash_password
from models.engine.migration import Migrations
from runner.settings import Limit, Limits, RunnerTuning
from sandbox import SandboxBot
from server.app import Botyard
from server.cli.base import run_in
from server.config import Config

PASSWORD = "correct horse battery"
DEADLINE = 30.0  # seconds a test waits for what must happen
BOTS = "/api/v1/telegram_data/"

# Told after a failure: the next attempt may have begun when the answer is made.
RETRIED = ("retrying", "starting")

# Short enough that no test waits long, long enough that a busy machine keeps them.
# Telegram's limits are tested in tests/runner/test_rate_limit.py; elsewhere nothing waits for them.
UNLIMITED = Limits(*[Limit(0.0001, 1000)] * 3, reserve=0)
QUICK = RunnerTuning(
    poll_timeout=1,
    poll_margin=1.0,
    call_timeout=3.0,
    verify_timeout=2.0,
    start_wait=6.0,
    backoff_min=0.05,
    backoff_max=0.4,
    watch_interval=0.05,
    limits=UNLIMITED,
)


async def until(
    condition: Callable[[], Any], what: str = "the condition", *, deadline: float = DEADLINE
) -> Any:
    """Wait until a condition holds; its value."""
    try:
        async with asyncio.timeout(deadline):
            while not (value := condition()):
                await asyncio.sleep(0.005)
            return value
    except TimeoutError:
        raise AssertionError(f"{what} did not come true in {deadline:g} s") from None


@dataclass
class Clock:
    """A clock that goes forward when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


def fill_disk(folder: Path) -> Path:
    """Fill the disk a folder is on; the file whose removal makes room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
    return ballast


def installation(folder: Path, *names: str) -> None:
    """An installation on a folder, made when it is not there, with some more accounts."""
    config = Config.load({}, data_dir=str(folder)).with_data_dir()
    Migrations(config.database_url).up()
    for name in names:
        password_hash = hash_password(PASSWORD)
        run_in(
            config,
            users.create,
            username=name,
            email="",
            password_hash=password_hash,
            by=OPERATOR,
        )


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: Any
    text: str
    json: Any

    @property
    def lasting(self) -> Any:
        """The body without what differs from request to request."""
        if isinstance(self.json, dict):
            return {name: value for name, value in self.json.items() if name != "request_id"}
        return self.json


turns = itertools.count()


@dataclass
class Client:
    """A frontend: a base address, a session, a key."""

    http: aiohttp.ClientSession
    url: str
    key: str | None = None
    scheme: str = "Bearer"
    user: dict[str, Any] = field(default_factory=dict)
    elsewhere: str | None = None  # another server of the installation, used in turns with `url`

    async def request(self, method: str, path: str, json: Any = None, **options: Any) -> Answer:
        """One request with the key."""
        headers = dict(options.pop("headers", None) or {})
        if self.key is not None:
            headers.setdefault("Authorization", f"{self.scheme} {self.key}")
        if json is not None:
            options["json"] = json
        url = self.url if self.elsewhere is None or next(turns) % 2 else self.elsewhere
        async with self.http.request(
            method, url + path, headers=headers, allow_redirects=False, **options
        ) as response:
            text = await response.text()
            kind = response.headers.get("Content-Type", "")
            is_json = kind.partition(";")[0].endswith("json")
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


numbers = itertools.count(1)
ADMIN_USERS, ADMIN_BOTS = "/api/v1/admin/users/", "/api/v1/admin/telegram_data/"


async def register(client: Client, name: str | None = None) -> Client:
    """A new account, logged in."""
    name = name or f"user{next(numbers)}"
    body = {"username": name, "password": PASSWORD}
    answer = await client.post("/rest-auth/registration/", body)
    assert answer.status == 201, answer.text
    return replace(client, key=answer.json["key"], user=answer.json["user"])


class Scrape:
    """What a scrape brought."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))

    def __call__(self, name: str, **labels: str) -> float | None:
        """The sum of the samples of a name that have these labels; None when there are none."""
        values = [
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(values) if values else None

    def values_of(self, label: str) -> set[str]:
        """The values that a label has anywhere."""
        samples = (sample for family in self.families for sample in family.samples)
        return {sample.labels[label] for sample in samples if label in sample.labels}


async def scrape(client: Client, **headers: str) -> Scrape:
    """Read the metrics."""
    answer = await client.get("/metrics", headers=headers)
    assert answer.status == 200, answer.text
    return Scrape(answer.text)


async def at_rest(botyard: Botyard) -> None:
    """End what writes to the database by itself."""
    for routine in botyard.routines:
        await routine.close()
    await botyard.services.runner.statuses.flush()
    await botyard.services.db.write(lambda: None)  # behind what they have begun
