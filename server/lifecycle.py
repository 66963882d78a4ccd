"""Runs a server until a signal ends it, then shuts it down gracefully."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

from runner.settings import RunnerTuning
from server import gc_tuning, permissions
from server.app import Botyard, open_botyard
from server.config import Config
from server.installation_lock import InstallationLock
from server.log import LogLevel

T = TypeVar("T")

log = logging.getLogger("botyard.server")

_ENDING = (signal.SIGTERM, signal.SIGINT)
DRAIN = 15.0  # seconds that requests in progress may take after the signal


def _at_signal(number: signal.Signals, callback: Callable[[], object]) -> None:
    """Call back on the running event loop whenever a signal comes.

    Not the loop's own add_signal_handler: a loop takes its handlers along when it is closed, and
    a second signal that comes then would make a graceful exit look like a failure.
    """
    loop = asyncio.get_running_loop()

    def handle(_number: int, _frame: FrameType | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process is ending anyway
            loop.call_soon_threadsafe(callback)

    signal.signal(number, handle)


def ending_event() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets.

    A second signal changes nothing: a process group and a supervisor may send one each.
    """
    ending = asyncio.Event()
    for number in _ENDING:
        _at_signal(number, ending.set)
    return ending


def _toggle_at_hangup(level: LogLevel, ending: asyncio.Event) -> None:
    """Let SIGHUP switch between the configured level of the log and debug.

    A terminal that is closed sends it, too: then it means the end, as for any other program.
    """
    in_terminal = sys.stderr.isatty()

    def hang_up() -> None:
        if in_terminal and not sys.stderr.isatty():
            ending.set()
        else:
            level.toggle()

    _at_signal(signal.SIGHUP, hang_up)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program on uvloop's event loop, or on asyncio's where uvloop does not install."""
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        from uvloop import new_event_loop  # noqa: PLC0415 - there is none for Windows
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            return runner.run(main)
        finally:
            # The interpreter removes its handlers at exit, too; an ignored signal stays ignored.
            for number in _ENDING:
                signal.signal(number, signal.SIG_IGN)


def _allow_open_files() -> None:
    """Raise the limit of open files to the hard limit: many systems start with 1,024.

    A bot takes one for its long poll, and more while it answers.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS has a bound of its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve(
    config: Config, *, level: LogLevel | None = None, runner: RunnerTuning | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then drain and stop the bots.

    Args:
        config: with its data folder filled in.
        level: of the log, for SIGHUP to switch.
        runner: times of the runner; the defaults when left out.

    Raises:
        FolderInUse, DatabaseInUse: a command has the data folder or the database for itself, or
            another server runs on it; with PostgreSQL, one with the same name.
    """
    ending = ending_event()
    if level is not None:
        _toggle_at_hangup(level, ending)
    _allow_open_files()
    gc_tuning.freeze_imports()
    with InstallationLock(config).server() as lock_file:
        permissions.close_to_others(config)
        botyard = await open_botyard(config, runner=runner, lock_file=lock_file)
        await _serve(botyard, ending)


async def _serve(botyard: Botyard, ending: asyncio.Event) -> None:
    log.info("serving on %s, the API is described at %s/swagger/", botyard.url, botyard.url)
    settings = botyard.services.settings
    if settings.metrics_token is None and not settings.metrics_open:
        log.warning(
            "/metrics is closed because other machines can reach this server; to open it, set "
            "BOTYARD_METRICS_TOKEN"
        )
    reconciler = botyard.services.runner.reconciler
    tending = asyncio.create_task(gc_tuning.run(lambda: reconciler.boot.ready), name="garbage")
    try:
        await ending.wait()
        log.info("shutting down: waiting for current requests, then stopping the bots")
        await botyard.drain(DRAIN)
    finally:
        tending.cancel()
        await botyard.close()
    log.info("ended")
