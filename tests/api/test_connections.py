"""Clients cannot exhaust the server's connections, nor keep it from ending."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, Client, register, until
from support.server_process import ServerProcess, serving
from support.wire import Wire, wire_to

from handlers.apidoc.swagger import PIECE
from sandbox import Sandbox
from server.app import Botyard

IDLE = 320  # connections of an attacker
FILES = 256  # that the server may have open
USER = "/rest-auth/user/"


async def connect(stack: AsyncExitStack, url: str, number: int) -> list[Wire]:
    """Open connections that send nothing."""
    return [await stack.enter_async_context(wire_to(url)) for _ in range(number)]


async def test_idle_connections_leave_files_for_the_api_and_the_bots(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bot = telegram.add_bot()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path, telegram.url, open_files=FILES))
        user = await register(Client(http, server.url))
        await user.add_bot(bot)
        await connect(stack, server.url, IDLE)
        for _ in range(5):
            session = await stack.enter_async_context(aiohttp.ClientSession())
            assert (await Client(session, server.url, user.key).get(USER)).status == 200
        telegram.send_message(bot.id, chat_id=1, text="still there?")
        await until(lambda: telegram.sent(bot.id), "the bot's answer")
        told = [line for line in server.log if "connections are open" in line]
        assert len(told) == 1, "one line of the log, not one for each connection"
        assert len(server.log) < 100


async def test_without_any_file_left_the_server_waits_and_goes_on_later(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path, telegram.url))
        pid = server.process.pid
        user = await register(Client(http, server.url))
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)

        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 5, usual[1]))
        await connect(stack, server.url, 50)
        await until(lambda: _told(server), "the line of the log")
        session = await stack.enter_async_context(aiohttp.ClientSession())
        answer = await Client(session, server.url).get("/healthz")  # the database needs files, too
        assert answer.status == 200, "idle connections gave way"

        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, usual[1]))
        await connect(stack, server.url, 50)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        assert (await Client(session, server.url, user.key).get(USER)).status == 200
        assert len(_told(server)) == 1, "the log is not filled with failures"
        assert not [line for line in server.log if "Traceback" in line]


def _told(server: ServerProcess) -> list[str]:
    return [line for line in server.log if "not accepting connections for a moment" in line]


@pytest.fixture
async def narrow(botyard: Botyard, ann: Client) -> Botyard:
    """A server with room for three connections beside ann's."""
    botyard.server._room = lambda: 4
    return botyard


async def test_a_new_connection_takes_the_place_of_the_longest_idle_one(
    narrow: Botyard, ann: Client
) -> None:
    async with AsyncExitStack() as stack:
        wires = await connect(stack, narrow.url, 5)
        # ann's own connection was the oldest
        assert await wires[0].closed()
        for wire in wires[1:]:
            await wire.send("GET /healthz")
            assert (await wire.answer())[0] == 200


async def test_a_request_under_way_is_not_cut_for_a_new_connection(
    narrow: Botyard, ann: Client
) -> None:
    async with AsyncExitStack() as stack:
        (listener,) = await connect(stack, narrow.url, 1)
        await listener.send("GET /api/v1/events/", f"Authorization: Bearer {ann.key}")
        await listener.reader.readuntil(b"retry: 3000")
        await connect(stack, narrow.url, 10)
        await register(Client(ann.http, narrow.url))
        await ann.post(BOTS, {"token": "1:x"})
        assert not listener.reader.at_eof()
        narrow.services.runner.events.close()
        async with asyncio.timeout(DEADLINE):
            await listener.reader.readuntil(b"\r\n0\r\n\r\n")  # the stream's own end


async def test_a_body_that_never_comes_gives_way(narrow: Botyard, ann: Client) -> None:
    async with AsyncExitStack() as stack:
        slow = await connect(stack, narrow.url, 3)
        for wire in slow:
            await wire.send("POST /rest-auth/login/", "Content-Length: 10", body=b"{")
        await connect(stack, narrow.url, 4)
        for wire in slow:
            assert await wire.closed()


async def test_answers_that_nobody_reads_give_way(
    tmp_path: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    bundle = b"GET /swagger/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path, telegram.url, open_files=FILES))
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        assert parts.port is not None
        for _ in range(FILES // 2 + 20):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((parts.hostname, parts.port))
            deaf.setblocking(False)
            deaf.send(bundle * 6)
        assert (await Client(http, server.url).get("/healthz")).status == 200
        assert (await Client(http, server.url).get("/swagger/")).status == 200


async def test_many_connections_of_one_network_give_way_to_those_of_others(
    narrow: Botyard, ann: Client
) -> None:
    def connected(wires: list[Wire]) -> int:
        ours = {wire.writer.get_extra_info("sockname") for wire in wires}
        return len({one.context.address[:2] for one in narrow.server._connections} & ours)

    async with AsyncExitStack() as stack:
        (other,) = [await stack.enter_async_context(wire_to(narrow.url, local="127.0.0.2"))]
        await until(lambda: connected([other]) == 1, "the connection")
        crowd = await connect(stack, narrow.url, 20)
        await until(lambda: connected(crowd[:-4]) == 0, "the crowd to make room")
        await other.send("GET /healthz")
        assert (await other.answer())[0] == 200


async def test_live_streams_leave_room_for_requests(botyard: Botyard, ann: Client) -> None:
    botyard.services.traffic.stream_room = lambda: 2
    async with AsyncExitStack() as stack:
        for wire in await connect(stack, botyard.url, 2):
            await wire.send("GET /api/v1/events/", f"Authorization: Bearer {ann.key}")
            await wire.reader.readuntil(b"retry: 3000")
        answer = await ann.get("/api/v1/events/")
        assert (answer.status, answer.json["code"]) == (503, "busy")
        assert answer.headers["Retry-After"] == "10"
        assert (await ann.get(USER)).status == 200
        botyard.services.runner.events.close()


def _answered(botyard: Botyard) -> int:
    return sum(botyard.services.requests.answered.values())


async def test_requests_sent_ahead_end_with_their_client(botyard: Botyard) -> None:
    async with wire_to(botyard.url) as wire:
        await wire.send("GET /healthz")
        assert (await wire.answer())[0] == 200
        (connection,) = botyard.server._connections
        before = _answered(botyard)
        wire.writer.write(b"GET /rest-auth/user/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        await wire.writer.drain()
        await until(lambda: _answered(botyard) > before, "the first of them")
        connection.stream.close()  # as when the client has gone
        await until(lambda: not botyard.server._connections, "the end of the connection")
        served = _answered(botyard)
        assert served < before + 1000
    assert _answered(botyard) == served


async def _flood(url: str, ended: asyncio.Event) -> None:
    """Send requests ahead, without end."""
    request = b"GET /swagger/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with wire_to(url) as wire:
        reading = asyncio.create_task(wire.closed(), name="reader")
        try:
            while not ended.is_set():
                wire.writer.write(request * 100)
                await wire.writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        finally:
            reading.cancel()
            await asyncio.wait({reading})


async def test_a_flood_of_requests_does_not_keep_the_server_from_ending(
    tmp_path: Path, telegram: Sandbox
) -> None:
    ended = asyncio.Event()
    async with serving(tmp_path, telegram.url) as server:
        floods = [
            asyncio.create_task(_flood(server.url, ended), name=f"flood {n}") for n in range(4)
        ]
        await until(lambda: len(server.log) > 40, "the flood")
        assert await server.end(signal.SIGTERM) == 0
        ended.set()
        async with asyncio.timeout(DEADLINE):
            await asyncio.wait(floods)
        assert not [line for line in server.log if "aborting" in line or "Traceback" in line]


@pytest.mark.parametrize(
    "path",
    ["/swagger/", "/swagger/swagger-ui-bundle.js", "/swagger/swagger-ui.css", "/openapi.json"],
)
async def test_a_file_of_the_page_is_sent_once(anonymous: Client, path: str) -> None:
    first = await anonymous.get(path)
    again: Any = await anonymous.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status, again.status, again.text) == (200, 304, "")


async def test_a_part_of_a_file_of_the_page_can_be_asked_for(anonymous: Client) -> None:
    path = "/swagger/swagger-ui-bundle.js"
    whole = await anonymous.get(path)
    part: Any = await anonymous.get(path, headers={"Range": "bytes=65530-65549"})
    assert (part.status, part.text.encode()) == (206, whole.text.encode()[65530:65550])
    head = await anonymous.request("HEAD", path)
    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]
    assert head.headers["ETag"] == whole.headers["ETag"]


async def test_a_file_of_the_page_has_no_date_that_could_be_asked_for(anonymous: Client) -> None:
    since = {"If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}
    answer = await anonymous.get("/swagger/", headers=since)
    assert answer.status == 200
    assert "Last-Modified" not in answer.headers


async def test_a_file_that_nobody_reads_is_kept_in_memory_piece_by_piece(
    botyard: Botyard, anonymous: Client
) -> None:
    parts = urlsplit(anonymous.url)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, (parts.hostname, parts.port))
        own = deaf.getsockname()
        bundle = b"GET /swagger/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
        deaf.send(bundle * 6)  # the system takes the first for the client

        def unsent() -> int:
            """The bytes that wait for the client."""
            found = [one for one in botyard.server._connections if one.context.address[:2] == own]
            return len(found[0].stream._write_buffer) if found else 0

        await until(unsent, "an answer that is not read")
        assert unsent() <= 2 * PIECE
        async with asyncio.timeout(DEADLINE):
            await botyard.services.traffic.idle()  # a drain does not wait for it
