"""The lock on an installation: one server, and none while a command needs it alone.

It has two parts, because neither is enough:
- A flock(2) on server.lock in each folder. It covers an installation whose database is not made
  yet, and a restore, which replaces the database's file and with it whatever lock that carries.
- The database's own (`models.engine.locks`). It covers servers with other data folders and, on
  SQLite, other names of the file.

A server holds the second part by its database's writing connection, which has to take it again
when it was lost; a command holds both here.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from models.cluster.living import living
from models.engine import file_locks
from models.engine.locks import exclusive, is_held
from models.errors import DatabaseInUse
from server.config import Config

NAME = "server.lock"


class FolderInUse(Exception):
    """Another program holds the folder; the text names it."""


class ServersRun(FolderInUse):
    """Several servers run on the database; the text counts and names them."""


IN_USE = (FolderInUse, DatabaseInUse)  # raised when the lock is held by somebody else


class InstallationLock:
    """The lock on one installation; it ends with the process, however that ends.

    Args:
        config: the settings that name its folders and its database.
        shared: let other holders of a shared lock in, but no server.
    """

    def __init__(self, config: Config, *, shared: bool = False) -> None:
        self._config = config
        self._shared = shared

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folders and the database.

        Raises:
            FolderInUse, DatabaseInUse: a server or a command holds one of them.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.folders())
                held.enter_context(exclusive(self._config.direct_address, shared=self._shared))
            except IN_USE as error:
                if len(names := living_servers(self._config)) > 1:
                    raise ServersRun(f"{len(names)} servers run ({', '.join(names)})") from error
                raise
            yield

    @contextmanager
    def folders(self) -> Iterator[None]:
        """Hold the folders alone; one that does not exist is used by nobody.

        Raises:
            FolderInUse: a server or a command holds one of them.
        """
        with ExitStack() as held:
            for folder in sorted({folder.resolve() for folder in self._config.folders}):
                if folder.is_dir():
                    held.enter_context(self._folder(folder))
            yield

    @contextmanager
    def server(self) -> Iterator[str]:
        """Hold what a server holds; its database is not included.

        Servers on one PostgreSQL database may share a folder, and each of them has a lock of its
        own there, by its name.

        Returns:
            The file of that lock, by device and number: whoever holds it later, on the same boot of
            the same machine, knows that this process is dead. Empty for SQLite.

        Raises:
            FolderInUse: a command, or another server, holds one of the folders or the name.
        """
        if self._config.sqlite_file is not None:
            with self.folders():
                yield ""
            return
        shared = InstallationLock(self._config, shared=True)
        with shared.folders(), self._folder(self._config.folders[0], self._own_name) as descriptor:
            status = os.fstat(descriptor)
            yield f"{status.st_dev}:{status.st_ino}"

    @property
    def _own_name(self) -> str:
        return f"server-{re.sub(r'[^A-Za-z0-9.-]', '_', self._config.shown_name)}.lock"

    @contextmanager
    def _folder(self, folder: Path, name: str = NAME) -> Iterator[int]:
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        mode = fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX
        try:
            try:
                fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _describe_holder(descriptor, folder / name)
                what = str(folder) if name == NAME else f"{folder} with the same name"
                raise FolderInUse(f"a server runs on {what}{holder}") from None
            os.ftruncate(descriptor, 0)
            if not self._shared:
                os.write(descriptor, f"{os.getpid()}\n".encode())
            yield descriptor
        finally:
            os.close(descriptor)


def boot_id() -> str:
    """Return the id of the start of this machine's kernel; empty where it is not known."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def living_servers(config: Config) -> list[str]:
    """Return the names of the servers that run on a PostgreSQL database; nothing for SQLite.

    Raises:
        StorageUnavailable: the database cannot be reached.
    """
    return living(config.direct_address) if config.sqlite_file is None else []


def server_process(config: Config) -> str | None:
    """Return a description of the server of an installation, such as "process 123".

    Nothing is locked by the question.

    Returns:
        None if no server runs, nor a command that needs the installation alone.

    Raises:
        StorageUnavailable: the database cannot be reached.
    """
    if not config.has_database() or not is_held(config.direct_address):
        return None
    if named := processes_here(config):
        return named
    for folder in config.folders:
        with suppress(OSError):  # there is none, or it is another user's
            descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if told := _describe_holder(descriptor, folder / NAME):
                    return told.strip(" ()")
            finally:
                os.close(descriptor)
    return "another process"


def processes_here(config: Config) -> str:
    """Return the servers on PostgreSQL with this data folder, such as "process 1, process 2"."""
    pids = {pid for folder in config.folders for pid in _named_holders(folder)}
    return ", ".join(f"process {pid}" for pid in sorted(pids))


def _named_holders(folder: Path) -> set[int]:
    """Return the servers that share a folder; each holds the lock of its own name."""
    found: set[int] = set()
    for path in folder.glob("server-*.lock"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                pid = file_locks.holder(descriptor, "FLOCK")
            finally:
                os.close(descriptor)
            found.update([] if pid is None else [pid])
    return found


def _describe_holder(descriptor: int, file: Path) -> str:
    """In brackets: the process that the file names, unless the kernel names another one."""
    written = os.read(descriptor, 20).decode(errors="replace").strip()
    pid = file_locks.holder(descriptor, "FLOCK")
    if pid is None or str(pid) == written:
        return f" (process {written})" if written else ""
    return f" ({file.name} is locked by {file_locks.described(pid, file)})"
