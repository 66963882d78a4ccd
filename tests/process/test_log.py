"""The log: a line a request, a traceback for what nobody foresaw, and no secret in any of it."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.client import BOTS, PASSWORD, Answer, Client
from support.postgresql import binary

from models.accounts import sessions
from models.redaction import scrub
from sandbox import Sandbox
from server.app import Botyard
from server.config import Config
from server.log import ScrubbingFormatter, set_up

TOKEN = "123456789:AAE" + "x" * 32
KEY = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.Zm9vYmFyYmF6"


# -- what is scrubbed


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"token={TOKEN}",
        f"'{TOKEN}'",
        f"https://api.telegram.org/bot{TOKEN}/getMe",
        f"https://api.telegram.org/file/bot{TOKEN}/photo.jpg",
        f"/bot{TOKEN.replace(':', '%3A')}/getMe",
        f"/bot{TOKEN.replace(':', '%3a')}/getMe",
        f"a{TOKEN}\nb{TOKEN}",
    ],
)
def test_no_bot_token_is_left_in_a_line(text: str) -> None:
    assert "AAE" not in scrub(text)


def test_which_bot_it_was_can_still_be_told() -> None:
    assert scrub(f"/bot{TOKEN}/getMe") == "/bot123456789:***/getMe"


@pytest.mark.parametrize("text", [KEY, f"Bearer {KEY}", f"botyard_session={KEY}; a=b", f"'{KEY}'"])
def test_no_key_is_left_in_a_line(text: str) -> None:
    assert "eyJ" not in scrub(text)
    assert "Zm9v" not in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cret",
        "authorization:Token s3cret",
        "AUTHORIZATION: Basic s3cret",
        "Authorization: s3cret",
        "{'Authorization': 'Bearer s3cret', 'Accept': '*/*'}",
        '{"authorization": "Bearer s3cret"}',
        "(b'authorization', b'Bearer s3cret')",
        "authorization=s3cret",
        "Proxy-Authorization: Digest s3cret",
    ],
)
def test_no_authorization_header_is_left_in_a_line(text: str) -> None:
    assert "s3cret" not in scrub(text)


@pytest.mark.parametrize(
    "text",
    ["GET /api/v1/telegram_data/17/ 200 3.4ms user=1", "at 12:34:56", "10.0.0.1:8000", "::1", ""],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert scrub(text) == text


def chain() -> BaseException:
    """An exception with a cause and a context, a secret in each."""
    try:
        try:
            try:
                raise ValueError(f"first {TOKEN}")
            except ValueError:
                raise KeyError(KEY)  # noqa: B904 - the context is what is tested
        except KeyError as error:
            raise RuntimeError(f"last https://api.telegram.org/bot{TOKEN}/getMe") from error
    except RuntimeError as error:
        return error


def test_tracebacks_and_what_led_to_them_are_scrubbed() -> None:
    error = chain()
    record = logging.LogRecord(
        "x", logging.ERROR, "x.py", 1, "at %s", (TOKEN,), (type(error), error, error.__traceback__)
    )
    text = ScrubbingFormatter("%(message)s").format(record)
    assert text.count("Traceback") == 3
    assert "AAE" not in text
    assert "eyJ" not in text


@pytest.fixture
def restored_logging() -> Any:
    """Put logging back as it was."""
    root = logging.getLogger()
    names = ("botyard", "httpx", "aiohttp.access", "telegram.ext", "asyncio")
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


def test_the_log_goes_scrubbed_to_standard_error(
    capsys: pytest.CaptureFixture[str], restored_logging: None
) -> None:
    set_up()
    try:
        raise chain()
    except RuntimeError:
        logging.getLogger("any.library").exception("with %s", TOKEN)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ERROR   any\.library with 123", err)
    assert "AAE" not in err
    assert "eyJ" not in err


def test_libraries_that_print_addresses_are_kept_quiet(
    capsys: pytest.CaptureFixture[str], restored_logging: None
) -> None:
    set_up()
    logging.getLogger("httpx").info("HTTP Request: POST %s", TOKEN)
    assert capsys.readouterr().err == ""


# -- one line a request


def access_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about requests."""
    return [record.getMessage() for record in caplog.records if record.name == "botyard.access"]


async def test_a_request_is_one_line_with_method_path_status_time_and_user(
    ann: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    await ann.get("/rest-auth/user/?a=1")
    (line,) = access_lines(caplog)
    assert re.fullmatch(rf"GET /rest-auth/user/ 200 \d+\.\dms user={ann.user['pk']}", line)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/rest-auth/user/", 401),
        ("GET", "/nowhere", 404),
        ("PUT", "/rest-auth/login/", 405),
        ("POST", "/rest-auth/login/", 400),
    ],
)
async def test_a_refused_request_is_one_line_too(
    anonymous: Client, caplog: pytest.LogCaptureFixture, method: str, path: str, status: int
) -> None:
    caplog.clear()
    await anonymous.request(method, path)
    (line,) = access_lines(caplog)
    assert re.fullmatch(rf"{method} {path} {status} \d+\.\dms user=-", line)


async def test_a_failure_nobody_foresaw_is_logged_once_with_its_traceback(
    ann: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr(sessions, "list_for", fail)
    await ann.get("/rest-auth/sessions/")
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.getMessage().endswith(": GET /rest-auth/sessions/")
    assert str(record.exc_info and record.exc_info[1]) == "the cause"


# -- a whole session


class Session:
    """What was answered and sent, and by which request."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answers: list[tuple[str, Answer]] = []

    async def __call__(self, what: str, method: str, path: str, body: Any = None) -> Answer:
        answer = await self.client.request(method, path, body)
        self.answers.append((what, answer))
        return answer

    def holding(self, secret: str) -> list[str]:
        """The requests whose answers hold a text, in body or headers."""
        return [
            what
            for what, answer in self.answers
            if secret in answer.text or any(secret in value for value in answer.headers.values())
        ]


@pytest.fixture
async def whole_session(anonymous: Client, telegram: Sandbox) -> tuple[Session, str, str]:
    """A session with everything that can go wrong with a token; it, the token, a wrong one."""
    bot, wrong = telegram.add_bot(), "987654321:AAF" + "y" * 32
    secret_of_wrong, session = wrong.partition(":")[2], Session(anonymous)
    who = {"username": "ann", "password": PASSWORD}
    answer = await session("register", "POST", "/rest-auth/registration/", who)
    session.client = Client(anonymous.http, anonymous.url, answer.json["key"])
    answer = await session("create", "POST", BOTS, {"token": bot.token})
    path = f"{BOTS}{answer.json['id']}/"
    await session("again", "POST", BOTS, {"token": bot.token})
    await session("wrong token", "POST", BOTS, {"token": wrong})
    await session("wrong change", "PATCH", path, {"token": wrong})
    await session("broken", "PATCH", path, {"token": wrong + "!"})
    await session("list", "GET", BOTS)
    await session("rename", "PATCH", path, {"title": "Shop"})
    token = bot.token
    telegram.revoke(bot.id)
    shown = await session.client.get(path)
    await session.client.until_state(shown.json, "failed")
    await session("failed", "GET", path)
    await session("login", "POST", "/rest-auth/login/", who)
    await session("guess", "POST", "/rest-auth/login/", who | {"password": PASSWORD + "!"})
    await session("document", "GET", "/openapi.json")
    await session("delete", "DELETE", path)
    return session, token.partition(":")[2], secret_of_wrong


async def test_no_answer_but_the_one_that_set_it_holds_a_token(
    whole_session: tuple[Session, str, str],
) -> None:
    session, token, wrong = whole_session
    assert session.holding(token) == ["create"]
    assert session.holding(wrong) == []


async def test_no_answer_holds_a_password(whole_session: tuple[Session, str, str]) -> None:
    session, _, _ = whole_session
    session.answers = [answer for answer in session.answers if answer[0] != "document"]
    assert session.holding(PASSWORD) == []


async def test_the_log_holds_no_token_no_key_no_password(
    whole_session: tuple[Session, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    session, token, wrong = whole_session
    # Not our formatter: what is not scrubbed should hold none either.
    records = caplog.get_records("setup") + caplog.get_records("call")
    text = "\n".join(logging.Formatter().format(record) for record in records)
    secrets = [token, wrong, PASSWORD, session.client.key or ""]
    assert "telegram_data" in text
    assert [secret for secret in secrets if secret in text] == []


def stored(url: str) -> bytes:
    """All that a database holds: an SQLite file's bytes, a PostgreSQL database's dump."""
    if url.startswith("postgresql"):
        return subprocess.run([binary("pg_dump"), url], capture_output=True, check=True).stdout
    path = url.removeprefix("sqlite:///")
    return b"".join(Path(path + suffix).read_bytes() for suffix in ("", "-wal"))


async def test_the_database_holds_no_token_no_key_no_password(
    whole_session: tuple[Session, str, str], config: Config, botyard: Botyard
) -> None:
    session, token, wrong = whole_session
    content = await asyncio.to_thread(stored, config.database_url)
    assert b"ann" in content
    secrets = [token, wrong, PASSWORD, session.client.key or ""]
    assert [secret for secret in secrets if secret.encode() in content] == []
