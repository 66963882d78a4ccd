"""Processes of the checkout's programs that start at once, as forks of one that has imported all.

The imports are most of what a short command costs, and the suite runs hundreds of them. What
depends on a fresh interpreter starts one: tests/docs with every command of an operator, and
tests/process/test_process.py with a server.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PROGRAM = Path(__file__).parent.parent / "programs" / "fork_server.py"


@dataclass
class Fork:
    """A process; like asyncio's, as far as tests use it."""

    pid: int
    _connection: socket.socket
    returncode: int | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        asyncio.get_running_loop().add_reader(self._connection, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._connection)
        self.returncode = int(self._connection.recv(64))
        self._connection.close()
        self._ended.set()

    async def wait(self) -> int:
        """Wait for the end; the exit code, negative when killed by a signal."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that others are forks of; it starts with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def _start(self) -> None:
        self._listening.bind("")  # a free name, which goes with the process
        self._listening.listen(100)
        number = self._listening.fileno()
        self._process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(number)],
            pass_fds=[number], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    async def fork(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        streams: tuple[int, int, int],
        open_files: int | None = None,
        umask: int | None = None,
    ) -> Fork:
        """Start a program.

        Args:
            command: what follows `python` on a command line: -m and a module, or a file.
            streams: its standard streams.
            open_files: how many it may have; None for as many as the tests.
            umask: None for that of the tests.
        """
        if self._process is None:
            self._start()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(self._listening.getsockname())
        request = {
            "command": list(command), "env": dict(env), "open_files": open_files, "umask": umask,
        }  # fmt: skip
        socket.send_fds(connection, [json.dumps(request).encode()], streams)
        connection.setblocking(False)
        pid = await asyncio.get_running_loop().sock_recv(connection, 64)
        return Fork(int(pid), connection)

    def close(self) -> None:
        """End it; its forks have ended."""
        self._listening.close()
        if self._process is not None:
            self._process.communicate()


fork_server = ForkServer()
