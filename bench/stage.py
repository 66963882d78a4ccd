"""What every scenario works with: the stand-in, a folder, the sizes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench.databases import PostgreSQL
from bench.processes import StandIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured. Times in seconds.

    Args:
        bots: bots of each program whose start is compared.
        rounds: how often each program is measured, one after another.
        talking: bots of each program under load; so many that no limit of Telegram's is reached.
        chats: chats of each of these; two messages of a bot are in flight.
        rate: messages per second in the rows of a fixed rate.
        warm_up, window: of each measurement under load.
        many: bots of the boot, idle and stall scenarios.
        idle: how long an idle server is watched.
        switched_of: bots of the switching scenario.
        switches: how often a bot is switched off and on again.
        switching_rate: messages per second meanwhile, over all bots.
        busy_rate: messages per second in the stall scenario's phase of half load.
        queued: messages of the lowest lane in the lanes scenario.
        lanes_window: of each of its measurements.
        api_warm_up, api_window: of each measurement of the API.
        login_window: instead of api_window where passwords are hashed.
        settle: from the last bot's first poll to idleness with several servers, or to the kill.
        killed: bots of the process of three that is killed in the failover scenario.
        delay: until the stand-in handles a call meanwhile.
        messages: of the long history.
        reads: how often each request is measured that reads it.
        live_bots: bots whose messages are read live, and that answer beside uploads.
        uploads, upload_mb: how many files of which size in MB are uploaded in a round.
    """

    bots: int = 100
    rounds: int = 3
    talking: int = 500
    chats: int = 40
    rate: float = 100.0
    warm_up: float = 3.0
    window: float = 5.0
    many: int = 1000
    idle: float = 25.0
    switched_of: int = 500
    switches: int = 200
    switching_rate: float = 200.0
    busy_rate: float = 500.0
    queued: int = 10_000
    lanes_window: float = 30.0
    api_warm_up: float = 0.5
    api_window: int = 2
    login_window: int = 4
    settle: float = 5.0
    killed: int = 2500
    delay: float = 0.08
    messages: int = 1_000_000
    reads: int = 300
    live_bots: int = 100
    uploads: int = 5
    upload_mb: int = 20


QUICK = Sizes(
    bots=50,
    rounds=1,
    talking=100,
    warm_up=0.5,
    window=1.0,
    many=50,
    idle=2.0,
    switched_of=50,
    switches=12,
    switching_rate=50.0,
    queued=500,
    lanes_window=4.0,
    api_warm_up=0.3,
    api_window=1,
    login_window=2,
    settle=0.5,
    killed=20,
    messages=100_000,
    reads=40,
    live_bots=50,
    uploads=2,
)


@dataclass(slots=True)
class Stage:
    """One run.

    Args:
        telegram: the stand-in.
        folder: for databases and output, removed at the end.
        sizes: how much is measured.
        peers: the programs that are compared.
        postgresql: where Botyard's second database is; None for SQLite alone.
        before: a checkout of another commit that is measured, too.
    """

    telegram: StandIn
    folder: Path
    sizes: Sizes
    peers: list[str]
    postgresql: PostgreSQL | None = None
    before: Path | None = None
    began: float = field(default_factory=time.monotonic)
    _endings: ExitStack = field(default_factory=ExitStack)

    def at_end(self, undo: Callable[[], None]) -> None:
        """Call back when the run is over."""
        self._endings.callback(undo)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Undo what was made outside of the folder."""
        self._endings.close()

    def say(self, text: str) -> None:
        """Tell what is going on, on standard error."""
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)
