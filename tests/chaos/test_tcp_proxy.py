"""The proxy forwards, and on command holds, delays and cuts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import psycopg
import pytest
from support.client import until
from support.postgresql import PostgreSQL
from support.tcp_proxy import TcpProxy

QUIET = 0.2  # seconds in which nothing must come


@dataclass
class Echo:
    """A server that repeats what it receives."""

    received: bytearray = field(default_factory=bytearray)
    ended: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while data := await reader.read(65536):
                self.received += data
                writer.write(data)
                await writer.drain()
            self.ended.append("closed")
        except ConnectionResetError:
            self.ended.append("reset")
        finally:
            writer.close()


@pytest.fixture
async def echo() -> Echo:
    """What the server has seen."""
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[TcpProxy]:
    """A proxy before the server."""
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    made = TcpProxy("127.0.0.1", server.sockets[0].getsockname()[1])
    await made.open()
    yield made
    await made.close()
    server.close()
    await server.wait_closed()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def streams(proxy: TcpProxy) -> AsyncIterator[Streams]:
    """A connection through it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield reader, writer
    writer.close()


async def nothing_comes(reader: asyncio.StreamReader) -> None:
    """See that nothing arrives for a while."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), QUIET)


async def test_it_forwards_both_ways(streams: Streams) -> None:
    reader, writer = streams
    data = bytes(range(256)) * 4096
    writer.write(data)
    assert await reader.readexactly(len(data)) == data
    writer.write_eof()
    assert await reader.read() == b""


async def test_a_black_hole_accepts_bytes_and_gives_them_back_when_it_heals(
    proxy: TcpProxy, streams: Streams, echo: Echo
) -> None:
    reader, writer = streams
    proxy.black_hole()
    for _ in range(100):
        writer.write(b"x" * 65536)
        await asyncio.wait_for(writer.drain(), 5)
    await nothing_comes(reader)
    assert not echo.received
    proxy.heal()
    assert len(await reader.readexactly(100 * 65536)) == 100 * 65536


async def test_one_direction_can_be_black(proxy: TcpProxy, streams: Streams, echo: Echo) -> None:
    reader, writer = streams
    proxy.black_hole("to_client")
    writer.write(b"hello")
    await until(lambda: echo.received == b"hello")
    await nothing_comes(reader)
    proxy.heal()
    assert await reader.readexactly(5) == b"hello"


async def test_what_was_sent_before_a_close_in_a_black_hole_is_lost(
    proxy: TcpProxy, streams: Streams, echo: Echo
) -> None:
    proxy.black_hole()
    streams[1].write(b"late")
    streams[1].close()
    await until(lambda: proxy.abandoned)
    proxy.heal()
    await until(lambda: echo.ended)
    assert not echo.received


async def test_a_delay_holds_each_byte_equally_long(proxy: TcpProxy, streams: Streams) -> None:
    reader, writer = streams
    proxy.delay(0.25)
    began = time.monotonic()
    for number in range(5):
        writer.write(b"%d" % number)
        await writer.drain()
        await asyncio.sleep(0.02)
    assert await reader.readexactly(5) == b"01234"
    assert 0.5 <= time.monotonic() - began < 1.2, "half of it each way, and once"


async def test_a_cut_resets_both_ends(proxy: TcpProxy, streams: Streams, echo: Echo) -> None:
    reader, writer = streams
    writer.write(b"x")
    await reader.readexactly(1)
    assert proxy.cut() == 1
    with pytest.raises(ConnectionResetError):
        await reader.read()
    await until(lambda: echo.ended == ["reset"])
    await until(lambda: proxy.connections == 0)


async def test_a_connection_after_a_cut_is_forwarded(proxy: TcpProxy) -> None:
    proxy.cut()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"again")
    assert await reader.readexactly(5) == b"again"
    writer.close()


async def test_nobody_behind_it_is_a_reset() -> None:
    proxy = TcpProxy("127.0.0.1", 9)
    await proxy.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    await proxy.close()


async def test_a_session_of_postgresql_waits_in_a_black_hole_and_dies_of_a_cut(
    postgresql: PostgreSQL,
) -> None:
    proxy = TcpProxy("127.0.0.1", postgresql.port)
    await proxy.open()
    url = postgresql.url().replace(f":{postgresql.port}/", f":{proxy.port}/")
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    proxy.black_hole("to_server")
    asked = asyncio.create_task(connection.execute("SELECT 1"))
    done, _ = await asyncio.wait([asked], timeout=QUIET)
    assert not done
    proxy.heal()
    assert await (await asked).fetchone() == (1,)
    proxy.cut()
    with pytest.raises(psycopg.OperationalError):
        await connection.execute("SELECT 1")
    await connection.close()
    await proxy.close()
