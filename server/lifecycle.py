"""Runs a server until it is told to end, then ends it in good order."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from runner.settings import RunnerSettings
from server import lock
from server.app import open_botyard
from server.config import Config
from server.log import Level

T = TypeVar("T")

log = logging.getLogger("botyard.server")

GC_THRESHOLDS = (20_000, 20, 100)
DRAIN = 15.0  # seconds that requests under way may take after the signal


def ending_event() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets.

    A second signal changes nothing: a process group and a supervisor may send one each.
    """
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    return ending


def _toggle_at_hangup(level: Level, ending: asyncio.Event) -> None:
    """Let SIGHUP switch between the configured level of the log and debug.

    A terminal that is closed sends it, too: then it means the end, as for any other program.
    """
    in_terminal = sys.stderr.isatty()

    def hang_up() -> None:
        if in_terminal and not sys.stderr.isatty():
            ending.set()
        else:
            level.toggle()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program on uvloop's event loop, or on asyncio's where uvloop does not install."""
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            return runner.run(main)
        finally:
            # The loop takes its handlers along; a second signal must not make an end a failure.
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))


def _calm_garbage_collector() -> None:
    """Let the collector pass over what is here for good, and run less often.

    At its defaults it walks through every bot's objects again and again: a third of the CPU
    under load, and the longest pauses.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def serve(
    config: Config, *, level: Level | None = None, runner: RunnerSettings | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then drain and stop the bots.

    Args:
        config: with its data folder filled in.
        level: of the log, for SIGHUP to switch.
        runner: times of the runner; the defaults when left out.

    Raises:
        FolderInUse: another server runs on the data folder.
    """
    ending = ending_event()
    if level is not None:
        _toggle_at_hangup(level, ending)
    _calm_garbage_collector()
    with lock.holding(config.data_dir):
        await _serve(config, ending, runner=runner)


async def _serve(config: Config, ending: asyncio.Event, *, runner: RunnerSettings | None) -> None:
    botyard = await open_botyard(config, runner=runner)
    log.info("serving on %s, the API is described at %s/swagger/", botyard.url, botyard.url)
    try:
        await ending.wait()
        log.info("ending: requests under way may finish, then the bots stop")
        await botyard.drain(DRAIN)
    finally:
        await botyard.close()
    log.info("ended")
