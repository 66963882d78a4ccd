"""A TCP proxy between a program and a server, which on command does what a bad network does.

It runs in the loop of the test. Both directions of a connection are a queue of what was received
and when; a black hole lets the queue grow, a delay lets it wait, a cut throws it away.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["to_server", "to_client"]
BOTH: tuple[Direction, Direction] = ("to_server", "to_client")

_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST, and drop what was not sent
_END = b""


@dataclass(eq=False)
class _Way:
    """One direction of one connection."""

    direction: Direction
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: asyncio.Queue[tuple[float, bytes]] = field(default_factory=asyncio.Queue)
    ended: bool = False  # the sender has closed

    async def receive(self) -> None:
        """Accept whatever comes, and when."""
        clock = asyncio.get_running_loop().time
        data = None
        while data != _END:
            try:
                data = await self.reader.read(_CHUNK)
            except OSError:
                data = _END
            self.ended = data == _END
            self.received.put_nowait((clock(), data))


class TcpProxy:
    """Accepts connections on a free port of 127.0.0.1, and forwards them.

    Args:
        host, port: the server; it need not listen yet, and may come and go.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._server: asyncio.Server | None = None
        self._passing = {direction: asyncio.Event() for direction in BOTH}
        self._delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ways: set[_Way] = set()

    async def open(self) -> None:
        """Begin to accept."""
        self.heal()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._tasks)

    @property
    def abandoned(self) -> int:
        """How many open connections one end has closed already."""
        return sum(way.ended for way in self._ways)

    async def close(self) -> None:
        """Stop to accept, and cut what is open."""
        assert self._server is not None
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    # what a bad network does

    def black_hole(self, *directions: Direction) -> None:
        """Accept bytes, and forward none, in both directions or in one."""
        for direction in directions or BOTH:
            self._passing[direction].clear()

    def delay(self, seconds: float) -> None:
        """Forward everything later by so many seconds."""
        self._delay = seconds

    def heal(self) -> None:
        """Forward everything at once again, with what was held.

        What a program sent that has closed its connection meanwhile is lost.
        """
        self._delay = 0.0
        for passing in self._passing.values():
            passing.set()

    def cut(self) -> int:
        """Reset all connections, and say how many there were; new ones are accepted."""
        count = len(self._tasks)
        for writer in list(self._writers):
            _reset(writer)
        for task in list(self._tasks):
            task.cancel()
        return count

    # forwarding

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        opened = {writer}
        self._writers.add(writer)
        try:
            onward_reader, onward = await asyncio.open_connection(*self._upstream)
            opened.add(onward)
            self._writers.add(onward)
            await self._forward(
                _Way("to_server", reader, onward), _Way("to_client", onward_reader, writer)
            )
        except OSError:  # nobody listens, or an end was reset: both ends learn it
            for each in opened:
                _reset(each)
        except asyncio.CancelledError:  # cut; Python 3.11's streams log a cancelled connection
            for each in opened:
                _reset(each)
        finally:
            self._tasks.discard(task)
            self._writers -= opened
            for each in opened:
                each.close()

    async def _forward(self, *ways: _Way) -> None:
        self._ways |= set(ways)
        receiving = [asyncio.create_task(way.receive(), name="proxy-receive") for way in ways]
        try:
            async with asyncio.TaskGroup() as group:
                for way in ways:
                    group.create_task(self._send(way), name="proxy-send")
        except* OSError as failed:
            raise failed.exceptions[0] from None
        finally:
            self._ways -= set(ways)
            for task in receiving:
                task.cancel()
            await asyncio.gather(*receiving, return_exceptions=True)

    async def _send(self, way: _Way) -> None:
        """Forward one direction until its end."""
        clock = asyncio.get_running_loop().time
        passing = self._passing[way.direction]
        data = None
        while data != _END:
            at, data = await way.received.get()
            while (wait := at + self._delay - clock()) > 0:
                await asyncio.sleep(min(wait, 0.05))  # the delay may end earlier
            if not passing.is_set():
                await passing.wait()
                if way.ended:
                    raise ConnectionResetError("closed while nothing was forwarded")
            if data != _END:
                way.writer.write(data)
                await way.writer.drain()
        if way.writer.can_write_eof():
            with suppress(OSError):
                way.writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
