"""A private PostgreSQL server for the tests, from the machine's own binaries."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))


def binary(name: str) -> str:
    """Where one of PostgreSQL's programs is."""
    found = shutil.which(
        name, path=os.pathsep.join([*map(str, reversed(_DEBIAN)), *os.get_exec_path()])
    )
    assert found, f"{name} is missing: apt-get install postgresql"
    return found


def free_port() -> int:
    """A port that nobody listens on, for programs that have to be told one.

    It is none of those that the kernel hands out, and no other test gets it while this process
    runs: so it is still free when it is used, and when it is used again after a restart.
    """
    for port in random.sample(range(20000, 32000), 1000):
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0botyard-test-port-{port}")  # a name that goes with the process
            with socket.create_server(("127.0.0.1", port)):
                pass
        except OSError:
            mark.close()
            continue
        mark.detach()  # it stays open
        return port
    raise AssertionError("no port is free")


@dataclass
class PostgreSQL:
    """A server in a folder of its own.

    Args:
        folder: empty; it belongs to the server's user, because PostgreSQL refuses to be root.
        durable: whether commits reach the disk; tests are faster without.
        settings: more settings, each `name=value`.
    """

    folder: Path
    durable: bool = False
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.port = free_port()
        self._data = self.folder / "data"
        self._options: dict[str, object] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            self._options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            shutil.chown(self.folder, account.pw_uid, account.pw_gid)

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, cwd=self.folder, capture_output=True, **self._options)  # type: ignore[call-overload]

    def create(self) -> None:
        """Make the server's files."""
        self._run(
            binary("initdb"), "-D", str(self._data), "-U", "botyard", "-A", "trust", "--no-sync",
            "-E", "UTF8", "--locale=C.UTF-8",
        )  # fmt: skip

    def follow(self, url: str) -> None:
        """Make this server's files a copy of a running server's; started, it is its standby.

        Args:
            url: of the other one, which it will follow by this address.
        """
        self._run(
            binary("pg_basebackup"), "-D", str(self._data), "-d", url, "-R", "-X", "stream",
            "-c", "fast", "--no-sync",
        )  # fmt: skip

    def promote(self) -> None:
        """Make a standby a primary, and wait until it accepts writes."""
        self._run(binary("pg_ctl"), "-D", str(self._data), "-w", "promote")

    def start(self) -> None:
        """Start, and wait until it answers."""
        sync = "" if self.durable else "-c fsync=off -c synchronous_commit=off"
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c max_connections=200 {sync}"
        options += "".join(f" -c {setting}" for setting in self.settings)
        self._run(
            binary("pg_ctl"), "-D", str(self._data), "-o", options, "-l",
            str(self.folder / "log"), "-w", "-t", "60", "start",
        )  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is what a crash looks like."""
        self._run(binary("pg_ctl"), "-D", str(self._data), "-m", mode, "-w", "stop")

    def is_running(self) -> bool:
        """Return True unless it was stopped, or never started."""
        return (self._data / "postmaster.pid").exists()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the postmaster, and to no session."""
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), number)

    def url(self, database: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://botyard@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement outside of every transaction; the rows that it returns."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []
