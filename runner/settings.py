"""The times and bounds of the runner, in one place, so that tests can shrink them."""

from __future__ import annotations

from dataclasses import dataclass

# open files: for each bot its long poll and what it sends meanwhile; beside that the database,
# calls of Telegram, the log
FILES_A_BOT, FILES_BESIDE = 2, 128


@dataclass(frozen=True, slots=True)
class RunnerTuning:
    """How patient the runner is. All times in seconds.

    Args:
        poll_timeout: how long Telegram may hold a getUpdates (the Bot API allows 50).
        poll_margin: how much longer than that the answer may take.
        call_timeout: how long any other call may take.
        verify_timeout: how long a request waits for Telegram to confirm a new token.
        start_wait: how long a request waits for a bot to start.
        backoff_min, backoff_max: bounds of the time between two attempts.
        idle_max: the longest pause after polls that came back at once with nothing new.
        send_grace: how long handlers still running may go on when their bot is stopped.
        cut_wait: how long a handler that was cut may take to end.
        boot_parallel: how many bots connect at once, owners' own starts not counted.
        starts_a_turn: how many bots are made ready at boot in one turn of the event loop.
        chats_parallel: how many chats of a bot are served at once.
        handlers_a_turn: how many handlers, over all bots, begin in one turn of the event loop.
        max_pending: how many updates of a bot may wait before its poller waits.
        conflicts: how many 409 in a row are taken as another program that polls.
        max_failures: how often an update's handler may fail before the update is dead.
        transient_failures: how often Telegram or the network may fail for it beside that.
        prune_step: how many handled updates are removed in one transaction.
        prune_interval: time between two rounds of that.
        watch_interval: time between two looks at whether the command line changed something.
    """

    poll_timeout: int = 50
    poll_margin: float = 15.0
    call_timeout: float = 15.0
    verify_timeout: float = 5.0
    start_wait: float = 10.0
    backoff_min: float = 1.0
    backoff_max: float = 60.0
    idle_max: float = 5.0
    send_grace: float = 0.5
    cut_wait: float = 5.0
    boot_parallel: int = 20
    starts_a_turn: int = 4
    chats_parallel: int = 64
    handlers_a_turn: int = 32
    max_pending: int = 1000
    conflicts: int = 3
    max_failures: int = 3
    transient_failures: int = 10
    prune_step: int = 500
    prune_interval: float = 600.0
    watch_interval: float = 1.0

    def backoff(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row: doubled each time, within bounds."""
        return min(self.backoff_max, self.backoff_min * 2.0 ** min(failures - 1, 16))
