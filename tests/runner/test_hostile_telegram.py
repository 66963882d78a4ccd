"""A broken or hostile Bot API: it costs neither time nor memory, and no bot but its own."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, QUICK, Client, register
from support.hostile import HEAD, Endless, HostileApi, hostile_api, raw, result, trickle, whole
from telegram.error import NetworkError, TimedOut

from runner.telegram import answers
from runner.telegram.answers import MAX_ANSWER, NotTelegram, TooMuch
from runner.telegram.client import BotClient
from runner.telegram.connectivity import check_connectivity
from runner.telegram.transport import Transport
from server.app import open_botyard
from server.config import Config

TOKEN = "123456789:AAE" + "x" * 32
SECRET = TOKEN.partition(":")[2]


@pytest.fixture
async def hostile() -> AsyncIterator[HostileApi]:
    async with hostile_api() as api:
        yield api


@pytest.fixture
async def request_to(hostile: HostileApi) -> AsyncIterator[Callable[..., Any]]:
    """Calls getMe of the hostile API, the way that bots do."""
    way = Transport(hostile.url, call_timeout=DEADLINE)
    await way.open()
    client = BotClient(TOKEN, way)

    async def call(**options: Any) -> Any:
        return await client.call("getMe", {}, **options)

    yield call
    await way.close()


@asynccontextmanager
async def serving(
    config: Config, hostile: HostileApi, http: aiohttp.ClientSession
) -> AsyncIterator[Client]:
    """A user of a server whose bots talk to the hostile API."""
    botyard = await open_botyard(replace(config, telegram_api_url=hostile.url), runner=QUICK)
    try:
        yield await register(Client(http, botyard.url), "ann")
    finally:
        await botyard.close()


# -- slow, endless and packed answers


@pytest.mark.parametrize(
    "first",
    [b"", HEAD, HEAD + b"Content-Length: 99999\r\n\r\n"],
    ids=["status line", "headers", "body"],
)
async def test_an_answer_that_trickles_has_a_time_for_all_of_it(
    first: bytes, hostile: HostileApi, request_to: Callable[..., Any]
) -> None:
    hostile.replies["getMe"] = trickle(0.01, first=first)
    with pytest.raises((TimedOut, NetworkError)):
        async with asyncio.timeout(DEADLINE):
            await request_to(read_timeout=0.3)


async def test_a_trickling_poll_does_not_keep_a_bot_running(
    hostile: HostileApi, config: Config, http: aiohttp.ClientSession
) -> None:
    async with serving(config, hostile, http) as ann:
        made = (await ann.post(BOTS, {"token": TOKEN})).json
        assert made["status"]["state"] == "retrying", "the probe has no answer either"
        hostile.replies["getUpdates"] = whole(result([]))
        await ann.until_state(made, "running")
        hostile.replies["getUpdates"] = trickle(0.01)
        status = await ann.until_state(made, "retrying")
        assert status["reason"] == "telegram_unreachable"
        assert "in time" in status["detail"]


@pytest.mark.parametrize("headers", [(), ("Content-Encoding: identity",)])
async def test_an_endless_answer_is_cut_at_8_megabytes(
    headers: tuple[str, ...], hostile: HostileApi, request_to: Callable[..., Any]
) -> None:
    hostile.replies["getMe"] = endless = Endless(b" " * 65536, *headers)
    with pytest.raises(NotTelegram, match="too large"):
        await request_to()
    assert MAX_ANSWER <= 8 * 1024 * 1024
    assert endless.sent < MAX_ANSWER + 16 * 1024 * 1024, "what is on its way beside"


async def test_a_length_that_is_too_long_is_not_waited_for(
    hostile: HostileApi, request_to: Callable[..., Any]
) -> None:
    hostile.replies["getMe"] = raw(HEAD + b"Content-Length: 99999999999\r\n\r\n ")
    with pytest.raises(NotTelegram, match="too large"):
        await request_to()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip"])
async def test_nothing_packed_is_unpacked(
    encoding: str, hostile: HostileApi, request_to: Callable[..., Any]
) -> None:
    bomb = zlib.compress(b" " * 2**26) if encoding == "deflate" else gzip.compress(b" " * 2**26)
    hostile.replies["getMe"] = whole(bomb, f"Content-Encoding: {encoding}")
    with pytest.raises(NotTelegram, match="encoding"):
        await request_to()


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1", b'{"update_id":1}'])
def test_more_values_than_the_loop_can_wait_for_are_not_parsed(value: bytes) -> None:
    payload = b'{"ok":true,"result":[' + (value + b",") * 300_000 + b"1]}"
    with pytest.raises(TooMuch, match="too many values"):
        answers.parse(payload)


def test_more_bytes_than_the_loop_can_wait_for_are_not_parsed() -> None:
    with pytest.raises(TooMuch, match="too large"):
        answers.parse(result("x" * MAX_ANSWER))


def test_a_hundred_of_the_longest_texts_are_parsed_at_once() -> None:
    text = "\N{CYRILLIC SMALL LETTER ZHE}" * 4096
    batch = [{"update_id": n, "message": {"text": text}} for n in range(100)]
    assert answers.parse(result(batch))["result"] == batch


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"hello",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 301 Moved\r\nLocation: /bot%s/getMe\r\nContent-Length: 0\r\n\r\n"
        % TOKEN.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX\x00Y: z\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=lambda answer: repr(answer[:40]),
)
async def test_what_is_no_http_is_the_networks_trouble(
    answer: bytes, hostile: HostileApi, request_to: Callable[..., Any]
) -> None:
    hostile.replies["getMe"] = raw(answer)
    with pytest.raises(NetworkError) as raised:
        await request_to(read_timeout=2.0)
    assert SECRET not in str(raised.value)


async def test_doctor_reads_no_more_of_an_answer_than_bots_do(hostile: HostileApi) -> None:
    hostile.replies["getMe"] = Endless()
    assert "too large" in str((await check_connectivity(hostile.url, proxy=None)).error)


@pytest.mark.parametrize("date", ["", "never", "Thu, 01 Jan 99999999999 00:00:00 GMT"])
async def test_doctor_takes_any_date(hostile: HostileApi, date: str) -> None:
    body = json.dumps({"ok": False, "error_code": 401, "description": "Unauthorized"}).encode()
    head = f"HTTP/1.1 401 Unauthorized\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n"
    hostile.replies["getMe"] = raw(head.encode() + body)
    found = await check_connectivity(hostile.url, proxy=None)
    assert (found.error, found.date) == (None, None)


async def test_doctor_takes_a_date_of_no_zone_as_utc(hostile: HostileApi) -> None:
    body = json.dumps({"ok": False, "error_code": 401, "description": "Unauthorized"}).encode()
    date = "Thu, 01 Jan 2026 00:00:00 -0000"
    head = f"HTTP/1.1 401 Unauthorized\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n"
    hostile.replies["getMe"] = raw(head.encode() + body)
    found = await check_connectivity(hostile.url, proxy=None)
    assert found.date is not None
    assert found.date.utcoffset() is not None
