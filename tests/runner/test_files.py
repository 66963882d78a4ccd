"""Uploads to a Telegram that reads slowly, breaks off or forgets, and their forms."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from support.client import BOTS, DEADLINE, Client, register, until
from support.server_process import serving
from support.uploads import uploaded
from telegram.error import BadRequest, TelegramError
from tornado.httputil import HTTPHeaders, parse_body_arguments

from models.errors import StorageUnavailable
from models.messaging.media import PIECE, Media
from runner.sending import files as files_module
from runner.sending.files import FileCalls, names_uploads
from runner.sending.media_store import MediaStore
from runner.sending.outcomes import Fate, fate_of
from runner.telegram.client import BotClient
from runner.telegram.form import FileForm, FormFile
from runner.telegram.transport import Transport
from sandbox import Sandbox
from server.app import Botyard

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Serve = Callable[[Reader, Writer], Awaitable[None]]
TOKEN = "123456789:AAExampleExampleExampleExampleExamp"


@asynccontextmanager
async def telegram_that(serve: Serve, *, call_timeout: float = 5.0) -> AsyncIterator[BotClient]:
    """A client of a Bot API that does with a connection what a test says."""
    tasks: set[asyncio.Task[None] | None] = set()

    async def on_connect(reader: Reader, writer: Writer) -> None:
        tasks.add(asyncio.current_task())
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = Transport(f"http://127.0.0.1:{port}", call_timeout=call_timeout)
    await transport.open()
    try:
        yield BotClient(TOKEN, transport)
    finally:
        await transport.close()
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()


async def answer(writer: Writer, result: Any, *, status: int = 200) -> None:
    """Answer as the Bot API does."""
    body = {"ok": True, "result": result}
    if status != 200:
        body = {"ok": False, "error_code": status, "description": result}
    data = orjson.dumps(body)
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + data)
    await writer.drain()


async def read_request(reader: Reader) -> tuple[HTTPHeaders, bytes]:
    """Read a request in full."""
    head = await reader.readuntil(b"\r\n\r\n")
    headers = HTTPHeaders.parse(head.decode().partition("\r\n")[2])
    return headers, await reader.readexactly(int(headers["Content-Length"]))


@pytest.fixture
async def bot(ann: Client, telegram: Sandbox) -> dict[str, Any]:
    """A bot that is off."""
    return await ann.add_bot(telegram.add_bot(), active=False)


def send(file: dict[str, Any]) -> bytes:
    """The call that sends a file."""
    return orjson.dumps({"chat_id": 7, "document": {"upload": file["id"]}, "caption": 'a "b"'})


# -- forms


@pytest.mark.parametrize("sizes", [[], [0], [1], [5, 0, 70_000]])
async def test_a_form_is_as_long_as_it_says_and_can_be_read(sizes: list[int]) -> None:
    contents = [os.urandom(size) for size in sizes]

    def reading(data: bytes) -> Callable[[], AsyncIterator[bytes]]:
        async def read() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 1000):
                yield data[start : start + 1000]

        return read

    files = [
        FormFile(f"file{number}", f'"{number}\r\nX: y', "image/png", len(data), reading(data))
        for number, data in enumerate(contents)
    ]
    parameters = {"chat_id": 7, "caption": "ä\r\n--x", "media": [{"type": "photo"}], "silent": True}
    form = FileForm(parameters, files)
    seen, body = [], b""
    async for piece in form.content():
        seen.append(form.is_complete)
        body += piece
    assert len(body) == form.length == int(form.headers["Content-Length"])
    assert seen == [False] * (len(seen) - 1) + [True]
    arguments: dict[str, list[bytes]] = {}
    parts: dict[str, list[Any]] = {}
    parse_body_arguments(form.headers["Content-Type"], body, arguments, parts)
    assert arguments == {
        "chat_id": [b"7"],
        "caption": ["ä\r\n--x".encode()],
        "media": [b'[{"type":"photo"}]'],
        "silent": [b"true"],
    }
    assert [parts[f"file{number}"][0].body for number in range(len(sizes))] == contents
    assert all(one[0].filename == f"'{number}  X: y" for number, one in enumerate(parts.values()))


def test_no_text_is_taken_for_an_upload() -> None:
    assert names_uploads(orjson.dumps({"photo": {"upload": 7}}))
    assert not names_uploads(orjson.dumps({"text": '{"upload":7}', "caption": 'x{"upload":'}))


# -- what becomes of a call whose connection ends


async def _fate(calls: FileCalls, body: bytes) -> Fate:
    with pytest.raises(TelegramError) as caught:
        await calls.call("sendDocument", body)
    return fate_of(caught.value)


async def test_a_connection_that_ends_in_the_middle_of_a_file_has_sent_nothing(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    file = await uploaded(ann, bot, b"x" * (40 * PIECE))

    async def break_off(reader: Reader, writer: Writer) -> None:
        await reader.readexactly(100_000)

    async with telegram_that(break_off) as client:
        calls = FileCalls(bot["id"], client, MediaStore(botyard.services.db))
        assert await _fate(calls, send(file)) is Fate.UNAVAILABLE


async def test_a_connection_that_ends_after_the_file_leaves_it_unknown(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    file = await uploaded(ann, bot, b"x" * PIECE)

    async def close(reader: Reader, writer: Writer) -> None:
        await read_request(reader)

    async with telegram_that(close) as client:
        calls = FileCalls(bot["id"], client, MediaStore(botyard.services.db))
        assert await _fate(calls, send(file)) is Fate.LOST


async def test_an_upload_that_is_too_slow_is_given_up(
    botyard: Botyard, ann: Client, bot: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await uploaded(ann, bot, b"x" * (40 * PIECE))
    monkeypatch.setattr(files_module, "SLOWEST", 100 * 2**20)

    async def read_slowly(reader: Reader, writer: Writer) -> None:
        while await reader.read(1000):
            await asyncio.sleep(0.01)

    async with telegram_that(read_slowly, call_timeout=0.2) as client:
        calls = FileCalls(bot["id"], client, MediaStore(botyard.services.db))
        assert await _fate(calls, send(file)) is Fate.UNAVAILABLE


async def test_a_refusal_before_the_end_of_the_file_is_read(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    file = await uploaded(ann, bot, b"x" * (4 * PIECE))

    async def refuse(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        await answer(writer, "Bad Request: chat not found", status=400)

    async with telegram_that(refuse) as client:
        calls = FileCalls(bot["id"], client, MediaStore(botyard.services.db))
        with pytest.raises(BadRequest, match=r"(?i)chat not found"):
            await calls.call("sendDocument", send(file))


class FailingStore(MediaStore):
    """Files of which a piece cannot be read."""

    error: Exception | None = None

    async def piece(self, bot_id: int, media_id: int, number: int) -> bytes | None:
        """Fail at the third piece, or find it deleted."""
        if number == 2:
            if self.error is not None:
                raise self.error
            return None
        return await super().piece(bot_id, media_id, number)


@pytest.mark.parametrize(
    ("error", "fate"), [(StorageUnavailable("gone"), Fate.NOT_SENT), (None, Fate.REJECTED)]
)
async def test_a_file_that_cannot_be_read_to_its_end_is_not_sent(
    botyard: Botyard, ann: Client, bot: dict[str, Any], error: Exception | None, fate: Fate
) -> None:
    file = await uploaded(ann, bot, b"x" * (4 * PIECE))

    async def read(reader: Reader, writer: Writer) -> None:
        await read_request(reader)

    async with telegram_that(read) as client:
        store = FailingStore(botyard.services.db)
        store.error = error
        calls = FileCalls(bot["id"], client, store)
        assert await _fate(calls, send(file)) is fate


# -- ids that Telegram does not know


@pytest.mark.parametrize(
    ("told", "again"),
    [
        ("Bad Request: wrong file identifier/HTTP URL specified", True),
        ("Bad Request: wrong remote file identifier specified: Wrong padding length", True),
        ("Bad Request: wrong file_id or the file is temporarily unavailable", True),
        ("Bad Request: FILE_REFERENCE_EXPIRED", True),
        ("Bad Request: can't use file of type Photo as Document", True),
        ("Bad Request: chat not found", False),
        ("Bad Request: message caption is too long", False),
    ],
)
async def test_a_wrong_id_is_renewed_in_the_same_call(
    botyard: Botyard, ann: Client, bot: dict[str, Any], told: str, *, again: bool
) -> None:
    file, db = await uploaded(ann, bot, b"x" * (2 * PIECE)), botyard.services.db
    await db.write(Media.update(file_id="another-bots").execute)
    types = []

    async def serve(reader: Reader, writer: Writer) -> None:
        headers, body = await read_request(reader)
        types.append(headers["Content-Type"].partition(";")[0])
        if b"another-bots" in body:
            await answer(writer, told, status=400)
        else:
            await answer(writer, {"message_id": 1, "document": {"file_id": "NEW"}})

    async with telegram_that(serve) as client:
        calls = FileCalls(bot["id"], client, MediaStore(db))
        if not again:
            with pytest.raises(BadRequest):
                await calls.call("sendDocument", send(file))
            assert types == ["application/json"]
            return
        sent = await calls.call("sendDocument", send(file))
        assert sent.file_ids == ((file["id"], "NEW"),)
        assert types == ["application/json", "multipart/form-data"]


@pytest.mark.parametrize(
    ("kind", "message", "file_id"),
    [
        ("photo", {"photo": [{"file_id": "small"}, {"file_id": "large"}]}, "large"),
        ("video", {"animation": {"file_id": "a"}, "document": {"file_id": "a"}}, "a"),
        ("document", {"document": {"file_id": "d"}, "animation": {"file_id": "a"}}, "d"),
        ("photo", {"document": {"file_id": "d"}}, None),
        ("video", {"video": {"file_id": 7}}, None),
        ("video", {"video": {"file_id": "x" * 256}}, None),
        ("video", {"video": {"file_id": "a\nb"}}, None),
        ("video", {"video": [7]}, None),
        ("video", {}, None),
    ],
)
async def test_the_id_is_taken_from_what_telegram_made_of_the_file(
    botyard: Botyard, ann: Client, bot: dict[str, Any], kind: str, message: Any, file_id: str | None
) -> None:
    file = await uploaded(ann, bot, b"x", kind=kind)

    async def serve(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        await answer(writer, {"message_id": 1, **message})

    async with telegram_that(serve) as client:
        calls = FileCalls(bot["id"], client, MediaStore(botyard.services.db))
        body = orjson.dumps({"chat_id": 7, kind: {"upload": file["id"]}})
        sent = await calls.call(f"send{kind.capitalize()}", body)
        assert sent.file_ids == (() if file_id is None else ((file["id"], file_id),))


# -- kill -9


@pytest.mark.early
async def test_a_kill_during_an_upload_is_told_and_the_file_is_still_there(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    sandbox_bot, data = telegram.add_bot(), os.urandom(3 * PIECE)

    def start() -> Any:
        url = telegram.url  # type: ignore[attr-defined]
        return serving(tmp_path, url, BOTYARD_DATABASE_URL=database_url)

    async with start() as server:
        ann = await register(Client(http, server.url), "ann")
        bot = await ann.add_bot(sandbox_bot)
        telegram.send_message(sandbox_bot.id, text="hi", chat_id=7)
        await telegram.wait_sent(sandbox_bot.id, timeout=DEADLINE)
        file = await uploaded(ann, bot, data)
        hold = telegram.inject(kind="hold", bot_id=sandbox_bot.id, method="sendDocument")
        path = f"{BOTS}{bot['id']}/chats/7/messages/"
        document = {"media": {"type": "document", "upload": file["id"]}}
        written = (await ann.post(path, document)).json["items"][0]
        await until(lambda: hold.hits, "the upload")
        await server.end(signal.SIGKILL)
    telegram.clear(hold.id)
    async with start() as server:
        ann.url = server.url
        found = (await ann.get(f"{BOTS}{bot['id']}/messages/{written['id']}/")).json
        assert (found["state"], found["reason"]) == ("unknown", "interrupted")
        before = len(telegram.sent(sandbox_bot.id))
        assert (await ann.post(path, document)).status == 202
        await telegram.wait_sent(sandbox_bot.id, count=before + 1, timeout=DEADLINE)
        sent = telegram.sent(sandbox_bot.id)[-1].message["document"]
        stored = sandbox_bot.files.by_id(sent["file_id"])
        assert stored
        assert stored.upload.data == data
        await server.end(signal.SIGTERM)
