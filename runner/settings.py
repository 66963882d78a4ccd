"""The times and limits of the runner, in one place, so that tests can shrink them."""

from __future__ import annotations

from dataclasses import dataclass

# Open files: for each bot its long poll and its other calls; in addition the database, the
# server's own calls of Telegram, and the log.
FILES_A_BOT, FILES_BESIDE = 2, 128


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on messages.

    Args:
        interval: seconds per message.
        burst: number of messages that may be sent at once.
    """

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on what a bot sends; see `runner.sending.rate_limit`.

    Args:
        bot: all chats together.
        chat: a private chat.
        group: a group or channel.
        reserve: the part of the bot's burst that only answers and people's messages may use.
    """

    bot: Limit = Limit(1 / 28, 20)
    chat: Limit = Limit(1.02, 18)
    group: Limit = Limit(4.0, 5)
    reserve: int = 17


@dataclass(frozen=True, slots=True)
class ClusterTuning:
    """The times of several processes on one database, in seconds; see `runner.cluster`.

    Args:
        beat: between two heartbeats.
        trust: how long a process believes in its last heartbeat.
        patience: how long others wait for the next one before they take over. The difference to
            `trust` covers clocks of different rates, and what is cancelled late.
        blind: how long a process may not look at the others before it begins anew to wait.
        cut_off: without an answer of Telegram, before a process says that it cannot reach it.
    """

    beat: float = 1.0
    trust: float = 4.0
    patience: float = 5.0
    blind: float = 2.5
    cut_off: float = 15.0


@dataclass(frozen=True, slots=True)
class RunnerTuning:
    """The times and limits of the runner. All times in seconds.

    Args:
        poll_timeout: longest time that Telegram may hold a getUpdates (the Bot API allows 50).
        poll_margin: additional time for the answer to arrive.
        call_timeout: longest time of any other call.
        verify_timeout: longest time that a request waits for Telegram to confirm a new token.
        start_wait: longest time that a request waits for a bot to start.
        backoff_min, backoff_max: limits of the time between two attempts.
        idle_max: longest pause after polls that returned at once without new updates.
        send_grace: time that running handlers get to finish when their bot is stopped.
        cut_wait: time that a cancelled handler gets to end.
        boot_parallel: number of bots that connect at once, owners' own starts not counted.
        starts_a_turn: number of bots that are prepared at boot in one iteration of the event loop.
        chats_parallel: number of chats of a bot that are served at once.
        handlers_a_turn: number of handlers of all bots that start in one iteration of the loop.
        max_pending: number of waiting updates of a bot above which its poller pauses.
        conflicts: number of consecutive 409 answers that mean that another program polls.
        max_failures: number of failed attempts after which an update is dead.
        transient_failures: number of additional attempts after failures of Telegram or the network.
        prune_step: number of handled updates that are deleted in one transaction.
        prune_interval: time between two rounds of pruning.
        watch_interval: time between two checks for changes by the command line.
        limits: limits on what a bot sends.
        cluster: times of several processes on one database.
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
    limits: Limits = Limits()
    cluster: ClusterTuning = ClusterTuning()

    def backoff(self, failures: int) -> float:
        """Return the seconds to wait after consecutive failures: doubled each time, limited."""
        return min(self.backoff_max, self.backoff_min * 2.0 ** min(failures - 1, 16))
