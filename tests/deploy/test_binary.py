"""The one file, alone: in an empty root with nothing but itself and a folder to write to.

`make test-binary` builds it first; bubblewrap (`bwrap`) makes the empty root.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, PASSWORD, Client, numbers, register, until
from support.kills import kill_in_the_middle
from support.postgresql import PostgreSQL, free_port
from support.server_process import ROOT, ServerProcess, serving

from sandbox import Sandbox
from server import __version__
from server.version import commit

pytestmark = [pytest.mark.binary, pytest.mark.timeout(120)]

FILE = ROOT / "dist" / "botyard-linux-x86_64"
START = 30.0  # seconds for a first start on a busy machine


@dataclass
class EmptyRoot:
    """A root folder that holds the file, /proc, and /w, which alone is writable."""

    root: Path

    @property
    def work(self) -> Path:
        """Its /w, seen from outside."""
        return self.root / "w"

    def command(self, *args: str, info: int | None = None, **env: str) -> list[str]:
        """The file with arguments, in here; the environment is empty but for what is given.

        Args:
            info: a descriptor to which bwrap writes the process id.
        """
        told = [] if info is None else ["--info-fd", str(info)]
        variables = [
            word for pair in ({"TMPDIR": "/w"} | env).items() for word in ("--setenv", *pair)
        ]
        return [
            "bwrap", "--unshare-all", "--share-net", "--die-with-parent", *told,
            "--ro-bind", str(self.root), "/", "--bind", str(self.work), "/w", "--proc", "/proc",
            "--chdir", "/w", "--clearenv", *variables, "/botyard", *args,
        ]  # fmt: skip

    def run(self, *args: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run the file to its end."""
        return subprocess.run(
            self.command(*args, **env), input=stdin, capture_output=True, text=True,
            timeout=START, check=False,
        )  # fmt: skip

    def unpacked(self) -> list[str]:
        """The folders that it unpacked itself into and has not removed."""
        return [path.name for path in self.work.iterdir() if re.match("_MEI|staticx-", path.name)]

    @asynccontextmanager
    async def serving(self, telegram_url: str, *args: str) -> AsyncIterator[Inside]:
        """`botyard serve` in here, on a free port of the machine."""
        reading, writing = os.pipe()
        serve = ("serve", "--port", "0", "--telegram-api-url", telegram_url, *args)
        process = await asyncio.create_subprocess_exec(
            *self.command(*serve, info=writing),
            pass_fds=[writing],
            stderr=asyncio.subprocess.PIPE,
        )
        os.close(writing)
        with os.fdopen(reading) as told:
            server = Inside(process, init=json.load(told)["child-pid"])
        announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        assert process.stderr is not None
        server.reader = asyncio.create_task(
            server._read(process.stderr, announced), name="the file's log"
        )
        try:
            async with asyncio.timeout(START):
                server.url = await announced
            yield server
        finally:
            if process.returncode is None:
                server.kill()
                await process.wait()
            await server.reader


@dataclass
class Inside(ServerProcess):
    """The file while it serves; `process` is bwrap's.

    Args:
        init: the first process of the root; all others in it end when it does.
    """

    init: int = 0

    @property
    def pid(self) -> int:
        """The file's own process, the one that a supervisor would signal."""
        return int(Path(f"/proc/{self.init}/task/{self.init}/children").read_text())

    def kill(self) -> None:
        """Kill -9 for all of it."""
        os.kill(self.init, signal.SIGKILL)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        os.kill(self.pid, number)
        async with asyncio.timeout(DEADLINE):
            return await self.process.wait()


@pytest.fixture
def root(tmp_path: Path) -> EmptyRoot:
    """An empty root with the file."""
    assert FILE.is_file(), f"{FILE} is missing: make binary"
    assert shutil.which("bwrap"), "bwrap is missing: apt-get install bubblewrap"
    for name in ("w", "proc"):
        (tmp_path / "root" / name).mkdir(parents=True)
    shutil.copy(FILE, tmp_path / "root" / "botyard")
    return EmptyRoot(tmp_path / "root")


# -- a whole life


async def test_from_nothing_to_a_bot_that_answers_and_back_to_nothing(
    root: EmptyRoot, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot = telegram.add_bot()
    async with root.serving(telegram.url) as server:  # type: ignore[attr-defined]
        user = await register(Client(http, server.url))
        made = await user.add_bot(bot)
        assert made["status"]["state"] == "running"
        telegram.send_message(bot.id, text="Hello, bot!")
        (sent,) = await telegram.wait_sent(bot.id, timeout=DEADLINE)
        assert sent.message["text"] == "Hello, bot!"
        off = await user.patch(f"{BOTS}{made['id']}/", {"active": False})
        assert (off.status, off.json["status"]["state"]) == (200, "stopped")
        assert await server.end(signal.SIGTERM) == 0
    assert not [line for line in server.log if "ERROR" in line or "Traceback" in line]
    assert [path.name for path in root.work.iterdir()] == ["data"]


async def test_signals_that_come_twice_end_it_in_good_order_too(
    root: EmptyRoot, telegram: Sandbox
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        async with root.serving(telegram.url) as server:  # type: ignore[attr-defined]
            os.kill(server.pid, number)
            assert await server.end(number) == 0
        assert root.unpacked() == []


async def test_after_kill_9_the_bots_come_back(
    root: EmptyRoot, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot = telegram.add_bot()
    async with root.serving(telegram.url) as server:  # type: ignore[attr-defined]
        user = await register(Client(http, server.url))
        await user.add_bot(bot)
        server.kill()
        assert await server.process.wait() != 0
    await until(lambda: not telegram.polling(bot.id), "the end of the poll")
    async with root.serving(telegram.url):  # type: ignore[attr-defined]
        await until(lambda: telegram.polling(bot.id), "the bot polling again")


@dataclass
class AllOfIt(ServerProcess):
    """The file while it serves on the machine itself; `process` is what was started."""

    def pids(self) -> list[int]:
        """The process that was started, the one below it, and the server below that."""
        pids = [self.process.pid]
        while below := Path(f"/proc/{pids[-1]}/task/{pids[-1]}/children").read_text().split():
            pids += map(int, below)
        return pids


@dataclass
class OnTheMachine:
    """Starts the file without a root of its own, whose end would be that of all in it."""

    folder: Path
    telegram: Sandbox

    @asynccontextmanager
    async def __call__(self, name: str = "data", **env: str) -> AsyncIterator[AllOfIt]:
        """`botyard serve` on a data folder of this name."""
        tmp = self.folder / "tmp"
        tmp.mkdir(exist_ok=True)
        url: str = self.telegram.url  # type: ignore[attr-defined]
        data = self.folder / name
        async with serving(data, url, program=[str(FILE)], TMPDIR=str(tmp), **env) as server:
            yield AllOfIt(server.process, server.url, server.log, server.reader)

    def unpacked(self) -> list[str]:
        """The folders that it unpacked itself into and has not removed."""
        return [path.name for path in (self.folder / "tmp").iterdir()]


@pytest.mark.parametrize("which", ["the one that was started", "the one below it", "the server"])
async def test_kill_9_of_one_of_its_processes_ends_all_and_leaves_folder_and_port_free(
    which: str, tmp_path: Path, telegram: Sandbox
) -> None:
    start = OnTheMachine(tmp_path, telegram)
    async with start() as server:
        pids = server.pids()
        assert len(pids) == 3
        names = ["the one that was started", "the one below it", "the server"]
        os.kill(pids[names.index(which)], signal.SIGKILL)
        await until(lambda: not any(map(is_alive, pids)), "the end of all of them")
        port = server.url.rpartition(":")[2]
    async with start(BOTYARD_PORT=port) as server:
        assert await server.end(signal.SIGTERM) == 0


def is_alive(pid: int) -> bool:
    """Whether a process runs; what nobody has waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_restart_right_after_kill_9_is_not_refused(
    tmp_path: Path, telegram: Sandbox
) -> None:
    start = OnTheMachine(tmp_path, telegram)
    async with start() as server:
        port = server.url.rpartition(":")[2]
        server.process.kill()
        await server.process.wait()
        async with start(BOTYARD_PORT=port) as again:  # as a supervisor: at once
            assert await again.end(signal.SIGTERM) == 0


@pytest.mark.timeout(300)
async def test_kill_9_of_what_was_started_in_the_middle_loses_no_message(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    await kill_in_the_middle(OnTheMachine(tmp_path, telegram), 10, telegram, http)


async def test_what_is_killed_while_it_starts_leaves_no_server(
    tmp_path: Path, telegram: Sandbox
) -> None:
    (tmp_path / "tmp").mkdir()
    for step in range(12):  # 0 to 1.1 s: unpacking, importing, migrating
        process = await asyncio.create_subprocess_exec(
            FILE, "serve", "--port", "0", "--data-dir", str(tmp_path / "data"),
            env={"TMPDIR": str(tmp_path / "tmp")}, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), step / 10)
        process.kill()
        async with asyncio.timeout(DEADLINE):
            assert process.stderr is not None
            await process.stderr.read()  # until the last one that could write to it has ended
            await process.wait()
    async with OnTheMachine(tmp_path, telegram)() as server:
        assert await server.end(signal.SIGTERM) == 0


# -- everything is in it


async def test_it_holds_the_swagger_page_and_the_api_document(
    root: EmptyRoot, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with root.serving(telegram.url) as server:  # type: ignore[attr-defined]
        client = Client(http, server.url)
        page = (await client.get("/swagger/")).text
        files = re.findall(r'(?:src|href)="([^":]+)"', page)
        assert len(files) >= 3
        for name in files:
            async with http.get(f"{server.url}/swagger/{name.removeprefix('./')}") as response:
                assert response.status == 200, name
        document = (await client.get("/openapi.json")).json
        assert document["info"]["version"] == __version__
        assert BOTS in document["paths"]
        assert "Swagger" not in str(document["tags"]), "docstrings are in it"


async def test_https_and_names_need_nothing_of_the_machine(
    root: EmptyRoot, http: aiohttp.ClientSession, telegram: Sandbox
) -> None:
    # No /etc/ssl, no /etc/resolv.conf: authorities come along, a name that cannot be found is
    # a Telegram out of reach and no failure of the server.
    async with root.serving("https://telegram.invalid") as server:
        user = await register(Client(http, server.url))
        made = await user.add_bot(telegram.add_bot())
        assert made["status"]["state"] == "retrying"
        assert made["status"]["reason"] == "telegram_unreachable"


def test_it_holds_the_time_zones() -> None:
    assert b"tzdata/zoneinfo/Europe/Lisbon" in FILE.read_bytes()


def test_it_tells_its_version_its_commit_and_its_libraries(root: EmptyRoot) -> None:
    shown = root.run("--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    first, second = shown.stdout.splitlines()
    built_from = re.fullmatch(
        rf"botyard {re.escape(__version__)}, commit ([0-9a-f]+)(-dirty)?", first
    )
    assert built_from
    assert built_from[1] == commit().removesuffix("-dirty")
    assert second == (
        f"Tornado {version('tornado')}, python-telegram-bot {version('python-telegram-bot')}, "
        f"Peewee {version('peewee')}"
    )


def test_accounts_and_migrations_are_managed_with_it(root: EmptyRoot) -> None:
    assert root.run("migrate", "up").returncode == 0
    made = root.run("user", "create", "ann", "--password-stdin", stdin=PASSWORD)
    assert (made.returncode, made.stdout) == (0, "user ann has the id 1\n"), made.stderr
    assert " ann " in root.run("user", "list").stdout
    names = {path.stem for path in (ROOT / "models/migrations").glob("0*.py")}
    status = root.run("migrate", "status").stdout
    assert set(re.findall(r"^done +(\S+)$", status, re.MULTILINE)) == names
    assert root.unpacked() == []


def test_every_command_has_its_help(root: EmptyRoot) -> None:
    listed = re.findall(r"^  ([a-z-]+)  ", root.run("--help").stdout, re.MULTILINE)
    assert {"serve", "migrate", "user", "sandbox", "demo", "copy-database"} <= set(listed)
    for name in listed:
        shown = root.run(name, "--help")
        assert (shown.returncode, shown.stderr) == (0, ""), name


async def test_the_sandbox_and_the_demo_are_in_it(
    root: EmptyRoot, http: aiohttp.ClientSession
) -> None:
    port = free_port()
    demo = await asyncio.create_subprocess_exec(
        *root.command("demo", "--port", "0", "--sandbox-port", str(port)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert demo.stdout is not None
    try:
        async with asyncio.timeout(START):
            text = (await demo.stdout.readuntil(b"Ctrl-C ends both.\n")).decode()
        found = re.search(r"serves on (http://[\d.:]+).*TOKEN=(\S+)", text, re.DOTALL)
        assert found
        client = await register(Client(http, found[1]))
        made = (await client.post(BOTS, {"token": found[2]})).json
        assert made["status"]["state"] == "running"
    finally:
        demo.kill()
        await demo.wait()


@pytest.fixture
def pg_url(postgresql: PostgreSQL) -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = f"binary_{next(numbers)}"
    postgresql.execute(f"CREATE DATABASE {name}")
    yield postgresql.url(name)
    postgresql.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_it_moves_to_postgresql_and_serves_there(
    root: EmptyRoot, telegram: Sandbox, http: aiohttp.ClientSession, pg_url: str
) -> None:
    root.run("migrate", "up")
    root.run("user", "create", "ann", "--password-stdin", stdin=PASSWORD)
    copied = root.run("copy-database", "sqlite:////w/data/botyard.db", pg_url)
    assert copied.returncode == 0, copied.stderr
    async with root.serving(telegram.url, "--database-url", pg_url) as server:  # type: ignore[attr-defined]
        body = {"username": "ann", "password": PASSWORD}
        assert (await Client(http, server.url).post("/rest-auth/login/", body)).status == 200
        assert await server.end(signal.SIGTERM) == 0


# -- where it unpacks itself


@pytest.mark.parametrize("folder", ["/missing", "/"])
def test_a_folder_that_cannot_be_written_to_is_told_in_one_line(
    root: EmptyRoot, folder: str
) -> None:
    ended = root.run("serve", TMPDIR=folder)
    assert ended.returncode != 0
    assert re.fullmatch(
        rf"botyard: Failed to create temporary directory in {folder}: .+\n", ended.stderr
    )


async def test_what_killed_runs_left_is_removed_by_the_next_start_and_what_is_held_is_not(
    tmp_path: Path, telegram: Sandbox
) -> None:
    start = OnTheMachine(tmp_path, telegram)
    async with start("running") as running:
        for number in range(2):
            async with start("killed") as server:
                os.kill(server.pids()[number], signal.SIGKILL)
                await server.process.wait()
            # The other one removes its own, and the run before is swept.
            assert len(start.unpacked()) == 3, "what the killed one had unpacked is left"
        async with start("next") as server:
            assert await server.end(signal.SIGTERM) == 0
        assert len(start.unpacked()) == 2, "those of the one that runs"
        assert await running.end(signal.SIGTERM) == 0
    assert start.unpacked() == []


def test_what_a_crash_left_is_removed_by_the_next_run(root: EmptyRoot) -> None:
    mark = "0-botyard-one-file"
    left = {"_MEIold": mark, "_MEIolder": "botyard-one-file", "staticx-old": "botyard"}
    kept = {"_MEInew": mark, "_MEIheld": mark, "_MEIother": "anything"}
    for name, mark in (left | kept).items():
        (root.work / name).mkdir()
        (root.work / name / mark).touch()
        if name != "_MEInew":
            os.utime(root.work / name, (0, 0))
    held = os.open(root.work / "_MEIheld", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    assert root.run("--version").returncode == 0
    os.close(held)
    assert set(root.unpacked()) == set(kept)


def test_the_mark_is_unpacked_before_everything_else() -> None:
    # In PyInstaller's table, in the order of unpacking: compressed or not, kind (b and x are
    # files), name. See PyInstaller/archive/writers.py.
    table = re.findall(rb"[\0\1][bx]([!-~]+)\0", FILE.read_bytes())
    files = [name for name in table if len(name) > 3]
    mark = files.index(b"0-botyard-one-file")
    before = {name for name in files[:mark] if b".so" in name or b"/" in name}
    after = {name for name in files[mark:] if b".so" in name}
    assert not before
    assert len(after) > 50


async def test_while_it_runs_its_folders_are_locked_against_cleaners(
    root: EmptyRoot, telegram: Sandbox
) -> None:
    async with root.serving(telegram.url) as server:  # type: ignore[attr-defined]
        folders = root.unpacked()
        assert len(folders) == 2
        for name in folders:
            descriptor = os.open(root.work / name, os.O_RDONLY)
            with pytest.raises(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(descriptor)
        assert await server.end(signal.SIGTERM) == 0
