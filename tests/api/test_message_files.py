"""Files that people have sent to a bot, read from Telegram over HTTP by its owner."""

from __future__ import annotations

import asyncio
import os
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, Client, until
from support.wire import Wire, wire_to

from handlers import file_answers
from sandbox import Sandbox, SandboxBot
from server.app import Botyard

MB = 2**20
KINDS = ["photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker"]
PATTERN = bytes(range(256))  # what the sandbox makes files of, over and over


@pytest.fixture
def bot(telegram: Sandbox) -> SandboxBot:
    """A bot at Telegram."""
    return telegram.add_bot()


@pytest.fixture
async def path(ann: Client, bot: SandboxBot) -> str:
    """The address of Ann's running bot."""
    return f"{BOTS}{(await ann.add_bot(bot))['id']}/"


async def received(client: Client, path: str, *, chat_id: int = 7) -> dict[str, Any]:
    """Wait for the message of a chat."""
    async with asyncio.timeout(DEADLINE):
        while True:
            answer = await client.get(f"{path}chats/{chat_id}/messages/", params={"limit": "1"})
            if answer.status == 200 and answer.json["items"]:
                item: dict[str, Any] = answer.json["items"][0]
                return item
            await asyncio.sleep(0.01)


async def file_of(
    client: Client, path: str, telegram: Sandbox, bot: SandboxBot, **sent: Any
) -> str:
    """Have a person send a file, and return the address of it."""
    telegram.send_content(bot.id, chat_id=7, **sent)
    return f"{path}messages/{(await received(client, path))['id']}/file"


async def download(
    client: Client, path: str, **headers: str
) -> tuple[aiohttp.ClientResponse, bytes]:
    """Read a file."""
    headers["Authorization"] = f"Bearer {client.key}"
    async with client.http.get(client.url + path, headers=headers) as response:
        return response, await response.read()


# -- what comes


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_person_sent_comes_as_it_is(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str, kind: str
) -> None:
    data = os.urandom(300_000)
    address = await file_of(ann, path, telegram, bot, kind=kind, data=data)
    for form in (address, f"{address}/"):
        response, read = await download(ann, form)
        assert (response.status, read) == (200, data)
        assert response.headers["Content-Length"] == str(len(data))
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Cache-Control"] == "no-store"
    head = await ann.request("HEAD", address)
    for name in ("Content-Length", "Content-Type", "Content-Disposition", "Accept-Ranges"):
        assert head.headers[name] == response.headers[name]


async def test_a_bot_that_is_off_has_its_files(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    address = await file_of(ann, path, telegram, bot, kind="voice", data=b"OggS")
    assert (await ann.patch(path, {"active": False})).status == 200
    assert (await download(ann, address))[1] == b"OggS"


@pytest.mark.parametrize("kind", ["photo", "video", "animation", "video_note"])
async def test_there_is_a_small_picture(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str, kind: str
) -> None:
    address = await file_of(ann, path, telegram, bot, kind=kind, size=5000)
    response, read = await download(ann, f"{address}?size=thumb")
    assert (response.headers["Content-Type"], len(read)) == ("image/jpeg", 500)
    assert len((await download(ann, f"{address}?size=full"))[1]) == 5000
    wrong = await ann.get(f"{address}?size=huge")
    assert (wrong.status, list(wrong.json["errors"])) == (400, ["size"])


# -- parts


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-2000", 990, 999),
        ("bytes=500-", 500, 999),
        ("bytes=-100", 900, 999),
    ],
)
async def test_a_part_can_be_read(
    ann: Client,
    telegram: Sandbox,
    bot: SandboxBot,
    path: str,
    asked: str,
    first: int,
    last: int,
) -> None:
    data = os.urandom(1000)
    address = await file_of(ann, path, telegram, bot, kind="video", data=data)
    response, read = await download(ann, address, Range=asked)
    assert (response.status, read) == (206, data[first : last + 1])
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/1000"
    assert response.headers["Content-Length"] == str(last + 1 - first)
    assert response.headers["Content-Type"] == "video/mp4"


async def test_a_part_that_there_is_not_is_refused_with_the_size(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    address = await file_of(ann, path, telegram, bot, kind="video", size=1000)
    answer = await ann.get(address, headers={"Range": "bytes=1000-"})
    assert (answer.status, answer.json["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == "bytes */1000"


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-1,5-6"},
        {"Range": "items=0-1"},
        {"Range": "bytes=-"},
        {"Range": "bytes=1"},
        {"Range": "bytes=0-1", "If-Range": '"x"'},
    ],
)
async def test_another_range_has_no_effect(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str, headers: dict[str, str]
) -> None:
    address = await file_of(ann, path, telegram, bot, kind="video", size=1000)
    response, read = await download(ann, address, **headers)
    assert (response.status, len(read)) == (200, 1000)


# -- names and types that mean harm


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ('"><script>', '"><script>'),
        ("naïve – 写真.png", "naïve – 写真.png"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nX-Evil: 1.txt", "aX-Evil: 1.txt"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("x" * 5000, "x" * 255),
        ("", None),
    ],
)
async def test_any_name_can_do_nothing(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str, name: str, kept: str | None
) -> None:
    html = {"data": b"<script>alert(1)</script>", "mime_type": "text/html"}
    address = await file_of(ann, path, telegram, bot, kind="document", file_name=name, **html)
    response, _ = await download(ann, address)
    disposition = response.headers["Content-Disposition"]
    kept = kept or f"document-{address.split('/')[-2]}"
    assert disposition.isascii()
    assert disposition.count('"') == 2
    assert disposition.startswith("attachment; filename=")
    assert disposition.endswith(f"; filename*=UTF-8''{quote(kept, safe='')}")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Evil" not in response.headers


@pytest.mark.parametrize(
    ("kind", "told", "served"),
    [
        ("video", {"mime_type": "text/html"}, None),
        ("video", {"mime_type": "VIDEO/MP4; x=y"}, "video/mp4"),
        ("audio", {"mime_type": "image/svg+xml"}, None),
        ("audio", {"mime_type": "audio/mp4"}, "audio/mp4"),
        ("document", {"mime_type": "application/pdf"}, None),
        ("document", {"mime_type": "image/png"}, "image/png"),
        ("document", {"mime_type": "text/html\r\nX-Evil: 1"}, None),
        ("photo", {"details": {"mime_type": "text/html"}}, "image/jpeg"),
        ("voice", {}, "audio/ogg"),
        ("voice", {"mime_type": "text/html"}, None),
        ("video_note", {"details": {"mime_type": "text/html"}}, "video/mp4"),
        ("sticker", {}, "image/webp"),
        ("sticker", {"details": {"is_video": True}}, "video/webm"),
        ("sticker", {"details": {"is_animated": True}}, None),
    ],
)
async def test_only_types_of_a_short_list_are_shown(
    ann: Client,
    telegram: Sandbox,
    bot: SandboxBot,
    path: str,
    kind: str,
    told: dict[str, Any],
    served: str | None,
) -> None:
    address = await file_of(ann, path, telegram, bot, kind=kind, data=b"<script>", **told)
    headers = (await download(ann, address))[0].headers
    assert headers["Content-Type"] == (served or "application/octet-stream")
    assert headers["Content-Disposition"].startswith("inline; " if served else "attachment; ")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "X-Evil" not in headers


# -- what there is not


async def test_a_message_without_a_file_says_so(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    telegram.send_message(bot.id, text="hi", chat_id=7)
    question = await received(ann, path)
    answer = await ann.get(f"{path}messages/{question['id']}/file")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert "has no file from a person" in answer.json["detail"]
    telegram.send_content(bot.id, kind="voice", chat_id=8)
    voice = await received(ann, path, chat_id=8)
    address = f"{path}messages/{voice['id']}/file"
    answer = await ann.get(f"{address}?size=thumb")
    assert (answer.status, "no small picture" in answer.json["detail"]) == (404, True)
    assert (await ann.get(f"{path}messages/{voice['id'] + 1}/file")).status == 404


async def test_files_of_others_are_not_there(
    ann: Client, bob: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    address = await file_of(ann, path, telegram, bot, kind="photo")
    own = await bob.add_bot(telegram.add_bot())
    foreign = f"{BOTS}{own['id']}/{address.removeprefix(path)}"
    for form in (address, foreign):  # a foreign bot; an own bot with a foreign message
        for method in ("GET", "HEAD"):
            assert (await bob.request(method, form)).status == 404
    assert (await download(ann, address))[0].status == 200


# -- what Telegram refuses, and what breaks


async def test_a_file_that_is_too_large_for_bots_is_refused_in_words(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    address = await file_of(ann, path, telegram, bot, kind="video", size=25 * MB)
    answer = await ann.get(address)
    assert (answer.status, answer.json["code"]) == (422, "telegram_refused")
    assert "20 MB" in answer.json["detail"]
    assert (await download(ann, f"{address}?size=thumb"))[0].status == 200


async def test_a_file_of_another_bot_is_refused(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    other = telegram.add_bot()
    theirs = telegram.send_content(other.id, kind="voice")["message"]["voice"]["file_id"]
    address = await file_of(ann, path, telegram, bot, kind="voice", details={"file_id": theirs})
    answer = await ann.get(address)
    assert (answer.status, answer.json["code"]) == (422, "telegram_refused")


@pytest.mark.parametrize("method", ["getFile", "file"])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "drop"}, 503, "telegram_unreachable"),
        ({"kind": "status", "status": 502}, 503, "telegram_unreachable"),
        ({"kind": "status", "status": 429}, 503, "telegram_unreachable"),
        ({"kind": "answer", "body": "<html>", "status": 403}, 503, "telegram_unreachable"),
        ({"kind": "status", "status": 404}, 422, "telegram_refused"),
        ({"kind": "status", "status": 400, "description": "Bad Request: x"}, 422,
         "telegram_refused"),
    ],
)  # fmt: skip
async def test_what_fails_at_telegram_is_told_in_words_without_the_token(
    ann: Client,
    telegram: Sandbox,
    bot: SandboxBot,
    path: str,
    caplog: pytest.LogCaptureFixture,
    method: str,
    fault: dict[str, Any],
    status: int,
    code: str,
) -> None:
    caplog.set_level("DEBUG")
    address = await file_of(ann, path, telegram, bot, kind="photo")
    telegram.inject(method=method, **fault)
    answer = await ann.get(address)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    secret = bot.token.partition(":")[2]
    assert secret not in f"{answer.text}{answer.headers}{caplog.text}"


async def until_ended(botyard: Botyard) -> None:
    """Wait until no request is in progress."""
    await until(lambda: not botyard.services.traffic._in_flight, "the end of the request")


async def begin(wire: Wire, client: Client, address: str) -> bytes:
    """Ask for a file, and read the head of the answer only."""
    await wire.send(f"GET {address}", f"Authorization: Bearer {client.key}")
    async with asyncio.timeout(DEADLINE):
        return await wire.reader.readuntil(b"\r\n\r\n")


async def test_a_slow_reader_is_dropped_and_the_file_is_not_kept_in_memory(
    botyard: Botyard,
    ann: Client,
    telegram: Sandbox,
    bot: SandboxBot,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_answers, "SLOW", 0.3)
    address = await file_of(ann, path, telegram, bot, kind="video", size=19 * MB)
    async with wire_to(botyard.url) as wire:
        head = await begin(wire, ann, address)
        assert f"Content-Length: {19 * MB}".encode() in head
        await until_ended(botyard)
        async with asyncio.timeout(DEADLINE):
            read = len(await wire.reader.read(-1))
    assert read < 19 * MB


async def test_a_reader_who_goes_away_ends_the_download(
    botyard: Botyard, ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    address = await file_of(ann, path, telegram, bot, kind="video", size=19 * MB)
    async with wire_to(botyard.url) as wire:
        await begin(wire, ann, address)
    await until_ended(botyard)
    assert not botyard.services.message_files._turns


async def test_an_account_reads_a_number_of_files_at_once(
    botyard: Botyard,
    ann: Client,
    bob: Client,
    telegram: Sandbox,
    bot: SandboxBot,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = botyard.services.message_files._turns
    monkeypatch.setattr(turns, "_parallel", 1)
    monkeypatch.setattr(turns, "_waiting", 1)
    address = await file_of(ann, path, telegram, bot, kind="video", size=1000)
    held = telegram.inject(kind="hold", method="file")
    reads = [asyncio.create_task(download(ann, address), name=f"read {n}") for n in range(2)]
    await until(lambda: len(turns) == 2, "two requests")
    refused = await ann.get(address)
    assert (refused.status, refused.json["code"]) == (429, "busy")
    telegram.clear(held.id)
    assert [len(read) for _, read in await asyncio.gather(*reads)] == [1000, 1000]
    monkeypatch.setattr(turns, "_patience", 0.1)
    telegram.inject(kind="hold", method="file")
    first = asyncio.create_task(download(ann, address), name="read")
    await until(lambda: len(turns) == 1, "one request")
    assert (await ann.get(address)).status == 429
    telegram.clear()
    assert len((await first)[1]) == 1000
    assert not turns


async def test_any_process_reads_from_telegram_itself(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    """With `--servers=2` the requests go to both in turns."""
    address = await file_of(ann, path, telegram, bot, kind="document", size=5 * MB)
    for _ in range(4):
        answer = await ann.get(address, headers={"Range": "bytes=256-355"})
        assert (answer.status, answer.headers["Content-Range"]) == (
            206,
            f"bytes 256-355/{5 * MB}",
        )
    assert (await download(ann, address))[1] == PATTERN * (5 * MB // 256)
