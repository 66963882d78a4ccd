"""One server an installation, and none while a command needs it alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from models.engine import file_locks
from models.engine.locks import exclusive
from models.errors import DatabaseInUse
from server.config import Config

NAME = "server.lock"


class FolderInUse(Exception):
    """Another program holds the folder; the text says which."""


IN_USE = (FolderInUse, DatabaseInUse)  # what `maintaining` raises


@contextmanager
def maintaining(config: Config, *, shared: bool = False) -> Iterator[None]:
    """Have an installation alone: its folders, and its database.

    Args:
        shared: whether others may do so at the same time, but no server.

    Raises:
        FolderInUse, DatabaseInUse: a server runs on it, or it is being maintained.
    """
    there = [folder for folder in config.folders if folder.is_dir()]  # nobody runs on the others
    with holding(*there, shared=shared), exclusive(config.database_address, shared=shared):
        yield


@contextmanager
def holding(*folders: Path, shared: bool = False) -> Iterator[None]:
    """Hold folders of an installation; the locks end with the process, however that ends.

    Args:
        shared: as for `maintaining`.

    Raises:
        FolderInUse: a server runs on one of them, or is being maintained.
    """
    with ExitStack() as held:
        for folder in sorted({folder.resolve() for folder in folders}):
            held.enter_context(_holding(folder, shared=shared))
        yield


@contextmanager
def _holding(folder: Path, *, shared: bool) -> Iterator[None]:
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"a server runs on {folder}{_who(descriptor, folder)}") from None
        os.ftruncate(descriptor, 0)
        if not shared:
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _who(descriptor: int, folder: Path) -> str:
    """In brackets: the process that says so in the file, unless the kernel names another one."""
    told = os.read(descriptor, 20).decode(errors="replace").strip()
    pid = file_locks.holder(descriptor, "FLOCK")
    if pid is None or str(pid) == told:
        return f" (process {told})" if told else ""
    return f" ({NAME} is locked by {file_locks.described(pid, folder / NAME)})"
