"""The states of a bot, the transitions between them, and the status of a bot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BotState(StrEnum):
    """The state of a bot."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    RETRYING = "retrying"
    FAILED = "failed"
    STOPPING = "stopping"


class Reason(StrEnum):
    """The reason why a bot is retrying or failed."""

    TOKEN_REJECTED = "token_rejected"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    ALREADY_REGISTERED = "bot_already_registered"
    TELEGRAM_UNREACHABLE = "telegram_unreachable"
    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"
    SERVER_UNREACHABLE = "server_unreachable"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    INTERNAL_ERROR = "internal_error"


# All transitions. A failed bot is started again by its owner or at the next boot.
TRANSITIONS: dict[BotState, frozenset[BotState]] = {
    BotState.STOPPED: frozenset({BotState.STARTING, BotState.RETRYING}),
    BotState.STARTING: frozenset(
        {BotState.RUNNING, BotState.RETRYING, BotState.FAILED, BotState.STOPPING}
    ),
    BotState.RUNNING: frozenset({BotState.RETRYING, BotState.FAILED, BotState.STOPPING}),
    BotState.RETRYING: frozenset({BotState.STARTING, BotState.RETRYING, BotState.STOPPING}),
    BotState.FAILED: frozenset({BotState.STARTING, BotState.RETRYING, BotState.STOPPING}),
    BotState.STOPPING: frozenset({BotState.STOPPED}),
}

# The bot has a task, and should have one.
ALIVE = frozenset({BotState.STARTING, BotState.RUNNING, BotState.RETRYING})

STABLE = frozenset({BotState.STOPPED, BotState.RUNNING, BotState.RETRYING, BotState.FAILED})


@dataclass(frozen=True, slots=True)
class BotStatus:
    """The status of a bot.

    Args:
        state: the state.
        reason: the reason, for retrying and failed.
        detail: a sentence for its owner; it never contains a token.
        since: the time of the last change of state.
        attempts: the number of consecutive failed starts.
        next_attempt_at: the time of the next attempt, for retrying.
        last_poll_at: the time of the last answer to getUpdates.
        last_update_at: the time of the last update.
        pending: the number of updates that are stored and not handled yet.
        dead: the number of updates whose handlers failed for good.
    """

    state: BotState
    reason: Reason | None
    detail: str | None
    since: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_poll_at: datetime | None = None
    last_update_at: datetime | None = None
    pending: int = 0
    dead: int = 0
