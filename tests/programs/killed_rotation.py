"""Rotates a folder's secret and dies at the Nth step that leaves a trace: a program for tests.

A step is a change to a file in the folder, or a statement that writes to the database. Ends
with 9 when it died, and with 0 when there is no Nth step.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any

from server.config import Config
from server.maintenance.secret_rotation import rotate

_FILES = {"os.rename", "os.remove", "os.link"}


def main(folder: str, last: int) -> None:
    """Rotate; die at the step `last`, counted from 1."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == last:
            os._exit(9)

    def event(name: str, args: tuple[Any, ...]) -> None:
        opened = name == "open" and "secret.key" in str(args[0]) and args[1] is None
        if name in _FILES or opened:
            step()

    class Statements(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if re.search(r"UPDATE|INSERT|BEGIN|SAVEPOINT", record.getMessage()):
                step()

    sys.addaudithook(event)
    logger = logging.getLogger("peewee")
    logger.addHandler(Statements())
    logger.setLevel(logging.DEBUG)
    rotate(Config.load({}, data_dir=folder))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
