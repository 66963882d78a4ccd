"""Reads the live events of an account, and notes when each message of a person came.

    python -m bench.event_reader PORT OUTPUT_FILE

The value of the header Authorization is in the variable BENCH_AUTHORIZATION. Once the stream is
open, it makes a file beside OUTPUT_FILE with the ending .open. On SIGTERM it writes a JSON object:
`came`, a list of [Telegram's id of the message, moment], and `resets`, how often events were
missed; moments are of `time.monotonic_ns`.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import orjson

_MESSAGE, _RESET, _DATA = b"event: message\n", b"event: reset\n", b"data: "


class _Ended(Exception):
    pass


def _end(_: int, __: FrameType | None) -> None:
    raise _Ended


def main() -> None:
    """Read until SIGTERM.

    Raises:
        RuntimeError: the stream was refused, or it ended.
    """
    port, output = int(sys.argv[1]), Path(sys.argv[2])
    signal.signal(signal.SIGTERM, _end)
    came: list[tuple[int, int]] = []
    resets = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": os.environ["BENCH_AUTHORIZATION"]}
        connection.request("GET", "/api/v1/events/", headers=headers)
        stream = connection.getresponse()
        if stream.status != 200:
            raise RuntimeError(f"the stream was answered with {stream.status}")
        output.with_suffix(".open").touch()
        is_message = False
        while line := stream.readline():
            if line.startswith(_DATA):
                moment = time.monotonic_ns()
                if is_message:
                    row = orjson.loads(line[len(_DATA) :])["message"]
                    if row["direction"] == "in":
                        came.append((row["telegram_message_id"], moment))
            elif line.startswith(b"event: "):
                is_message = line == _MESSAGE
                resets += line == _RESET
        raise RuntimeError("the stream ended")
    except _Ended:
        output.write_bytes(orjson.dumps({"came": came, "resets": resets}))


if __name__ == "__main__":
    main()
