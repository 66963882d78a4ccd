"""File locks: waiting with a time limit, and finding the process that holds a lock.

Any user who can open a file for reading can lock it. So a wait needs a limit, and a refusal names
the holder.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

WAIT = 10.0  # seconds to wait for a lock that others hold during a migration
_EVERY = 0.02  # seconds between two attempts

Kind = Literal["FLOCK", "OFDLCK"]  # as /proc/locks has it (proc_locks(5))


def take(descriptor: int) -> bool:
    """Lock a file exclusively with flock(2); return False if another process keeps the lock."""
    until = time.monotonic() + WAIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_EVERY)
        else:
            return True


def holder(descriptor: int, kind: Kind) -> int | None:
    """Return the process that locks a file; None if that cannot be found out.

    /proc/locks names it only for flock(2). A lock of an open file description is listed without
    its process, which only its own user and root can find, by its descriptors.
    """
    about = os.fstat(descriptor)
    place = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    with suppress(OSError):  # not on Linux, or /proc is not mounted
        for pid in _locking(Path("/proc/locks").read_text(), kind, place):
            return pid if pid > 0 else _by_descriptors(kind, place)
    return None


def described(pid: int | None, file: Path) -> str:
    """Describe a process for a sentence, with its program and user if they are visible."""
    if pid is None:
        return f"a process that this user cannot see (as root: fuser -v {file})"
    with suppress(OSError):
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        return f"process {pid} ({name}, user {Path(f'/proc/{pid}').stat().st_uid})"
    return f"process {pid}"


def _locking(text: str, kind: Kind, place: str) -> Iterator[int]:
    """Find the processes in lines such as `1: FLOCK ADVISORY READ 123 fe:00:4567 0 EOF`."""
    for line in text.splitlines():
        words = line.removeprefix("lock:").split()
        if words[1:2] == [kind] and words[5:6] == [place]:
            yield int(words[4])


def _by_descriptors(kind: Kind, place: str) -> int | None:
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # another user's, or it has just ended
            if process.name.isdigit() and any(
                True
                for opened in (process / "fdinfo").iterdir()
                for _ in _locking(opened.read_text(), kind, place)
            ):
                return int(process.name)
    return None
