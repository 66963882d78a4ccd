"""One server a data folder, and none while what is in the folder is replaced."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

NAME = "server.lock"


class FolderInUse(Exception):
    """Another program holds the folder; the text says which."""


@contextmanager
def holding(*folders: Path) -> Iterator[None]:
    """Hold folders of an installation; the locks end with the process, however that ends.

    Raises:
        FolderInUse: a server runs on one of them, or is being maintained.
    """
    with ExitStack() as held:
        for folder in sorted({folder.resolve() for folder in folders}):
            held.enter_context(_holding(folder))
        yield


@contextmanager
def _holding(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 20).decode(errors="replace").strip()
            raise FolderInUse(
                f"a server runs on {folder}" + (f" (process {pid})" if pid else "")
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
