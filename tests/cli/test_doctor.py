"""`botyard doctor`: what it finds, and that it changes nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support import smtp
from support.client import installation
from support.commands import Ended, botyard_command, run
from support.server_process import serving

from sandbox import Sandbox


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "data"


# what Telegram answers to a token that no bot has
NO_SUCH_BOT = '{"ok":false,"error_code":404,"description":"Not Found"}'


@pytest.fixture
def filled(data: Path) -> Path:
    """A data folder in use."""
    installation(data, "ann")
    return data


async def command(data: Path, *args: str, **options: str) -> Ended:
    """`botyard ...` on the folder."""
    return await botyard_command(*args, BOTYARD_DATA_DIR=str(data), **options)


async def examine(data: Path, url: str, **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of `doctor --json`, and what it found by the name of the check."""
    ended = await command(data, "doctor", "--json", BOTYARD_TELEGRAM_API_URL=url, **env)
    shown = json.loads(ended.out)
    assert shown["ok"] is (ended.code == 0)
    return ended.code, {finding["check"]: finding for finding in shown["checks"]}


def url(telegram: Sandbox) -> str:
    """Where the sandbox is."""
    found: str = telegram.url  # type: ignore[attr-defined]
    return found


@asynccontextmanager
async def answering(head: str, body: str = NO_SUCH_BOT) -> AsyncIterator[str]:
    """A server that answers every request with this; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        length = f"Content-Length: {len(body)}\r\n"
        writer.write(f"HTTP/1.1 404 Not Found\r\n{length}{head}\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_healthy_installation_is_ok_line_by_line(filled: Path, telegram: Sandbox) -> None:
    ended = await command(filled, "doctor", BOTYARD_TELEGRAM_API_URL=url(telegram))
    assert ended.code == 0, ended.out
    lines = ended.out.splitlines()
    assert len(lines) == 10
    assert all(line.startswith("ok ") for line in lines)


async def test_what_is_found_is_there_for_programs(filled: Path, telegram: Sandbox) -> None:
    code, found = await examine(filled, url(telegram))
    assert code == 0
    assert list(found) == [
        "data folder", "secret", "database", "server", "migrations", "secret fits database",
        "telegram", "clock", "open files", "ports",
    ]  # fmt: skip
    assert {finding["level"] for finding in found.values()} == {"ok"}


async def test_an_smtp_server_is_asked_and_its_login_tried(filled: Path, telegram: Sandbox) -> None:
    pages = {
        "BOTYARD_PASSWORD_RESET_URL": smtp.RESET_PAGE,
        "BOTYARD_EMAIL_VERIFICATION_URL": smtp.VERIFICATION_PAGE,
    }
    found = {}
    async with smtp.receiving() as mailbox:
        right = mailbox.url.replace("//", f"//{smtp.USER}:{quote(smtp.PASSWORD, safe='')}@")
        wrong = mailbox.url.replace("//", "//panel:wrong@")
        for name, where in (("right", right), ("wrong", wrong)):
            env = pages | {"BOTYARD_SMTP_URL": where}
            found[name] = (await examine(filled, url(telegram), **env))[1]["mail"]
    env = pages | {"BOTYARD_SMTP_URL": mailbox.url}
    found["gone"] = (await examine(filled, url(telegram), **env))[1]["mail"]
    assert {name: finding["level"] for name, finding in found.items()} == {
        "right": "ok",
        "wrong": "wrong",
        "gone": "wrong",
    }
    assert "credentials invalid" in found["wrong"]["text"]
    assert smtp.PASSWORD not in str(found)


async def test_it_makes_nothing(data: Path, telegram: Sandbox) -> None:
    code, found = await examine(data, url(telegram))
    assert code == 0
    assert found["data folder"]["level"] == found["database"]["level"] == "warning"
    assert not data.exists()


async def test_it_tells_whether_a_server_runs_and_its_process(
    data: Path, telegram: Sandbox
) -> None:
    async with serving(data, url(telegram)) as server:
        _, found = await examine(data, url(telegram))
        assert found["server"]["text"] == (
            f"runs on this installation (process {server.process.pid})"
        )
        await server.end(signal.SIGKILL)
    _, found = await examine(data, url(telegram))
    assert (found["server"]["level"], found["server"]["text"]) == ("ok", "does not run")


async def test_a_server_on_another_data_folder_is_found_by_the_database(
    data: Path, tmp_path: Path, telegram: Sandbox
) -> None:
    address = f"sqlite:///{data}/botyard.db"
    async with serving(data, url(telegram)) as server:
        _, found = await examine(tmp_path / "other", url(telegram), BOTYARD_DATABASE_URL=address)
        assert found["server"]["text"].endswith(f"(process {server.process.pid})")


async def test_a_server_on_postgresql_is_found(data: Path, telegram: Sandbox, pg_url: str) -> None:
    async with serving(data, url(telegram), BOTYARD_DATABASE_URL=pg_url) as server:
        _, found = await examine(data, url(telegram), BOTYARD_DATABASE_URL=pg_url)
        text = found["server"]["text"]
        assert text.startswith("1 server runs on this database: ")
        assert text.endswith(f" (with this data folder: process {server.process.pid})")
        await server.end(signal.SIGTERM)
    _, found = await examine(data, url(telegram), BOTYARD_DATABASE_URL=pg_url)
    assert found["server"]["text"] == "does not run"


async def test_several_servers_on_a_folder_are_all_named(
    data: Path, telegram: Sandbox, pg_url: str
) -> None:
    env = {"BOTYARD_DATABASE_URL": pg_url}
    async with (
        serving(data, url(telegram), BOTYARD_PROCESS_NAME="one", **env) as one,
        serving(data, url(telegram), BOTYARD_PROCESS_NAME="two", **env) as two,
    ):
        _, found = await examine(data, url(telegram), **env)
        pids = sorted([one.process.pid, two.process.pid])
        assert found["server"]["text"] == (
            "2 servers run on this database: one, two "
            f"(with this data folder: process {pids[0]}, process {pids[1]})"
        )
        _, found = await examine(data / "other", url(telegram), **env)
        assert found["server"]["text"] == "2 servers run on this database: one, two"
        await one.end(signal.SIGKILL)
        _, found = await examine(data, url(telegram), **env)
        here = f"(with this data folder: process {two.process.pid})"
        assert found["server"]["text"] == f"1 server runs on this database: two {here}"


async def test_telegram_out_of_reach_is_wrong_and_the_proxy_is_advised(filled: Path) -> None:
    code, found = await examine(filled, "http://127.0.0.1:1")
    assert (code, found["telegram"]["level"]) == (1, "wrong")
    assert "BOTYARD_TELEGRAM_PROXY" in found["telegram"]["advice"]


async def test_telegram_is_asked_through_the_proxy(filled: Path) -> None:
    async with answering("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n") as proxy:
        _, found = await examine(filled, "http://telegram.invalid", BOTYARD_TELEGRAM_PROXY=proxy)
    assert found["telegram"]["level"] == "ok"
    assert "through the proxy" in found["telegram"]["text"]


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_does_not_work_is_wrong(
    filled: Path, telegram: Sandbox, scheme: str
) -> None:
    proxy = f"{scheme}://127.0.0.1:1"
    code, found = await examine(filled, url(telegram), BOTYARD_TELEGRAM_PROXY=proxy)
    assert (code, found["telegram"]["level"]) == (1, "wrong")
    assert "the server's proxy refused the connection" in found["telegram"]["text"]


async def test_what_answers_and_is_not_telegram_is_wrong(filled: Path) -> None:
    async with answering("", "<html>It works!</html>") as address:
        code, found = await examine(filled, address)
    assert (code, found["telegram"]["level"]) == (1, "wrong")
    assert "is not from a Bot API server" in found["telegram"]["text"]


async def test_a_clock_that_is_wrong_is_told(filled: Path) -> None:
    async with answering("Date: Thu, 01 Jan 2015 00:00:00 GMT\r\n") as address:
        code, found = await examine(filled, address)
    assert (code, found["clock"]["level"]) == (1, "wrong")


@pytest.mark.parametrize("head", ["", "Date: yesterday\r\n"])
async def test_a_clock_that_cannot_be_compared_is_a_warning(filled: Path, head: str) -> None:
    async with answering(head) as address:
        code, found = await examine(filled, address)
    assert (code, found["clock"]["level"]) == (0, "warning")


async def test_a_damaged_database_is_wrong(filled: Path, telegram: Sandbox) -> None:
    (filled / "botyard.db").write_bytes(b"broken" * 1000)
    code, found = await examine(filled, url(telegram))
    assert (code, found["database"]["level"]) == (1, "wrong")
    assert "botyard restore" in found["database"]["advice"]


async def test_a_database_that_does_not_answer_is_wrong(filled: Path, telegram: Sandbox) -> None:
    address = "postgresql://u:pa55@127.0.0.1:1/n"
    code, found = await examine(filled, url(telegram), BOTYARD_DATABASE_URL=address)
    assert (code, found["database"]["level"]) == (1, "wrong")
    assert "pa55" not in json.dumps(found)


async def test_a_secret_that_is_gone_is_wrong_and_none_is_made(
    filled: Path, telegram: Sandbox
) -> None:
    (filled / "secret.key").unlink()
    code, found = await examine(filled, url(telegram))
    assert (code, found["secret"]["level"]) == (1, "wrong")
    assert not (filled / "secret.key").exists()


async def test_a_damaged_secret_is_wrong(filled: Path, telegram: Sandbox) -> None:
    (filled / "secret.key").write_text("short")
    code, found = await examine(filled, url(telegram))
    assert (code, found["secret"]["level"]) == (1, "wrong")


async def test_a_secret_that_does_not_fit_is_wrong(filled: Path, telegram: Sandbox) -> None:
    await command(filled, "rotate-secret")
    code, found = await examine(filled, url(telegram), BOTYARD_SECRET_KEY="x" * 40)
    assert (code, found["secret fits database"]["level"]) == (1, "wrong")


@pytest.mark.parametrize(("name", "check"), [("", "data folder"), ("secret.key", "secret")])
async def test_what_others_can_read_is_a_warning_and_left_alone(
    filled: Path, telegram: Sandbox, name: str, check: str
) -> None:
    (filled / name).chmod(0o755)
    code, found = await examine(filled, url(telegram))
    assert (code, found[check]["level"]) == (0, "warning")
    assert found[check]["advice"].startswith("chmod")
    assert stat.S_IMODE((filled / name).stat().st_mode) == 0o755


async def test_migrations_that_are_left_are_a_warning(data: Path, telegram: Sandbox) -> None:
    await command(data, "migrate", "up", "001_initial")
    code, found = await examine(data, url(telegram))
    assert (code, found["migrations"]["level"]) == (0, "warning")


async def test_a_newer_database_is_wrong(filled: Path, telegram: Sandbox) -> None:
    with closing(sqlite3.connect(filled / "botyard.db")) as database:
        database.execute("INSERT INTO migratehistory (name, migrated_at) VALUES ('999_new', '')")
        database.commit()
    code, found = await examine(filled, url(telegram))
    assert (code, found["migrations"]["level"]) == (1, "wrong")


async def test_too_few_open_files_are_wrong(filled: Path, telegram: Sandbox) -> None:
    line = f"ulimit -n 100; exec {sys.executable} -m server doctor"
    ended = await run(
        "sh", "-c", line,
        BOTYARD_DATA_DIR=str(filled), BOTYARD_TELEGRAM_API_URL=url(telegram),
    )  # fmt: skip
    assert ended.code == 1
    assert "wrong   open files: 100 here, 128 needed for 0 active bots" in ended.out
    assert "-> LimitNOFILE=512" in ended.out
