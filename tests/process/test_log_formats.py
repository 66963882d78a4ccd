"""Lines for people and for programs, how much is logged, and no secret in either."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import pty
import signal
import sys
import termios
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.client import DEADLINE, Client, register, until
from support.server_process import ROOT, ServerProcess, serving

from sandbox import Sandbox
from server.log import JSONFormatter, ScrubbingFormatter, set_up

TOKEN = "123456789:AAE" + "x" * 32
KEY = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.Zm9vYmFyYmF6"
HIDDEN = ("AAEx", "eyJ", "s3cret")
NAMES = ("botyard", "httpx", "aiohttp.access", "telegram.ext", "asyncio")


def record(message: str, *args: Any, **options: Any) -> logging.LogRecord:
    """A record as a logger makes it."""
    logger = logging.getLogger("any.library")
    error, extra = options.get("error"), options.get("extra")
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logger.makeRecord(
        "any.library", logging.ERROR, "x.py", 1, message, args, exc_info, extra=extra
    )


def as_json(line: logging.LogRecord) -> dict[str, Any]:
    """The line as a program reads it."""
    text = JSONFormatter().format(line)
    assert "\n" not in text
    fields: dict[str, Any] = json.loads(text)
    return fields


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Put logging back as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in NAMES}
    yield
    root.handlers[:] = before
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


# -- JSON


def test_a_line_has_time_level_logger_and_message() -> None:
    fields = as_json(record("%d of %s", 3, "four"))
    moment = datetime.fromisoformat(fields.pop("time"))
    assert moment.utcoffset() is not None
    assert fields == {"level": "error", "logger": "any.library", "message": "3 of four"}


def test_a_traceback_is_a_field_of_the_one_line() -> None:
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError as error:
        fields = as_json(record("broken", error=error))
    assert fields["exception"].startswith("Traceback")
    assert fields["exception"].endswith("RuntimeError: first\nsecond")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1, 1),
        (10**30, str(10**30)),
        (None, None),
        (True, True),
        (0.5, 0.5),
        (float("nan"), None),
        ({"a": {1, }}, {"a": [1]}),
        ({1: "x"}, {"1": "x"}),
        (b"\xff", r"b'\xff'"),
        ("\ud800", r"\ud800"),
        (Path("/srv"), "/srv"),
    ],
)  # fmt: skip
def test_any_extra_field_can_be_written(value: Any, written: Any) -> None:
    assert as_json(record("x", extra={"about": value}))["about"] == written


def test_an_extra_field_does_not_replace_what_every_line_has() -> None:
    assert as_json(record("the message", extra={"level": "x", "time": "y"}))["level"] == "error"


# -- secrets, in both formats


def chain() -> BaseException:
    """An exception with a cause, a secret in each."""
    try:
        try:
            raise KeyError(KEY)
        except KeyError as error:
            raise RuntimeError(f"https://api.telegram.org/bot{TOKEN}/getMe") from error
    except RuntimeError as error:
        return error


LEAKS = {
    "in the message": record(f"at {TOKEN} with {KEY}"),
    "in arguments": record("%s %r", TOKEN, {"key": KEY}),
    "in an argument that is an object": record("%s", ValueError(TOKEN)),
    "in a mapping of arguments": record("%(token)s", {"token": TOKEN}),
    "in a traceback": record("broken", error=chain()),
    "in headers": record("%s", {"Authorization": "Bearer s3cret"}),
    "in quotes inside JSON": record('{"authorization": "Token s3cret\\"", "a": "b"}'),
    "in an extra field": record("x", extra={"url": f"/bot{TOKEN}/getMe", "cookie": f"a={KEY}"}),
    "in a nested extra field": record("x", extra={"sent": [{"headers": {"a": (TOKEN, KEY)}}]}),
    "under a telling name": record("x", extra={"headers": {"Authorization": "s3cret"}}),
    "under another telling name": record(
        "x", extra={"metrics_token": "s3cret", "password": "s3cret"}
    ),
    "in a name": record("x", extra={TOKEN: 1, "inner": {KEY: 2}}),
    "in an object of an extra field": record("x", extra={"error": ValueError(TOKEN, KEY)}),
}


@pytest.mark.parametrize("line", LEAKS.values(), ids=LEAKS.keys())
def test_json_holds_no_secret(line: logging.LogRecord) -> None:
    text = json.dumps(as_json(line))
    assert [secret for secret in HIDDEN if secret in text] == []


@pytest.mark.parametrize("line", LEAKS.values(), ids=LEAKS.keys())
def test_human_lines_hold_no_secret(line: logging.LogRecord) -> None:
    text = ScrubbingFormatter("%(message)s").format(line)
    assert [secret for secret in HIDDEN if secret in text] == []


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_line_that_cannot_be_made_does_not_show_its_arguments(
    form: str, capsys: pytest.CaptureFixture[str], restored_logging: None
) -> None:
    set_up("info", form)
    logging.getLogger("any.library").error("%d", TOKEN)
    err = capsys.readouterr().err
    assert "cannot format a log line (any.library, test_log_formats.py:" in err
    assert "AAE" not in err


# -- a real server


def lines_of(server: ServerProcess) -> list[dict[str, Any]]:
    """Its log, line by line."""
    return [json.loads(line) for line in server.log]


async def test_with_json_every_line_of_a_server_is_json(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path, telegram.url, BOTYARD_LOG_FORMAT="json") as server:
        user = await register(Client(http, server.url))
        await user.add_bot(telegram.add_bot())
        assert await server.end(signal.SIGTERM) == 0
    fields = lines_of(server)
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, fields))
    assert fields[-1]["message"] == "ended"


@pytest.mark.parametrize(
    ("level", "logged"), [("debug", True), ("info", True), ("warning", False), ("error", False)]
)
def test_the_level_decides_what_is_logged(
    level: str, logged: bool, capsys: pytest.CaptureFixture[str], restored_logging: None
) -> None:
    set_up(level)
    logging.getLogger("botyard.access").info("a request")
    assert ("a request" in capsys.readouterr().err) is logged


@pytest.mark.parametrize("name", ["peewee", "telegram.Bot", "tornado.general", "httpx"])
def test_debug_is_not_for_libraries(
    name: str, capsys: pytest.CaptureFixture[str], restored_logging: None
) -> None:
    set_up("debug")
    logging.getLogger(name).debug("a row, or what somebody wrote")
    logging.getLogger("botyard.journal").debug("an update")
    err = capsys.readouterr().err
    assert "an update" in err
    assert "somebody" not in err


def debug_toggles(server: ServerProcess) -> list[str]:
    """The levels that a server says it went to."""
    found = [line.partition("level is now ")[2] for line in server.log]
    return [level for level in found if level]


async def test_sighup_turns_debug_on_and_the_next_one_off(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path, telegram.url) as server:
        user = await register(Client(http, server.url))
        bot = telegram.add_bot()
        await user.add_bot(bot)
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: debug_toggles(server) == ["debug"], "debug")
        telegram.send_message(bot.id, text="private words")
        await until(lambda: [line for line in server.log if " handled" in line], "a debug line")
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: debug_toggles(server) == ["debug", "info"], "info again")
        mark = len(server.log)
        telegram.send_message(bot.id, text="private words")
        await telegram.wait_sent(bot.id, count=2, timeout=DEADLINE)
        assert await server.end(signal.SIGTERM) == 0
    assert not [line for line in server.log[mark:] if "DEBUG" in line]
    assert not [line for line in server.log if "private" in line or bot.token in line]


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_whatever_is_configured_each_switch_is_told(
    level: str, capsys: pytest.CaptureFixture[str], restored_logging: None
) -> None:
    switch = set_up(level)
    told = []
    for _ in range(4):
        switch.toggle()
        told.append(capsys.readouterr().err.rpartition(" ")[2].strip())
    assert told == ["debug", level, "debug", level]


async def test_closing_the_terminal_of_a_server_ends_it(tmp_path: Path, telegram: Sandbox) -> None:
    terminal, inside = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if "BOTYARD" not in name}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "serve", "--port", "0", "--data-dir", str(tmp_path),
        "--telegram-api-url", telegram.url, cwd=ROOT, env=environ, start_new_session=True,
        stdin=inside, stdout=inside, stderr=inside,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(inside)
    try:
        async with asyncio.timeout(DEADLINE):
            text = b""
            while b"serving on" not in text:
                text += await asyncio.to_thread(os.read, terminal, 4096)
            os.close(terminal)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


# -- control characters


CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800]))
FORGED = f"x\n2026-01-01T00:00:00.000Z INFO    botyard.access GET / 200{CONTROLS}"


@pytest.mark.parametrize("line", [record(FORGED), record("%s", FORGED)], ids=["text", "argument"])
def test_a_message_is_one_line_without_control_characters(line: logging.LogRecord) -> None:
    text = ScrubbingFormatter("%(asctime)s %(message)s").format(line)
    assert text.isprintable()
    assert r"x\n2026-01-01" in text


def test_a_line_of_json_holds_no_control_characters() -> None:
    line = record(FORGED, extra={"about": FORGED, FORGED: [FORGED]}, error=ValueError(FORGED))
    text = JSONFormatter().format(line)
    assert text.isprintable()
    assert json.loads(text)["message"].startswith("x\n2026-01-01")


def test_nothing_in_a_traceback_looks_like_a_line_of_the_log() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        text = ScrubbingFormatter("%(asctime)s %(message)s").format(record("x", error=error))
    first, *lines = text.split("\n")
    assert first.endswith(" x")
    assert len(lines) > 3, "a traceback keeps its lines"
    assert all(line.startswith("  ") and line.isprintable() for line in lines)


def test_a_token_behind_a_control_character_is_scrubbed_all_the_same() -> None:
    for control in CONTROLS:
        line = record("%s", f"{control}{TOKEN}")
        assert "AAEx" not in ScrubbingFormatter("%(message)s").format(line)
        assert "AAEx" not in JSONFormatter().format(line)


async def test_a_newline_in_telegrams_text_makes_no_line_of_the_log(
    ann: Client, telegram: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    bot = telegram.add_bot()
    telegram.inject(kind="status", status=400, description=f"Bad Request: {FORGED[:80]}")
    await ann.add_bot(bot)
    await until(lambda: "rejected the request" in caplog.text)
    told = [one.getMessage() for one in caplog.records if one.name == "botyard.runner"]
    assert [text for text in told if not text.isprintable()] == []
