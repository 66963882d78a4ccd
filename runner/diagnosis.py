"""The consequence of an error while a bot connects or polls: a table, read top to bottom."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter, TelegramError, TimedOut

from models.errors import BotAlreadyRegistered, StorageError
from runner.states import Reason


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The diagnosis of an error that keeps a bot from running.

    Args:
        reason: for programs.
        detail: a sentence for its owner.
        final: True if only the owner can fix it.
        delay: seconds to wait before the next attempt, if Telegram has set them.
        incident: the id under which an internal error is logged; None for any other error.
    """

    reason: Reason
    detail: str
    final: bool = False
    delay: float | None = None
    incident: str | None = None


def classify_error(error: BaseException | None, *, running: bool) -> Diagnosis:
    """Classify an error.

    Args:
        error: the exception; None for a task that ended without one.
        running: True if the bot was running before the error.
    """
    match error:
        case InvalidToken() if running:
            return Diagnosis(
                Reason.TOKEN_REVOKED,
                "Telegram no longer accepts the token: it was revoked. Enter the new one.",
                final=True,
            )
        case InvalidToken():
            return Diagnosis(
                Reason.TOKEN_REJECTED,
                "Telegram does not accept the token. Enter the current token from @BotFather.",
                final=True,
            )
        case BotAlreadyRegistered():
            return Diagnosis(
                Reason.ALREADY_REGISTERED,
                "This Telegram bot is already registered in another account.",
                final=True,
            )
        case RetryAfter():
            seconds = cast(timedelta, error.retry_after).total_seconds()
            detail = f"Telegram's rate limit is reached; next attempt in {seconds:.0f} s."
            return Diagnosis(Reason.RATE_LIMITED, detail, delay=seconds)
        case Conflict() if "webhook" in error.message.lower():
            return Diagnosis(
                Reason.CONFLICT, "A webhook is set for this bot; the next attempt removes it."
            )
        case Conflict():
            return Diagnosis(
                Reason.CONFLICT,
                "Another program uses this token. Stop that program, or create a new token at "
                "@BotFather.",
            )
        case TelegramError():
            return Diagnosis(Reason.TELEGRAM_UNREACHABLE, explain(error))
        case StorageError():
            return Diagnosis(
                Reason.STORAGE_UNAVAILABLE,
                "The server's database does not answer. Messages wait at Telegram until it does.",
            )
    incident = secrets.token_hex(6)
    detail = f"Internal error (incident {incident})."
    return Diagnosis(Reason.INTERNAL_ERROR, detail, incident=incident)


def explain(error: TelegramError) -> str:
    """Return a sentence for the owner of a bot that cannot work with Telegram."""
    if isinstance(error, TimedOut):
        return "Telegram did not answer in time."
    if isinstance(error, BadRequest):
        return f"Telegram rejected the request: {error.message.rstrip('.')}."
    return f"Telegram cannot be reached: {error.message.rstrip('.')}."
