"""Each request has an id: the client's or a new one, in the answer and on each line of the log."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.client import BOTS, Client, until

from models.accounts import sessions
from sandbox import Sandbox
from server.app import Botyard
from server.log import JSONFormatter, ScrubbingFormatter

MADE = re.compile(r"[0-9a-f]{16}")
HEADER = "X-Request-ID"


class Lines(logging.Handler):
    """The log as it would be written, with both formatters."""

    def __init__(self) -> None:
        super().__init__()
        self.json: list[dict[str, Any]] = []
        self.human: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Format a record where it was logged: the id is in that context."""
        self.json.append(json.loads(JSONFormatter().format(record)))
        self.human.append(ScrubbingFormatter("%(name)s %(message)s").format(record))

    def of(self, request: str) -> list[str]:
        """The messages of a request."""
        return [line["message"] for line in self.json if line.get("request_id") == request]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged."""
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    "given", ["a", "A-z_0.9", "x" * 64, "550e8400-e29b-41d4-a716-446655440000"]
)
async def test_a_sane_id_is_taken(anonymous: Client, given: str) -> None:
    answer = await anonymous.get("/healthz", headers={HEADER: given})
    assert answer.headers[HEADER] == given


@pytest.mark.parametrize("given", [None, "", " ", "x" * 65, "a b", "a/b", "a,b", "é", '"', "a:b"])
async def test_any_other_is_replaced(anonymous: Client, given: str | None) -> None:
    headers = {} if given is None else {HEADER: given}
    answer = await anonymous.get("/healthz", headers=headers)
    assert MADE.fullmatch(answer.headers[HEADER])


async def test_each_request_gets_one_of_its_own(anonymous: Client) -> None:
    answers = [await anonymous.get("/healthz") for _ in range(5)]
    assert len({answer.headers[HEADER] for answer in answers}) == 5


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/rest-auth/user/", 401),
        ("GET", "/nowhere", 404),
        ("BREW", "/healthz", 405),
        ("POST", "/rest-auth/login/", 400),
    ],
)
async def test_a_problem_document_has_it(
    anonymous: Client, method: str, path: str, status: int
) -> None:
    answer = await anonymous.request(method, path, headers={HEADER: "mine"})
    assert answer.status == status
    assert (answer.headers[HEADER], answer.json["request_id"]) == ("mine", "mine")


async def test_the_access_line_has_it(anonymous: Client, lines: Lines) -> None:
    await anonymous.get("/healthz", headers={HEADER: "mine"})
    (line,) = lines.of("mine")
    assert line.startswith("GET /healthz 200 ")
    assert [line for line in lines.human if line.endswith("user=- [mine]")]


async def test_the_access_line_has_its_parts_as_fields(ann: Client, lines: Lines) -> None:
    await ann.get("/rest-auth/user/", headers={HEADER: "mine"})
    (line,) = [line for line in lines.json if line.get("request_id") == "mine"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/rest-auth/user/", 200)
    assert (line["user"], line["logger"], line["level"]) == (
        ann.user["pk"],
        "botyard.access",
        "info",
    )
    assert line["milliseconds"] > 0


async def test_a_failure_nobody_foresaw_is_logged_with_it(
    ann: Client, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr(sessions, "list_for", fail)
    answer = await ann.get("/rest-auth/sessions/", headers={HEADER: "mine"})
    (line,) = [line for line in lines.json if "exception" in line]
    assert line["request_id"] == answer.json["request_id"] == "mine"
    assert line["message"].startswith(f"incident {answer.json['incident']}")
    assert "RuntimeError: the cause" in line["exception"]


async def test_what_a_request_sets_off_is_logged_with_it(
    ann: Client, telegram: Sandbox, lines: Lines
) -> None:
    body = {"token": telegram.add_bot().token}
    answer = await ann.post(BOTS, body, headers={HEADER: "mine"})
    bot = answer.json["id"]
    assert lines.of("mine")[:2] == [f"bot {bot} starting", f"bot {bot} running"]


async def test_what_a_bot_does_later_is_not_the_requests_that_started_it(
    ann: Client, telegram: Sandbox, lines: Lines
) -> None:
    bot = telegram.add_bot()
    answer = await ann.post(BOTS, {"token": bot.token}, headers={HEADER: "mine"})
    telegram.revoke(bot.id)
    await ann.until_state(answer.json, "failed")
    failed = [line for line in lines.json if line["message"].startswith("bot 1 failed")]
    assert [line.get("request_id") for line in failed] == [None]


async def test_requests_at_once_keep_theirs_apart(ann: Client, lines: Lines) -> None:
    ids = [f"request-{number}" for number in range(20)]
    await asyncio.gather(*(ann.get("/rest-auth/user/", headers={HEADER: one}) for one in ids))
    assert [len(lines.of(one)) for one in ids] == [1] * 20


async def test_the_next_request_of_a_connection_does_not_inherit_it(
    anonymous: Client, lines: Lines
) -> None:
    await anonymous.get("/healthz", headers={HEADER: "first"})
    await anonymous.get("/nowhere")
    assert len(lines.of("first")) == 1
    assert [bool(MADE.fullmatch(line["request_id"])) for line in lines.json[-1:]] == [True]


async def test_a_line_outside_of_requests_has_none(
    anonymous: Client, botyard: Botyard, lines: Lines
) -> None:
    await anonymous.get("/healthz")
    logging.getLogger("botyard.test").info("nobody asked")
    await until(lambda: lines.json[-1]["message"] == "nobody asked")
    assert "request_id" not in lines.json[-1]
    assert lines.human[-1] == "botyard.test nobody asked"
