"""Times in answers: RFC 3339 with `Z` and milliseconds, as generated validators want them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from support.client import ADMIN_BOTS, ADMIN_USERS, BOTS, DEADLINE, PASSWORD, Client

from handlers.apidoc.document import make_document
from handlers.routes import routes
from handlers.times import rfc3339
from sandbox import Sandbox

AUDIT = "/api/v1/audit/"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NAMES = re.compile(r"at|since|\w+_at")


def times(body: Any) -> Iterator[tuple[str, str]]:
    """Each time in a body, with its field's name."""
    if isinstance(body, list):
        for part in body:
            yield from times(part)
    elif isinstance(body, dict):
        for name, value in body.items():
            if NAMES.fullmatch(name) and value is not None:
                yield name, value
            yield from times(value)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 25, 22, 44, 10, 423999, UTC), "2026-11-25T22:44:10.423Z"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000Z"),
        (
            datetime(2026, 2, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-31T23:30:00.000Z",
        ),
    ],
)
def test_a_time_is_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text


async def test_every_time_in_an_answer_ends_with_z(
    ann: Client, root: Client, telegram: Sandbox
) -> None:
    await ann.add_bot(telegram.add_bot())
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": False})
    login = {"username": "ann", "password": PASSWORD}
    answers = [await ann.post("/rest-auth/login/", login)]
    ann.key = answers[0].json["key"]
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"is_staff": True})
    for path in ("/rest-auth/sessions/", BOTS, AUDIT, ADMIN_USERS, ADMIN_BOTS):
        answers.append(await ann.get(path))
    found = [list(times(answer.json)) for answer in answers]
    assert all(found), found
    assert [(name, text) for part in found for name, text in part if not TIME.fullmatch(text)] == []


async def test_every_time_in_the_stream_ends_with_z(ann: Client, telegram: Sandbox) -> None:
    await ann.add_bot(telegram.add_bot())
    headers = {"Authorization": f"Bearer {ann.key}"}
    data = []
    async with (
        asyncio.timeout(DEADLINE),
        ann.http.get(f"{ann.url}/api/v1/events/", headers=headers) as stream,
    ):
        while len(data) < 2:
            line = (await stream.content.readline()).decode()
            if line.startswith("data: "):
                data.append(json.loads(line.removeprefix("data: ")))
    found = dict(times(data))
    assert {"since", "last_poll_at"} >= found.keys() >= {"since"}
    assert all(TIME.fullmatch(text) for text in found.values()), found


async def test_a_time_of_an_answer_can_be_asked_for(ann: Client) -> None:
    await ann.patch("/rest-auth/user/", {"first_name": "Ann"})
    latest = (await ann.get(AUDIT)).json["results"][0]
    since = latest["at"]
    for text in (since, since.replace("Z", "%2B00:00"), since.replace("Z", "-00:00")):
        rows = (await ann.get(f"{AUDIT}?since={text}")).json["results"]
        assert latest in rows, text


def test_the_document_shows_times_as_they_are_answered() -> None:
    shown = [
        (f"{name}.{field}", described.get("examples", [""])[0])
        for name, schema in make_document(routes, version="1")["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if described.get("format") == "date-time"
    ]
    assert len(shown) > 10
    assert [name for name, text in shown if not TIME.fullmatch(text)] == []
