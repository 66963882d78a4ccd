"""Runs in the one file before anything else of it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from pathlib import Path

MARKS = ("botyard-one-file", "botyard")  # one of them is in every folder that we unpack
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


def sweep() -> None:
    """Remove what was left by runs that a crash or a kill -9 ended: 80 MB each."""
    now = time.time()
    for folder in [*unpacked[0].parent.glob("_MEI*"), *unpacked[0].parent.glob("staticx-*")]:
        try:
            about = folder.lstat()
            if about.st_uid != os.geteuid() or now - about.st_mtime < ABANDONED:
                continue
            if any((folder / mark).is_file() for mark in MARKS):
                _remove_unless_locked(folder)
        except OSError:  # locked, or another one was faster
            continue


def _remove_unless_locked(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)


# Ctrl-C while the modules are still being loaded is no error that deserves a traceback.
signal.signal(signal.SIGINT, _end)
keep_from_cleaners()
sweep()
