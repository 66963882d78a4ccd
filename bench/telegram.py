"""A stand-in for the Bot API that costs far less CPU than any program it is polled by.

It speaks just enough HTTP/1.1 (keep-alive, Content-Length) over raw asyncio protocols. It also
makes the load, so that a message begins and ends on the same clock: under /control/ bots are
made, messages are injected and answers are counted. Run it as

    python -m bench.telegram PORT_FILE

It writes the port it was given into PORT_FILE and serves on 127.0.0.1 until it is ended.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from bench.figures import percentile
from bench.telegram_state import Bot, JSONObject, Telegram

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")


class Control:
    """What the benchmark asks of the stand-in, under /control/<name>."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self.calls: dict[str, Callable[[JSONObject], JSONObject]] = {
            "reset": lambda params: {"tokens": telegram.reset(params["bots"])},
            "load": self._load,
            "inject": self._inject,
            "begin": self._begin,
            "window": self._window,
            "handed": lambda _: {"handed": list(telegram.handed.items())},
            "state": self._state,
            "sent": self._sent,
            "delay": self._delay,
            "polled": self._polled,
        }

    def _load(self, params: JSONObject) -> JSONObject:
        mode = params.pop("mode")
        telegram = self._telegram
        start = {"closed": telegram.start_closed, "rate": telegram.start_rate}
        start.get(mode, telegram.stop_load)(**params)
        return {}

    def _inject(self, params: JSONObject) -> JSONObject:
        bot = self._telegram.bots[params["bot"]]
        for number in range(params["messages"]):
            self._telegram.inject(self._telegram.chat(bot, 100 + number))
        return {}

    def _begin(self, _: JSONObject) -> JSONObject:
        self._telegram.window, self._telegram.handed = [], {}
        self._telegram.window_start = time.monotonic_ns()
        return {}

    def _window(self, _: JSONObject) -> JSONObject:
        seconds = (time.monotonic_ns() - self._telegram.window_start) / 1e9
        times = sorted(self._telegram.window)
        answer: JSONObject = {"seconds": seconds, "answered": len(times)}
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            answer[f"{name}_ms"] = percentile(times, share) / 1e6 if times else None
        return answer

    def _state(self, _: JSONObject) -> JSONObject:
        telegram = self._telegram
        return {
            "parked": telegram.parked,
            "injected": telegram.injected,
            "answered": telegram.answered,
            "wrong": telegram.wrong,
            "requests": telegram.requests,
        }

    def _sent(self, params: JSONObject) -> JSONObject:
        sends = self._telegram.bots[params["bot"]].sends
        late = [moment - params["after"] for moment in sends if moment > params["after"]]
        return {"count": len(late), "latest_ms": max(late, default=0) / 1e6}

    def _delay(self, params: JSONObject) -> JSONObject:
        self._telegram.delay = params["seconds"]
        return {}

    def _polled(self, params: JSONObject) -> JSONObject:
        """Of some bots, those that have polled after a moment, and when they first did."""
        after = params["after"]
        moments = [self._telegram.bots[index].polled_since(after) for index in params["bots"]]
        times = sorted(moment - after for moment in moments if moment)
        answer: JSONObject = {"count": len(times)}
        for name, share in (("first", 0.0), ("p50", 0.5), ("last", 1.0)):
            answer[f"{name}_s"] = percentile(times, share) / 1e9 if times else None
        return answer


class Connection(asyncio.Protocol):
    """One connection; requests on it come one after another."""

    def __init__(self, telegram: Telegram, control: Control) -> None:
        self._telegram = telegram
        self._control = control
        self._transport: Any = None
        self._rest = b""
        self.parked: Bot | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """A poll that was held on it is over."""
        if self.parked is not None and self.parked.waiter is self:
            self._telegram.forget(self.parked)

    def data_received(self, data: bytes) -> None:
        """Take the whole requests out of what has come so far."""
        if self._rest:
            data = self._rest + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end]
            if _CHUNKED.search(head):
                self.answer_error(501, "chunked bodies are not spoken here")
                self._transport.close()
                return
            found = _LENGTH.search(head)
            until = end + 4 + (int(found[1]) if found else 0)
            if len(data) < until:
                break
            body, data = data[end + 4 : until], data[until:]
            self._request(head, body)
        self._rest = data

    def _request(self, head: bytes, body: bytes) -> None:
        target = head.split(b" ", 2)[1].decode()
        path, _, query = target.partition("?")
        params: JSONObject = dict(parse_qsl(query)) if query else {}
        if body:
            is_json = body.startswith(b"{")
            params.update(orjson.loads(body) if is_json else parse_qsl(body.decode()))
        _, place, method = path.split("/", 2)
        if place == "control":
            self.answer(orjson.dumps(self._control.calls[method](params)))
            return
        self._telegram.requests += 1
        bot = self._telegram.by_token.get(place[3:])
        if bot is None:
            self.answer_error(401, "Unauthorized")
        elif delay := self._telegram.delay:
            call = (self._call, bot, method.lower(), params)
            self._telegram.loop.call_later(delay, self._unless_closed, *call)
        else:
            self._call(bot, method.lower(), params)

    def _unless_closed(self, call: Callable[..., None], *arguments: Any) -> None:
        if not self._transport.is_closing():  # else the program was killed meanwhile
            call(*arguments)

    def _call(self, bot: Bot, method: str, params: JSONObject) -> None:
        if method == "getupdates":
            self._telegram.get_updates(bot, self, params)
        elif method == "sendmessage":
            self._answer_result(self._telegram.send_message(bot, params))
        elif method == "getme":
            self._answer_result(bot.me)
        elif method == "getwebhookinfo":
            info = {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
            self._answer_result(info)
        elif method in ("deletewebhook", "sendchataction", "setmycommands"):
            self._answer_result(True)
        else:
            self.answer_error(404, "Not Found: method not found")

    def answer_updates(self, raws: list[bytes]) -> None:
        """Answer a getUpdates."""
        self.answer(b'{"ok":true,"result":[%b]}' % b",".join(raws))

    def _answer_result(self, result: Any) -> None:
        self.answer(b'{"ok":true,"result":%b}' % orjson.dumps(result))

    def answer_error(self, status: int, description: str) -> None:
        """Answer as Telegram does when something is wrong."""
        body = {"ok": False, "error_code": status, "description": description}
        self.answer(orjson.dumps(body), b"%d Error" % status)

    def answer(self, body: bytes, status: bytes = b"200 OK") -> None:
        """Write one answer."""
        self._transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(body), body)
        )


async def serve(port_file: Path) -> None:
    """Listen on a free port of 127.0.0.1 and write it into a file."""
    telegram = Telegram()
    control = Control(telegram)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(telegram, control), "127.0.0.1", 0, backlog=4096
    )
    new = port_file.with_suffix(".new")
    new.write_text(str(server.sockets[0].getsockname()[1]))
    new.rename(port_file)
    await server.serve_forever()


def main() -> None:
    """Serve until the process is ended."""
    try:
        from uvloop import run  # noqa: PLC0415 - faster, not needed
    except ImportError:
        from asyncio import run  # noqa: PLC0415
    run(serve(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
