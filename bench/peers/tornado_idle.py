"""A Tornado server that does nothing: what a probe measures of the machine alone.

python -m bench.peers.tornado_idle PORT
"""

from __future__ import annotations

import asyncio
import signal
import sys

import tornado.web


class Health(tornado.web.RequestHandler):
    """Answers as Botyard's /healthz does."""

    def get(self) -> None:
        """It is alive."""
        self.write({"status": "ok"})


async def main(port: int) -> None:
    """Serve until the process is ended."""
    tornado.web.Application([(r"/healthz", Health)]).listen(port, "127.0.0.1")
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    await ending.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
