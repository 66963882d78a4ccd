"""Starts programs of the checkout as forks of itself: a program for tests.

What they import is imported here, once; a start then takes a twentieth of the time. A request is
one packet: JSON, as `become` reads it, and the file descriptors of the standard streams. The
answers are the process's number and, when it ends, its exit code, negative when a signal killed
it. The server ends when its own standard input does.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import runpy
import select
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PRELOADED = [
    "sandbox.app", "server.cli", "server.cli.demo", "server.lifecycle", "server.maintenance.doctor",
]  # fmt: skip
# of models.accounts.passwords: the least rounds, because tests register and log in all the time
CHEAP_BCRYPT = {
    "COST": 4, "_UNKNOWN_USER_HASH": "$2b$04$ABCDEFGHIJKLMNOPQRSTUuAcq3Njg9Yx/KDpXeqVAekjw4lCh/QVG",
}  # fmt: skip


def fork_on_request(listening: socket.socket) -> list[str]:
    """Answer requests. Returns only in a fork, with the command that the fork is to run."""
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    poll.register(listening, select.POLLIN)
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for file, _ in poll.poll():
            if file == 0:
                os._exit(0)
            if file != listening.fileno():
                poll.unregister(file)
                pid, connection = running.pop(file)
                os.close(file)
                _, status = os.waitpid(pid, 0)
                answer(connection, os.waitstatus_to_exitcode(status))
                connection.close()
                continue
            connection, _ = listening.accept()
            packet, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
            if (pid := os.fork()) == 0:
                return become(json.loads(packet), streams)
            for stream in streams:
                os.close(stream)
            ended = os.pidfd_open(pid)
            running[ended] = (pid, connection)
            poll.register(ended, select.POLLIN)
            answer(connection, pid)


def answer(connection: socket.socket, number: int) -> None:
    """Send a number; whoever asked may be gone."""
    with suppress(OSError):
        connection.send(str(number).encode())


def become(request: dict[str, Any], streams: list[int]) -> list[str]:
    """Become a new process: its streams, session, limits and environment; what it is to run."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.setsid()
    if (umask := request["umask"]) is not None:
        os.umask(umask)
    if (most := request["open_files"]) is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    command: list[str] = request["command"]
    return command


def main(listening: socket.socket) -> None:
    """Import what the programs need, and fork on request."""
    os.chdir(ROOT)
    sys.path[0] = str(ROOT)
    for name in PRELOADED:
        importlib.import_module(name)
    vars(importlib.import_module("models.accounts.passwords")).update(CHEAP_BCRYPT)
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork has one thread"
    what, *arguments = fork_on_request(listening)
    if what == "-m":
        sys.argv = arguments
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [what, *arguments]
        runpy.run_path(what, run_name="__main__")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
