"""Runs in the one file before the program: looks after the folders that it unpacks itself into."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import sys
import time
from pathlib import Path

# One of them is in every folder that we unpack; the second one in those of older versions.
MARKS = ("0-botyard-one-file", "botyard-one-file", "botyard")
LOCKED = "botyard-locked"  # while it is in a folder, the lock tells whether a run uses that
ABANDONED = 600.0  # seconds; a file that takes longer to unpack would not be used

unpacked = [Path(sys._MEIPASS)]  # type: ignore[attr-defined]
if "STATICX_BUNDLE_DIR" in os.environ:
    unpacked.append(Path(os.environ["STATICX_BUNDLE_DIR"]))


def keep_from_cleaners() -> None:
    """Lock the folders that the file unpacked itself into, as long as it runs.

    Programs that empty /tmp leave locked folders alone (tmpfiles.d(5): "shared BSD file lock").
    """
    for folder in unpacked:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # the end closes it
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        (folder / LOCKED).touch()
        # At an end in good order the bootloaders remove the folders, and nobody else meanwhile.
        atexit.register((folder / LOCKED).unlink, missing_ok=True)


def sweep() -> None:
    """Remove what was left by runs that a crash or a kill -9 ended: 80 MB each."""
    for folder in [*unpacked[0].parent.glob("_MEI*"), *unpacked[0].parent.glob("staticx-*")]:
        try:
            if _is_left(folder):
                _remove_unless_locked(folder)
        except OSError:  # locked, or another one was faster
            continue


def _is_left(folder: Path) -> bool:
    """A folder of ours whose run is over, unless it is locked.

    One that is not locked yet may be unpacked at this moment, so it has to be old.
    """
    about = folder.lstat()
    if about.st_uid != os.geteuid() or not (
        any((folder / mark).is_file() for mark in MARKS) or _is_unfinished(folder)
    ):
        return False
    return (folder / LOCKED).is_file() or time.time() - about.st_mtime >= ABANDONED


def _is_unfinished(folder: Path) -> bool:
    """Whether its run ended before there was a mark: some libraries of ours, and nothing to run.

    staticx unpacks libraries before the program. What runs, be it another program, has more.
    """
    ours = {path.name for part in unpacked for path in part.iterdir() if ".so" in path.name}
    return {path.name for path in folder.iterdir()} <= ours


def _remove_unless_locked(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _interrupted(number: int, _frame: object) -> None:
    sys.exit(128 + number)


# Ctrl-C while the modules are still being loaded is no error that deserves a traceback.
signal.signal(signal.SIGINT, _interrupted)
keep_from_cleaners()
sweep()
