"""What the tests share: a real server, a real sandbox Bot API, and checks at each test's end."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from programs.fork_server import CHEAP_BCRYPT
from support.client import DEADLINE, QUICK, Client, numbers, register
from support.forks import fork_server
from support.postgresql import PostgreSQL
from support.server_process import environment, serving

from dialogs import echo
from dialogs.events import Dialog
from models.accounts import administration, passwords
from models.accounts.audit import OPERATOR
from models.engine.database import Database
from models.engine.migration import Migrations
from runner.settings import RunnerTuning
from runner.updates.dispatcher import Dispatcher
from runner.updates.incoming import IncomingUpdate
from sandbox import Sandbox
from sandbox.app import serve as serve_sandbox
from server.app import Botyard, open_botyard
from server.config import Config

# Fixtures whose servers make the tables, which takes half a second on PostgreSQL: five times as
# long as a copy of them.
NEED_TABLES = {"botyard", "ensemble", "pg_db"}


@pytest.fixture(autouse=True)
def cheap_bcrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with the least rounds: what is tested is not how slow bcrypt is."""
    for name, value in CHEAP_BCRYPT.items():
        monkeypatch.setattr(passwords, name, value)


@pytest.fixture(scope="session", autouse=True)
def forks_end() -> Iterator[None]:
    """End the process that others are forks of."""
    yield
    fork_server.close()


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    yield
    mine = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not mine and not task.done()]
    if left:  # what was just cancelled may need a turn of the loop
        _, pending = await asyncio.wait(left, timeout=DEADLINE)
        assert not pending, f"left running: {sorted(task.get_name() for task in pending)}"


@pytest.fixture(autouse=True)
def log_without_secrets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Keep what is logged at hand, at every level our code uses."""
    caplog.set_level(logging.INFO)
    return


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB; needs root, as the build machines give it.

    SQLite's log may grow to four megabytes before it begins anew, beside the database.
    """
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", str(folder)]
    if os.geteuid() != 0:
        mount = ["sudo", "-n", *mount]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run([*mount[: mount.index("mount")], "umount", "-l", str(folder)], check=True)


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


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A private PostgreSQL server."""
    folder = Path(tempfile.mkdtemp(prefix="botyard-pg-"))  # short: a socket's path is limited
    server = PostgreSQL(folder)
    server.create()
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated_template(postgresql: PostgreSQL) -> str:
    """The name of a PostgreSQL database with tables and no rows, to be copied."""
    postgresql.execute("CREATE DATABASE migrated")
    Migrations(postgresql.url("migrated")).up()
    return "migrated"


@contextmanager
def new_database(request: pytest.FixtureRequest, name: str) -> Iterator[str]:
    """A PostgreSQL database: an empty one, but for tests of a server that would migrate it."""
    server: PostgreSQL = request.getfixturevalue("postgresql")
    template = "template1"
    if not NEED_TABLES.isdisjoint(request.fixturenames):
        template = request.getfixturevalue("migrated_template")
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def pg_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL database, whatever the suite runs on."""
    with new_database(request, f"own_{next(numbers)}") as url:
        yield url


@pytest.fixture
async def pg_db(pg_url: str) -> AsyncIterator[Database]:
    """A migrated PostgreSQL, open."""
    Migrations(pg_url).up()  # nothing is left to do, unless a test asks for this while it runs
    database = Database(pg_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database: an empty SQLite, or a PostgreSQL with `--database=postgresql`."""
    if request.config.getoption("--database") == "sqlite":
        (tmp_path / "data").mkdir(exist_ok=True)
        yield f"sqlite:///{tmp_path / 'data' / 'botyard.db'}"
        return
    with new_database(request, f"test_{next(numbers)}") as url:
        yield url


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is marked as early, on all workers alike.

    xdist cuts the list into a stretch for each worker, and moves ends of what is left of them.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    early = [item for item in items if item.get_closest_marker("early")]
    others = iter([item for item in items if not item.get_closest_marker("early")])
    left, ordered = len(items), []
    for worker in range(workers):
        stretch, first = left // (workers - worker), early[worker::workers]
        ordered += [*first, *itertools.islice(others, max(0, stretch - len(first)))]
        left = len(items) - len(ordered)
    items[:] = [*ordered, *others]


@pytest.fixture
def own_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A server that may be stopped, durable."""
    folder = Path(tempfile.mkdtemp(prefix="botyard-pg-"))
    server = PostgreSQL(folder, durable=True)
    server.create()
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the whole suite run on either database, and a soak as long as one likes."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.addoption(
        "--servers",
        type=int,
        choices=[1, 2],
        default=1,
        help="2: requests go to two servers on one PostgreSQL in turns, in each test that looks at "
        "no server from inside",
    )
    parser.addoption("--soak-minutes", type=float, default=10.0)


@pytest.fixture
def config(tmp_path: Path, telegram: Sandbox, database_url: str) -> Config:
    """Settings of a server of its own."""
    flags = {
        "port": "0",
        "data_dir": str(tmp_path / "data"),
        "database_url": database_url,
        "telegram_api_url": telegram.url,  # type: ignore[attr-defined]
        "account_rate": "32767",  # tests ask again and again until something is so
    }
    return Config.load({}, **flags).with_data_dir()


@pytest.fixture
def runner_tuning() -> RunnerTuning:
    """Times of the runner; tests override it."""
    return QUICK


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with tables and no rows, to be copied: its steps take half a start."""
    file = tmp_path_factory.mktemp("migrated") / "botyard.db"
    Migrations(f"sqlite:///{file}").up()
    return file


@pytest.fixture
def dialog() -> Dialog:
    """What the bots of the server answer."""
    return echo.answer


@pytest.fixture
def nothing_is_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no update handled before it is stored: each takes the long way, through its queue."""

    async def wait(self: Dispatcher, update: IncomingUpdate) -> None:
        return None

    monkeypatch.setattr(Dispatcher, "dispatch_at_once", wait)


@pytest.fixture
async def botyard(
    config: Config, runner_tuning: RunnerTuning, migrated: Path, dialog: Dialog
) -> AsyncIterator[Botyard]:
    """A running server."""
    if config.sqlite_file is not None and not config.has_database():
        shutil.copy(migrated, config.sqlite_file)
    running = await open_botyard(config, runner=runner_tuning, dialog=dialog)
    yield running
    await running.drain(5)
    await running.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session without cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def elsewhere(
    request: pytest.FixtureRequest, botyard: Botyard, config: Config, telegram: Sandbox
) -> AsyncIterator[str | None]:
    """The address of another server beside `botyard`, with `--servers=2`.

    A test that takes `botyard` itself looks at its runs, and needs all bots there.
    """
    looks_inside = "botyard" in request.node._fixtureinfo.argnames
    if request.config.getoption("--servers") == 1 or looks_inside:
        yield None
        return
    given = environment(config) | {"BOTYARD_PROCESS_NAME": "elsewhere", "BOTYARD_PORT": "0"}
    folder = config.data_dir.with_name("elsewhere")
    async with serving(folder, telegram.url, **given) as other:  # type: ignore[attr-defined]
        yield other.url


@pytest.fixture
def anonymous(botyard: Botyard, http: aiohttp.ClientSession, elsewhere: str | None) -> Client:
    """Somebody without a key."""
    return Client(http, botyard.url, elsewhere=elsewhere)


@pytest.fixture
async def ann(anonymous: Client) -> Client:
    """A user."""
    return await register(anonymous, "ann")


@pytest.fixture
async def root(botyard: Botyard, anonymous: Client) -> Client:
    """One of the staff."""
    client = await register(anonymous, "root")
    changes = {"is_staff": True}
    await botyard.services.db.write(administration.change, client.user["pk"], changes, by=OPERATOR)
    return client


@pytest.fixture
async def bob(anonymous: Client) -> Client:
    """Another user."""
    return await register(anonymous, "bob")
