"""Runs in the one file before anything else of it: it ends when a process above it is killed.

What a supervisor starts and signals is staticx's bootloader; PyInstaller's runs below that, and
this process below both. Without more, a kill -9 of one of them leaves the server alone with the
data folder and the port, and the next start is refused.

It ends as they did, by SIGKILL, and not in good order. A kill -9 is what comes when good order
took too long, so there may be no second try at it. The next start, which follows at once, must
find folder and port free. And a server loses nothing by it: that is what its journal is for.

PyInstaller runs this, at_start.py and the program in one namespace: no name may be in two of them.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import threading
import time
from typing import NoReturn

PR_SET_PDEATHSIG = 1  # prctl(2)
WRAPPER = os.environ.get("STATICX_PROG_PATH")  # the file as it was started; None without staticx
NAME = 15  # bytes of a process's name that the kernel keeps
EVERY = 0.5  # seconds between two looks, where the kernel has no pidfd


def end_with_the_others() -> None:
    """End from now on when one of the bootloaders does, and at once if one has already."""
    direct = os.getppid()
    # The kernel sends it when the thread that made us ends; that bootloader has one thread only.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if not _is_bootloader(direct):  # it ended before that call, and somebody adopted us
        _end_as_they_did()
    if WRAPPER is None:
        return
    first = _parent(direct)
    if not _is_bootloader(first):
        _end_as_they_did()
    threading.Thread(
        target=_end_after, args=(first, direct), name="botyard-bootloaders", daemon=True
    ).start()


def _end_after(first: int, direct: int) -> None:
    """End after the bootloader that is not our parent, for which prctl cannot be told to look."""
    try:
        descriptor = os.pidfd_open(first)
    except OSError:  # a kernel before 5.3, or a container that forbids it
        while _parent(direct) == first:
            time.sleep(EVERY)
        _end_as_they_did()
    if _parent(direct) == first:  # so it is the one that the descriptor stands for
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        waiting.poll()
    _end_as_they_did()


def _end_as_they_did() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit(1)


def _stat(pid: int) -> tuple[str, int]:
    """Name and parent of a process; nothing when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            before, _, after = file.read().rpartition(")")
    except OSError:
        return "", 0
    return before.partition("(")[2], int(after.split()[1])


def _parent(pid: int) -> int:
    return _stat(pid)[1]


def _is_bootloader(pid: int) -> bool:
    """Tell one of our two from a process that adopts orphans.

    A wrong no would keep the file from starting: under an emulator of processors, which is what
    /proc tells of all of them, or after the file was replaced in the moment of its start.
    """
    try:
        theirs = os.readlink(f"/proc/{pid}/exe")
        found = os.stat(f"/proc/{pid}/exe")
    except PermissionError:  # as a rule not ours; ours with capabilities hides it, too
        return WRAPPER is not None and _stat(pid)[0] == os.path.basename(WRAPPER)[:NAME]
    except OSError:
        return False
    if theirs.removesuffix(" (deleted)") == WRAPPER:
        return True
    for ours in ("/proc/self/exe", "/proc/thread-self/exe", WRAPPER):
        try:
            if ours is not None and os.path.samestat(found, os.stat(ours)):
                return True
        except OSError:
            continue
    return False


end_with_the_others()
