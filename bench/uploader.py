"""Uploads files to bots, one after another over one connection.

    python -m bench.uploader PORT BYTES OUTPUT_FILE BOT...

The value of the header Authorization is in the variable BENCH_AUTHORIZATION. At the end it writes
a JSON array: the seconds that each upload took.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

import orjson

_BOUNDARY = "a-boundary-of-the-bench"
_HEAD = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="film.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
_TAIL = f"\r\n--{_BOUNDARY}--\r\n".encode()


def main() -> None:
    """Upload a file to each bot.

    Raises:
        RuntimeError: an upload was refused.
    """
    port, size, output, bots = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {
        "Authorization": os.environ["BENCH_AUTHORIZATION"],
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
    }
    rest = os.urandom(size)
    taken = []
    for bot in bots:
        body = b"".join([_HEAD, bot.zfill(8).encode(), rest[8:], _TAIL])  # each another file
        began = time.monotonic()
        connection.request("POST", f"/api/v1/telegram_data/{bot}/media/", body, headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 201:
            raise RuntimeError(
                f"the upload to bot {bot} was answered with {answer.status}: {told!r}"
            )
        taken.append(time.monotonic() - began)
    output.write_bytes(orjson.dumps(taken))


if __name__ == "__main__":
    main()
