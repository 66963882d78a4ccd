"""The command line, as an operator meets it: a process, its output, its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result
from support.client import BOTS, DEADLINE, PASSWORD, Client, installation, register, until
from support.commands import botyard_command, only_line, run
from support.postgresql import free_port
from support.server_process import ROOT, serving

from sandbox import Sandbox
from server import __version__
from server.app import open_botyard
from server.cli import main
from server.config import Config

LOGIN = "/rest-auth/login/"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """An empty data folder."""
    return str(tmp_path / "data")


@pytest.fixture
def command(folder: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `botyard user ...` on the folder, in this process."""
    monkeypatch.setenv("BOTYARD_DATA_DIR", folder)
    installation(Path(folder))
    runner = CliRunner()

    def invoke(*args: str, stdin: str | bytes = "") -> Result:
        return runner.invoke(main, ["user", *args], input=stdin)

    return invoke


# -- the program


async def test_the_installed_program_tells_its_version() -> None:
    ended = await run(str(Path(sys.executable).with_name("botyard")), "--version")
    assert ended.code == 0
    assert ended.out.startswith(f"botyard {__version__}, commit ")
    assert all(name in ended.out for name in ("Tornado", "python-telegram-bot", "Peewee"))


def test_help_lists_the_commands() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    listed = set(re.findall(r"^  (\w+)  ", result.output, re.MULTILINE))
    assert {"serve", "migrate", "user", "sandbox", "demo"} <= listed


def test_serve_has_a_flag_for_every_setting_but_the_secrets() -> None:
    out = CliRunner().invoke(main, ["serve", "--help"]).output
    flags = {"--" + name.replace("_", "-") for name in Config.__dataclass_fields__}
    assert {flag for flag in flags if flag + " " not in out} == {
        "--secret-key",
        "--metrics-token",
    }


def test_an_unknown_command_is_told() -> None:
    result = CliRunner().invoke(main, ["sevre"])
    assert result.exit_code == 2
    assert "No such command 'sevre'" in result.output


# -- accounts


async def test_accounts_are_made_and_listed(folder: str) -> None:
    await botyard_command("migrate", "up", "--data-dir", folder)
    made = await botyard_command(
        *("user", "create", "Ann", "--email", "ann@example.org", "--password-stdin"),
        stdin=PASSWORD + "\n", BOTYARD_DATA_DIR=folder,
    )  # fmt: skip
    assert (made.code, made.out) == (0, "user Ann has the id 1\n"), made.err
    listed = await botyard_command("user", "list", "--data-dir", folder)
    assert listed.code == 0, listed.err
    assert listed.out.splitlines()[1].split()[:3] == ["1", "Ann", "ann@example.org"]


def test_an_account_made_by_the_operator_logs_in(command: Any, folder: str) -> None:
    assert command("create", "ann", "--password-stdin", stdin=PASSWORD).exit_code == 0
    assert asyncio.run(_logins(folder, PASSWORD)) == [200]


async def _on_server(folder: str, ask: Callable[[Client], Awaitable[Any]]) -> Any:
    """What is answered at a server on a folder."""
    server = await open_botyard(Config.load({}, port="0", data_dir=folder).with_data_dir())
    try:
        async with aiohttp.ClientSession() as http:
            return await ask(Client(http, server.url))
    finally:
        await server.close()


async def _logins(folder: str, *passwords: str) -> Any:
    """The statuses of ann's logins at a server on a folder."""

    async def ask(client: Client) -> list[int]:
        bodies = [{"username": "ann", "password": password} for password in passwords]
        return [(await client.post(LOGIN, body)).status for body in bodies]

    return await _on_server(folder, ask)


def test_after_set_password_only_the_new_one_logs_in(command: Any, folder: str) -> None:
    command("create", "ann", "--password-stdin", stdin=PASSWORD)
    result = command("set-password", "ANN", "--password-stdin", stdin="a new long one\r\n")
    assert (result.exit_code, result.output) == (
        0,
        "changed the password of ann and ended all sessions\n",
    )
    assert asyncio.run(_logins(folder, PASSWORD, "a new long one")) == [400, 200]


def test_set_password_ends_the_sessions(command: Any, folder: str) -> None:
    command("create", "ann", "--password-stdin", stdin=PASSWORD)
    key = asyncio.run(_on_server(folder, _key))
    assert asyncio.run(_on_server(folder, lambda client: _alive(client, key))) == 200
    command("set-password", "ann", "--password-stdin", stdin="a new long one")
    assert asyncio.run(_on_server(folder, lambda client: _alive(client, key))) == 401


async def _key(client: Client) -> Any:
    """A key of ann's."""
    return (await client.post(LOGIN, {"username": "ann", "password": PASSWORD})).json["key"]


async def _alive(client: Client, key: str) -> int:
    """The status of a request with a key."""
    return (await replace(client, key=key).get("/rest-auth/user/")).status


def read_from(terminal: int) -> bytes:
    """What comes next."""
    ready, _, _ = select.select([terminal], [], [], DEADLINE)
    assert ready, "nothing was printed"
    return os.read(terminal, 1024)


def test_a_password_can_be_typed_twice(tmp_path: Path) -> None:
    installation(tmp_path)
    terminal, end = pty.openpty()
    arguments = ["-m", "server", "user", "create", "ann", "--data-dir", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=end, stdout=end, stderr=end,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(end)
        shown = b""
        for prompt in (b"Password: ", b"Repeat for confirmation: "):
            while not shown.endswith(prompt):
                shown += read_from(terminal)
            os.write(terminal, f"{PASSWORD}\n".encode())
        while b"user ann has the id 1" not in shown:
            shown += read_from(terminal)
        assert process.wait(DEADLINE) == 0
    os.close(terminal)
    assert PASSWORD.encode() not in shown


@pytest.mark.parametrize(
    ("args", "stdin", "error"),
    [
        (("create", "ANN"), PASSWORD, "there is a user 'ANN' already"),
        (("create", "x", "--email", "ANN@example.org"), PASSWORD, "a user with the address "
         "'ANN@example.org' exists already"),
        (("create", "two words"), PASSWORD, "'two words': Use letters, digits and the signs"),
        (("create", "x", "--email", "nowhere"), PASSWORD, "'nowhere': This is not an e-mail"),
        (("create", "x"), "short77", "The password must have at least 8 characters."),
        (("create", "bob-the-builder"), "bob-the-builder", "The password must not be the user"),
        (("create", "x"), "", "The password must have at least 8 characters."),
        (("create", "x"), b"\xff" * 9, "the password must come as UTF-8"),
        (("set-password", "nobody"), PASSWORD, "there is no user 'nobody'"),
        (("set-password", "ann"), "12345678901", "The password must not consist of digits only."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_with_an_account_is_one_line(
    command: Any, args: tuple[str, ...], stdin: str | bytes, error: str
) -> None:
    command("create", "ann", "--email", "ann@example.org", "--password-stdin", stdin=PASSWORD)
    result = command(*args, "--password-stdin", stdin=stdin)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {error}")
    assert result.output.count("\n") == 1


# -- starts that fail


async def test_a_wrong_setting_stops_the_start() -> None:
    ended = await botyard_command("serve", BOTYARD_PORT="http")
    assert only_line(ended) == (
        "Error: BOTYARD_PORT: invalid value 'http'; expected a number from 0 to 65535"
    )


async def test_a_wrong_secret_stops_the_start(folder: str) -> None:
    first = {"BOTYARD_SECRET_KEY": "a" * 32, "BOTYARD_DATA_DIR": folder}
    async with serving(Path(folder), "http://127.0.0.1:9", **first) as server:
        assert await server.end(signal.SIGTERM) == 0
    ended = await botyard_command(
        "serve", "--port", "0", **first | {"BOTYARD_SECRET_KEY": "b" * 32}
    )
    assert only_line(ended) == (
        "Error: The secret does not match this database. Restore the right BOTYARD_SECRET_KEY, or "
        "secret.key in the data folder."
    )


async def test_a_new_secret_that_is_not_the_databases_is_not_left_behind(
    folder: str, tmp_path: Path
) -> None:
    first = {"BOTYARD_DATA_DIR": folder, "BOTYARD_DATABASE_URL": f"sqlite:///{folder}/botyard.db"}
    async with serving(Path(folder), "http://127.0.0.1:9", **first) as server:
        assert await server.end(signal.SIGTERM) == 0
    other = tmp_path / "other"
    second = first | {"BOTYARD_DATA_DIR": str(other)}
    for command in (("serve", "--port", "0"), ("rotate-secret",)):
        ended = await botyard_command(*command, **second)
        assert f"there is no {other}/secret.key, and the database has a secret already" in ended.err
        assert "copy it from the first server" in ended.err
        assert not (other / "secret.key").exists()
    (other / "secret.key").write_text("b" * 32)
    assert "does not match" in (await botyard_command("serve", "--port", "0", **second)).err
    assert (other / "secret.key").exists(), "it was there before"


async def test_a_port_in_use_stops_the_start(folder: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = await botyard_command("serve", "--port", port, BOTYARD_DATA_DIR=folder)
    assert only_line(ended) == (
        f"Error: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "--port or BOTYARD_PORT sets another port"
    )


async def test_a_host_that_does_not_exist_stops_the_start(folder: str) -> None:
    ended = await botyard_command("serve", "--host", "no.invalid", BOTYARD_DATA_DIR=folder)
    assert re.fullmatch(r"Error: cannot listen on no\.invalid: \w.*", only_line(ended))
    assert "port" not in ended.err


async def test_a_database_that_cannot_be_opened_stops_the_start(folder: str) -> None:
    ended = await botyard_command(
        "serve", "--port", "0", "--database-url", "postgresql://u:pa55@127.0.0.1:1/n",
        BOTYARD_DATA_DIR=folder,
    )  # fmt: skip
    assert only_line(ended).startswith("Error: cannot open the database: ")
    assert "pa55" not in ended.err


# -- the end


async def test_sigterm_lets_a_request_under_way_finish_and_a_second_one_changes_nothing(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot = telegram.add_bot()
    async with serving(tmp_path, telegram.url) as server:  # type: ignore[attr-defined]
        client = await register(Client(http, server.url))
        held = telegram.inject(kind="hold", method="getMe", times=1)
        adding = asyncio.create_task(
            client.post(BOTS, {"token": bot.token, "active": False}), name="adding"
        )
        await until(lambda: held.hits, "the request")
        server.process.send_signal(signal.SIGTERM)
        await until(lambda: any("shutting down" in line for line in server.log), "the end's begin")
        server.process.send_signal(signal.SIGTERM)
        await until(lambda: _refused(server.url), "a closed port")
        telegram.clear(held.id)
        answer = await adding
        assert (answer.status, answer.headers["Connection"]) == (201, "close")
        async with asyncio.timeout(DEADLINE):
            assert await server.process.wait() == 0


def _refused(url: str) -> bool:
    """Whether nobody listens at an address."""
    host, port = url.removeprefix("http://").split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return False
    return True


async def test_the_demo_gives_lines_that_make_a_bot_answer(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "demo", "--port", "0", "--sandbox-port", str(port)),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE):
            text = (await process.stdout.readuntil(b"Ctrl-C ends both.\n")).decode()
            lines = "\n".join(re.findall(r"^  (.*)$", text, re.MULTILINE))
            typed = await run(
                "bash", "-c", f'set -euo pipefail\n{lines}\necho "$KEY $ID $API $SANDBOX"'
            )
            assert typed.code == 0, typed.err
            assert '"text":"Hello, bot!"' in typed.out.splitlines()[-2]
            key, bot_id, api, sandbox = typed.out.splitlines()[-1].split()
            client = Client(http, "", key)
            shown = (await client.get(f"{api}/telegram_data/{bot_id}/")).json
            assert shown["status"]["state"] == "running"
            assert sandbox == f"http://127.0.0.1:{port}/control/bots/{shown['telegram_id']}"
            assert (ROOT / "docs" / "scenarios.md").exists()
            assert "docs/scenarios.md" in text
    finally:
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
