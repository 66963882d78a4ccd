"""The states of a bot, the moves between them, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BotState(StrEnum):
    """Where a bot is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    RETRYING = "retrying"
    FAILED = "failed"
    STOPPING = "stopping"


class Reason(StrEnum):
    """Why a bot is retrying or failed."""

    TOKEN_REJECTED = "token_rejected"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    ALREADY_REGISTERED = "bot_already_registered"
    TELEGRAM_UNREACHABLE = "telegram_unreachable"
    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    INTERNAL_ERROR = "internal_error"


# Every move there is. A failed bot is started again by its owner or by the next boot.
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

# Something of the bot runs, and should.
ALIVE = frozenset({BotState.STARTING, BotState.RUNNING, BotState.RETRYING})

STABLE = frozenset({BotState.STOPPED, BotState.RUNNING, BotState.RETRYING, BotState.FAILED})


@dataclass(frozen=True, slots=True)
class BotStatus:
    """What is told of a bot.

    Args:
        state: where it is.
        reason: why, for retrying and failed.
        detail: a sentence for its owner; it never holds a token.
        since: since when it is in this state.
        attempts: how many starts in a row have not worked out.
        next_attempt_at: when the next one is due, for retrying.
        last_poll_at: when getUpdates last came back.
        last_update_at: when the last update arrived.
        pending: how many updates are stored and not handled yet.
        dead: how many updates' handlers failed for good.
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
