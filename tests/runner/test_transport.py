"""The way to Telegram: proxies, names that do not resolve, files, one session for all."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, QUICK, RETRIED, Client, Clock, register, until
from telegram.error import InvalidToken, NetworkError, TelegramError, TimedOut

from dialogs import echo
from runner.cluster.gate import Gate
from runner.cluster.lease import Lease
from runner.sending.rate_limit import Pacer
from runner.settings import Limits
from runner.telegram.application import BotApplication, build
from runner.telegram.client import BotClient
from runner.telegram.deadline import Deadline
from runner.telegram.request import BotRequest
from runner.telegram.transport import Transport
from sandbox import Sandbox, SandboxBot
from server.app import open_botyard
from server.config import Config

TRUST = 1000.0  # seconds
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@dataclass
class Gated:
    """A bot of the sandbox, and the ways to call Telegram for it."""

    bot: SandboxBot
    clock: Clock = field(default_factory=Clock)
    gate: Gate = field(init=False)
    client: BotClient = field(init=False)
    application: BotApplication = field(init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(Lease(TRUST, clock=self.clock))
        self.renew()

    def renew(self) -> None:
        """Have a heartbeat succeed."""
        self.gate.renew(self.clock())

    @property
    def request(self) -> BotRequest:
        """A request of the library's."""
        return BotRequest(self.client)


@dataclass
class Proxy:
    """A small proxy, and where it was asked to go."""

    url: str = ""
    targets: list[str] = field(default_factory=list)


async def pump(reader: Reader, writer: Writer) -> None:
    """Carry bytes one way."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def splice(reader: Reader, writer: Writer, host: str, port: int, first: bytes) -> None:
    """Join a client and a target."""
    to_reader, to_writer = await asyncio.open_connection(host, port)
    to_writer.write(first)
    await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))


async def serve_proxy(
    scheme: str, handle: Callable[[Proxy, Reader, Writer], Awaitable[None]]
) -> AsyncIterator[Proxy]:
    """A proxy on a free port until its end."""
    proxy = Proxy()
    tasks: set[asyncio.Task[None]] = set()

    async def on_connect(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(proxy, reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    proxy.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield proxy
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def http_proxy_client(proxy: Proxy, reader: Reader, writer: Writer) -> None:
    """One client of an HTTP proxy (RFC 9110, absolute form), one target a connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, rest = head.split(b" ", 2)
    parts = urlsplit(target.decode())
    proxy.targets.append(f"{parts.hostname}:{parts.port}")
    path = (parts.path + (f"?{parts.query}" if parts.query else "")).encode()
    first = b" ".join((method, path, rest)).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    await splice(reader, writer, str(parts.hostname), parts.port or 80, first)


async def socks_client(proxy: Proxy, reader: Reader, writer: Writer) -> None:
    """One client of a SOCKS5 proxy (RFC 1928) without authentication."""
    _, methods = struct.unpack("BB", await reader.readexactly(2))
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    _, _, _, kind = struct.unpack("BBBB", await reader.readexactly(4))
    if kind == 1:
        host = ".".join(str(byte) for byte in await reader.readexactly(4))
    else:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode()
    (port,) = struct.unpack(">H", await reader.readexactly(2))
    proxy.targets.append(f"{host}:{port}")
    writer.write(b"\x05\x00\x00\x01" + b"\x00" * 6)
    await splice(reader, writer, host, port, b"")


@pytest.fixture
async def http_proxy() -> AsyncIterator[Proxy]:
    async for proxy in serve_proxy("http", http_proxy_client):
        yield proxy


@pytest.fixture
async def socks_proxy() -> AsyncIterator[Proxy]:
    async for proxy in serve_proxy("socks5", socks_client):
        yield proxy


@pytest.mark.parametrize("kind", ["http_proxy", "socks_proxy"])
async def test_bots_run_through_a_proxy(
    kind: str,
    config: Config,
    telegram: Sandbox,
    http: aiohttp.ClientSession,
    request: pytest.FixtureRequest,
    http_proxy: Proxy,
    socks_proxy: Proxy,
) -> None:
    proxy = {"http_proxy": http_proxy, "socks_proxy": socks_proxy}[kind]
    bot = telegram.add_bot()
    botyard = await open_botyard(replace(config, telegram_proxy=proxy.url), runner=QUICK)
    try:
        user = await register(Client(http, botyard.url))
        made = await user.add_bot(bot)
        assert made["status"]["state"] == "running"
        telegram.send_message(bot.id, text="through the proxy")
        await telegram.wait_sent(bot.id, timeout=DEADLINE)
    finally:
        await botyard.close()
    assert set(proxy.targets) == {config.telegram_api_url.removeprefix("http://")}


async def test_a_name_that_does_not_resolve_is_told(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    nowhere = replace(config, telegram_api_url="http://nowhere.invalid")
    botyard = await open_botyard(nowhere, runner=QUICK)
    try:
        user = await register(Client(http, botyard.url))
        made = await user.add_bot(telegram.add_bot())
        status = made["status"]
        assert status["state"] in RETRIED
        assert status["reason"] == "telegram_unreachable"
        assert "nowhere.invalid" in status["detail"]
        assert (await user.patch(f"{BOTS}{made['id']}/", {"active": False})).status == 200
    finally:
        await botyard.close()


async def test_a_refused_connection_is_told_without_the_token(telegram: Sandbox) -> None:
    transport = Transport("http://127.0.0.1:9", call_timeout=2)
    await transport.open()
    try:
        with pytest.raises(NetworkError) as raised:
            await BotClient("1:secret", transport).get_me()
    finally:
        await transport.close()
    assert "127.0.0.1:9" in raised.value.message
    assert "secret" not in str(raised.value)


@pytest.fixture
async def transport(telegram: Sandbox) -> AsyncIterator[Transport]:
    opened = Transport(telegram.url, call_timeout=0.3)
    await opened.open()
    yield opened
    await opened.close()


async def test_a_hanging_call_times_out(telegram: Sandbox, transport: Transport) -> None:
    bot = telegram.add_bot()
    telegram.inject(kind="hold", bot_id=bot.id)
    with pytest.raises(TimedOut):
        await BotClient(bot.token, transport).get_me()


async def test_only_telegram_can_say_that_a_token_is_unknown(
    telegram: Sandbox, transport: Transport
) -> None:
    bot = telegram.add_bot()
    client = BotClient(bot.token, transport)
    telegram.inject(kind="status", status=401, body="<html>log in to the proxy</html>", times=1)
    with pytest.raises(NetworkError):
        await client.get_me()
    telegram.revoke(bot.id)
    with pytest.raises(InvalidToken):
        await client.get_me()


async def test_a_closed_bot_sends_nothing(telegram: Sandbox, transport: Transport) -> None:
    bot = telegram.add_bot()
    client = BotClient(bot.token, transport)
    client.close()
    with pytest.raises(NetworkError, match="switched off"):
        await client.get_me()
    assert telegram.calls(bot.id) == []


@pytest.fixture
async def gated(telegram: Sandbox, transport: Transport) -> AsyncIterator[Gated]:
    """A bot's client, and the library's bot over it, behind a gate that is open."""
    gated = Gated(telegram.add_bot())
    gated.client = BotClient(gated.bot.token, transport, gate=gated.gate)
    gated.application = build(gated.client, echo.answer, limiter=Pacer(Limits()))
    await gated.application.initialize()
    yield gated
    gated.renew()
    gated.gate.close()
    await gated.application.shutdown()


CALLS: dict[str, Callable[[Gated], Awaitable[Any]]] = {
    "getMe": lambda gated: gated.client.get_me(),
    "getUpdates": lambda gated: gated.client.get_updates(read_timeout=1.0, timeout=0),
    "getWebhookInfo": lambda gated: gated.client.get_webhook_info(),
    "deleteWebhook": lambda gated: gated.client.delete_webhook(),
    "sendMessage": lambda gated: gated.client.call("sendMessage", {"chat_id": 1001, "text": "x"}),
    "another method": lambda gated: gated.client.call("getMyName", {}),
    "the library's getMe": lambda gated: gated.application.bot.get_me(),
    "the library's sendMessage": lambda gated: gated.application.bot.send_message(1001, "x"),
    "the library's file": lambda gated: gated.application.bot.send_document(1001, b"x"),
    "the library's download": lambda gated: gated.request.retrieve(
        f"{gated.client.api_url}/file/bot{gated.client.token}/x"
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_nothing_leaves_while_the_gate_is_shut(
    call: Callable[[Gated], Awaitable[Any]], gated: Gated, telegram: Sandbox, transport: Transport
) -> None:
    telegram.send_message(gated.bot.id, text="hi")  # so that there is a chat
    before, counted = len(telegram.calls(gated.bot.id)), transport.calls.total()
    gated.clock.now += TRUST

    async def make() -> None:
        with suppress(TelegramError):  # the sandbox does not have every method, nor that file
            await call(gated)

    calling = asyncio.create_task(make(), name="call")
    await until(lambda: not gated.gate._open.is_set(), "a call that waits")
    assert len(telegram.calls(gated.bot.id)) == before
    assert transport.calls.total() == counted
    gated.renew()
    await calling
    assert transport.calls.total() > counted


async def test_what_is_under_way_when_the_gate_shuts_is_cut(
    gated: Gated, telegram: Sandbox
) -> None:
    telegram.inject(kind="delay", seconds=DEADLINE, method="sendMessage", times=1)
    parameters = {"chat_id": 1001, "text": "x"}
    calling = asyncio.create_task(gated.client.call("sendMessage", parameters), name="call")
    await until(lambda: gated.gate._calls, "the call")
    gated.gate.end()
    with pytest.raises(TimedOut, match="lost its database"):
        await calling


async def test_a_poll_may_go_on_when_the_gate_shuts(gated: Gated, telegram: Sandbox) -> None:
    before = len(telegram.calls(gated.bot.id))
    polling = asyncio.create_task(
        gated.client.get_updates(read_timeout=DEADLINE, timeout=20), name="poll"
    )
    await until(lambda: len(telegram.calls(gated.bot.id)) > before, "the poll")
    gated.gate.end()
    telegram.send_message(gated.bot.id, text="hi")
    assert len(await polling) == 1


async def test_files_are_uploaded_and_downloaded(telegram: Sandbox, transport: Transport) -> None:
    bot = telegram.add_bot()
    telegram.send_message(bot.id, text="hi")
    application = build(BotClient(bot.token, transport), echo.answer, limiter=Pacer(Limits()))
    await application.initialize()
    try:
        content = bytes(range(256)) * 10
        message = await application.bot.send_document(
            1001, content, filename="ä.bin", caption="Ünïcode"
        )
        assert message.document is not None
        file = await application.bot.get_file(message.document.file_id)
        assert bytes(await file.download_as_bytearray()) == content
    finally:
        await application.shutdown()


# -- the time of a call


async def test_a_deadline_becomes_a_timeout() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError), Deadline(loop, 0.01):
        await asyncio.sleep(DEADLINE)
    await asyncio.sleep(0)  # nothing of the cancellation is left


async def test_whoever_cancels_a_call_before_its_deadline_cancels_it() -> None:
    async def call() -> None:
        with Deadline(asyncio.get_running_loop(), DEADLINE):
            await asyncio.sleep(DEADLINE)

    task = asyncio.create_task(call(), name="call")
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_whoever_cancels_a_call_together_with_its_deadline_cancels_it() -> None:
    deadline = Deadline(asyncio.get_running_loop(), DEADLINE)

    async def call() -> None:
        with deadline:
            await asyncio.sleep(DEADLINE)

    task = asyncio.create_task(call(), name="call")
    await asyncio.sleep(0)
    deadline.expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_ends_before_its_deadline_is_left_alone() -> None:
    with Deadline(asyncio.get_running_loop(), 0.02):
        pass
    with Deadline(asyncio.get_running_loop(), None):
        await asyncio.sleep(0.03)
