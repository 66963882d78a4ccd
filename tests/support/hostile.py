"""A Bot API that means harm, byte for byte, on a real socket."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

Writer = asyncio.StreamWriter
Params = dict[str, Any]
Reply = Callable[[Writer, Params], Awaitable[None]]  # what was asked beside the writer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class HostileApi:
    """Answers what it is asked as its `replies` say, by method; else as the Bot API would.

    Attributes:
        replies: what writes the answer, by method of the Bot API.
        calls: how often each method was called.
        times: when each method was called, as the event loop counts time.
        sent: the texts of sendMessage.
    """

    def __init__(self) -> None:
        self.url = ""
        self.replies: dict[str, Reply] = {}
        self.calls: Counter[str] = Counter()
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.sent: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Serve one connection until the other side has had enough."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # asyncio's streams would report a connection's task that was cancelled
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        body = await reader.readexactly(int(lines.get("content-length", 0)))
        path = head.split(" ", 2)[1]
        method, bot_id = path.rpartition("/")[2], path.removeprefix("/bot").partition(":")[0]
        self.calls[method] += 1
        self.times[method].append(asyncio.get_running_loop().time())
        params: Params = json.loads(body) if body else {}
        if method == "sendMessage":
            self.sent.append(params["text"])
        reply = self.replies.get(method)
        if reply is not None:
            await reply(writer, params)
        elif method == "getUpdates":
            await asyncio.sleep(3600)  # as long as a poll may want
        else:
            me = {"id": int(bot_id), "is_bot": True, "first_name": "X", "username": "x_bot"}
            await whole(json.dumps({"ok": True, "result": me}).encode())(writer, params)

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def hostile_api() -> AsyncIterator[HostileApi]:
    """One on a free port."""
    api = HostileApi()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield api
    server.close()
    await api.close()


def whole(body: bytes, *headers: str) -> Reply:
    """Answer with a body, decently."""

    async def reply(writer: Writer, _: Params) -> None:
        extra = "".join(f"{header}\r\n" for header in headers).encode()
        writer.write(HEAD + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return reply


def raw(answer: bytes) -> Reply:
    """Write bytes as they are, and hang up."""

    async def reply(writer: Writer, _: Params) -> None:
        writer.write(answer)
        await writer.drain()
        raise ConnectionResetError

    return reply


def trickle(pause: float, *, first: bytes = HEAD + b"Content-Length: 100000\r\n\r\n") -> Reply:
    """Answer a byte at a time, for ever.

    Args:
        pause: seconds between two bytes.
        first: what comes at once.
    """

    async def reply(writer: Writer, _: Params) -> None:
        writer.write(first)
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(pause)

    return reply


class Endless:
    """Answers for ever, as fast as it is read.

    Attributes:
        sent: how many bytes it got rid of.
    """

    def __init__(self, piece: bytes = b" " * 65536, *headers: str) -> None:
        self.sent = 0
        self._piece = piece
        self._head = HEAD + "".join(f"{header}\r\n" for header in headers).encode()

    async def __call__(self, writer: Writer, _: Params) -> None:
        writer.write(self._head + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (len(self._piece), self._piece)
        for _ in itertools.count():
            writer.write(chunk)
            await writer.drain()
            self.sent += len(self._piece)


def result(value: Any) -> bytes:
    """A value as the result of a call that went well; whatever JSON can hold."""
    return json.dumps({"ok": True, "result": value}).encode()


class Feed:
    """Answers getUpdates with what is put into it, a batch at a time, and then with nothing.

    Attributes:
        again: what is answered at once to every poll; None for what was put in.
    """

    def __init__(self) -> None:
        self.again: bytes | None = None
        self._batches: deque[bytes] = deque()
        self._news = asyncio.Event()

    def put(self, *updates: Any) -> None:
        """Have a batch answered."""
        self._batches.append(result(list(updates)))
        self._news.set()

    async def __call__(self, writer: Writer, params: Params) -> None:
        if self.again is not None and params["timeout"]:
            await whole(self.again)(writer, params)
            return
        if not self._batches:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(params["timeout"]):
                    await self._news.wait()
        # who only looks whether polling is allowed confirms nothing, and is to get nothing
        take = self._batches and params["timeout"]
        await whole(self._batches.popleft() if take else result([]))(writer, params)


def failure(status: int, description: str = "x", **fields: Any) -> Reply:
    """Answer with an error of the Bot API."""
    answer = {"ok": False, "error_code": status, "description": description} | fields
    body = json.dumps(answer).encode()

    async def reply(writer: Writer, _: Params) -> None:
        head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        writer.write(head + body)
        await writer.drain()

    return reply
