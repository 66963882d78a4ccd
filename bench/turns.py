"""Runs a module with a timer in its event loop, due every millisecond, and notes how late it comes.

    python -m bench.turns OUTPUT_FILE MODULE [ARGUMENT...]

How late a timer comes is how long the loop did not turn: its stalls, seen from inside. At the end
it writes a JSON array of [moment, nanoseconds]; moments are of `time.monotonic_ns`.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import orjson

_EVERY = 1_000_000  # nanoseconds
_noted: list[tuple[int, int]] = []
_run = asyncio.Runner.run


def _look(due: int) -> None:
    late = time.monotonic_ns() - due
    _noted.append((due, max(0, late)))
    _plan()


def _plan() -> None:
    # not the loop's own clock: uvloop's stands still within a turn
    due = time.monotonic_ns() + _EVERY
    asyncio.get_running_loop().call_later(_EVERY / 1e9, _look, due)


async def _watched(main: Coroutine[Any, Any, Any]) -> Any:
    _plan()
    return await main


def _run_watched(runner: asyncio.Runner, main: Coroutine[Any, Any, Any], **options: Any) -> Any:
    return _run(runner, _watched(main), **options)


def main() -> None:
    """Run the module as if it had been started itself."""
    output, module = Path(sys.argv[1]), sys.argv[2]
    sys.argv = sys.argv[2:]
    asyncio.Runner.run = _run_watched  # type: ignore[method-assign, assignment]
    try:
        runpy.run_module(module, run_name="__main__")
    finally:
        output.write_bytes(orjson.dumps(_noted))


if __name__ == "__main__":
    main()
