"""Files of messages from a Bot API that breaks off, lies or means harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, Client, register, until
from support.hostile import HEAD, Endless, Feed, HostileApi, hostile_api, raw, result, whole
from support.tcp_proxy import TcpProxy
from support.wire import wire_to

from runner.telegram import downloads
from sandbox import Sandbox
from server.app import Botyard
from server.config import Config

MB = 2**20
TOKEN = "123456789:AAE" + "x" * 32
SECRET = TOKEN.partition(":")[2]
VIDEO = {"file_id": "BAAC", "mime_type": "video/mp4", "file_name": "film.mp4"}


async def address_of(client: Client, bot_id: int) -> str:
    """Wait for the message of chat 7, and return the address of its file."""
    path = f"{BOTS}{bot_id}/"
    async with asyncio.timeout(DEADLINE):
        while not (answer := await client.get(f"{path}chats/7/messages/")).json.get("items"):
            await asyncio.sleep(0.01)
    return f"{path}messages/{answer.json['items'][-1]['id']}/file"


class TestBrokenConnection:
    """A server whose way to Telegram can be cut."""

    @pytest.fixture
    async def proxy(self, telegram: Sandbox) -> AsyncIterator[TcpProxy]:
        """The way."""
        parts = urlsplit(telegram.url)  # type: ignore[attr-defined]
        proxy = TcpProxy(str(parts.hostname), int(parts.port or 0))
        await proxy.open()
        yield proxy
        await proxy.close()

    @pytest.fixture
    def config(self, config: Config, proxy: TcpProxy) -> Config:
        """Settings of a server that uses the way."""
        return replace(config, telegram_api_url=f"http://127.0.0.1:{proxy.port}")

    @pytest.mark.parametrize("how", ["cut", "silent"])
    async def test_a_reader_sees_that_a_file_is_incomplete(
        self,
        botyard: Botyard,
        ann: Client,
        telegram: Sandbox,
        proxy: TcpProxy,
        monkeypatch: pytest.MonkeyPatch,
        how: str,
    ) -> None:
        monkeypatch.setattr(downloads, "IDLE", 0.3)
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.send_content(bot.id, kind="video", chat_id=7, size=19 * MB)
        address = await address_of(ann, made["id"])
        async with wire_to(botyard.url) as wire:
            await wire.send(f"GET {address}", f"Authorization: Bearer {ann.key}")
            async with asyncio.timeout(DEADLINE):
                head = await wire.reader.readuntil(b"\r\n\r\n")
                assert f"Content-Length: {19 * MB}".encode() in head
                if how == "cut":
                    proxy.cut()
                else:
                    proxy.black_hole("to_client")
                read = len(await wire.reader.read(-1))
        assert 0 < read < 19 * MB
        proxy.heal()
        await until(lambda: not botyard.services.traffic._in_flight, "the end of the request")


class TestHostile:
    """A server whose Bot API means harm."""

    @pytest.fixture
    async def hostile(self) -> AsyncIterator[HostileApi]:
        """The Bot API; somebody has sent a video, and getFile answers."""
        feed = Feed()
        chat = {"id": 7, "type": "private", "first_name": "Eve"}
        message = {"message_id": 1, "date": 1, "chat": chat, "from": chat, "video": VIDEO}
        feed.put({"update_id": 1, "message": message})
        async with hostile_api() as api:
            api.replies["getUpdates"] = feed
            api.replies["getFile"] = whole(result({"file_path": "videos/film", "file_size": 4}))
            yield api

    @pytest.fixture
    def config(self, config: Config, hostile: HostileApi) -> Config:
        """Settings of the server."""
        return replace(config, telegram_api_url=hostile.url)

    @pytest.fixture
    async def address(self, botyard: Botyard, http: aiohttp.ClientSession) -> str:
        """The address of the file."""
        self.ann = await register(Client(http, botyard.url), "ann")
        body = {"token": TOKEN, "title": "x", "active": True}
        made = await self.ann.post(BOTS, body)
        assert made.status == 201, made.text
        return await address_of(self.ann, made.json["id"])

    async def test_a_server_that_has_no_parts_answers_with_the_whole(
        self, hostile: HostileApi, address: str
    ) -> None:
        hostile.replies["film"] = whole(b"film")
        answer = await self.ann.get(address, headers={"Range": "bytes=0-1"})
        assert (answer.status, answer.text) == (200, "film")
        assert "Accept-Ranges" not in answer.headers
        assert "Content-Range" not in answer.headers

    async def test_no_header_of_the_server_is_passed_on(
        self, hostile: HostileApi, address: str
    ) -> None:
        hostile.replies["film"] = whole(
            b"film",
            "Content-Type: text/html",
            "Set-Cookie: a=b",
            "Content-Disposition: inline",
            f"X-Evil: {TOKEN}",
        )
        headers = (await self.ann.get(address)).headers
        assert headers.getall("Content-Type") == ["video/mp4"]
        assert headers["Content-Disposition"].startswith('inline; filename="film.mp4"')
        assert not {"Set-Cookie", "X-Evil"} & set(headers)
        assert SECRET not in str(headers)

    @pytest.mark.parametrize(
        "reply",
        [
            raw(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/" + TOKEN.encode()
                + b"\r\nContent-Length: 0\r\n\r\n"),
            raw(b"HTTP/1.1 206 X\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 2\r\n\r\nab"),
            raw(b"HTTP/1.1 416 X\r\nContent-Length: 0\r\n\r\n"),
            raw(b"HTTP/1.1 204 X\r\n\r\n"),
            raw(HEAD + b"Content-Length: 99999999999\r\n\r\n"),
            raw(HEAD + b"Content-Length: 4\r\n\r\n"),
            raw(b"no HTTP " + TOKEN.encode()),
            whole(b"x", "Content-Encoding: gzip"),
        ],
    )  # fmt: skip
    async def test_an_answer_that_is_no_file_is_an_error(
        self, hostile: HostileApi, address: str, reply: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        hostile.replies["film"] = reply
        answer = await self.ann.get(address)
        assert (answer.status, answer.json["code"]) == (503, "telegram_unreachable")
        assert SECRET not in f"{answer.text}{answer.headers}{caplog.text}"

    @pytest.mark.parametrize(
        "answer",
        [
            {"file_path": "../../bot" + TOKEN + "/deleteWebhook"},
            {"file_path": "/etc/passwd"},
            {"file_path": "a//b"},
            {"file_path": 7},
            {},
            None,
            [],
        ],
    )
    async def test_a_path_stays_among_the_files_of_the_bot(
        self, hostile: HostileApi, address: str, answer: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        hostile.replies["getFile"] = whole(result(answer))
        before = hostile.calls["deleteWebhook"]
        shown = await self.ann.get(address)
        assert (shown.status, shown.json["code"]) == (503, "telegram_unreachable")
        assert SECRET not in f"{shown.text}{caplog.text}"
        assert hostile.calls["deleteWebhook"] == before

    @pytest.mark.parametrize(
        "path", ["a/film?x=film", "a/%2e%2e/film", "a\r\nX: y/film", "é\ud800/film"]
    )
    async def test_signs_of_a_path_are_only_signs(
        self, hostile: HostileApi, address: str, path: str
    ) -> None:
        hostile.replies["getFile"] = whole(result({"file_path": path}))
        hostile.replies["film"] = hostile.replies["film%3Fx%3Dfilm"] = whole(b"film")
        answer = await self.ann.get(address)
        assert (answer.status, answer.text) == (200, "film")

    @pytest.mark.parametrize(
        "reply",
        [
            raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n"),
            raw(HEAD + b"Connection: close\r\n\r\nfi"),  # getFile has told a size of four
            raw(HEAD + b"Content-Length: 4\r\n\r\nfi"),
        ],
    )
    async def test_a_file_of_any_form_that_ends_early_is_seen_as_incomplete(
        self, hostile: HostileApi, address: str, reply: Any
    ) -> None:
        hostile.replies["film"] = reply
        with pytest.raises(aiohttp.ClientPayloadError):
            await self.ann.get(address)

    async def test_a_file_that_does_not_end_is_cut(
        self, botyard: Botyard, hostile: HostileApi, address: str
    ) -> None:
        hostile.replies["film"] = endless = Endless()
        with pytest.raises(aiohttp.ClientPayloadError):
            await self.ann.get(address)
        assert endless.sent < 64 * MB
        assert not botyard.services.message_files._turns
