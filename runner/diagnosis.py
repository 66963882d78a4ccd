"""What follows from an error while a bot connects or polls: one table, read top to bottom."""

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
    """Why a bot does not run.

    Args:
        reason: for programs.
        detail: a sentence for its owner.
        final: whether only the owner can mend it.
        delay: seconds to wait before the next try, where Telegram says how many.
        incident: the id under which a failure of ours is logged.
    """

    reason: Reason
    detail: str
    final: bool = False
    delay: float | None = None
    incident: str | None = None


def classify_error(error: BaseException | None, *, running: bool) -> Diagnosis:
    """What an error means.

    Args:
        error: what was raised; None for a task that ended without a word.
        running: whether the bot had come so far as to run.
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
                "Telegram does not know the token (any more). Enter the one @BotFather shows.",
                final=True,
            )
        case BotAlreadyRegistered():
            return Diagnosis(
                Reason.ALREADY_REGISTERED,
                "This Telegram bot is registered in the platform a second time.",
                final=True,
            )
        case RetryAfter():
            seconds = cast(timedelta, error.retry_after).total_seconds()
            detail = f"Telegram asks to wait {seconds:.0f} s."
            return Diagnosis(Reason.RATE_LIMITED, detail, delay=seconds)
        case Conflict() if "webhook" in error.message.lower():
            return Diagnosis(
                Reason.CONFLICT, "A webhook is set for this bot; the next attempt removes it."
            )
        case Conflict():
            return Diagnosis(
                Reason.CONFLICT,
                "Another program polls with this token: end it, or give the bot a new token.",
            )
        case TelegramError():
            return Diagnosis(Reason.TELEGRAM_UNREACHABLE, explain(error))
        case StorageError():
            return Diagnosis(
                Reason.STORAGE_UNAVAILABLE,
                "The server's database does not answer; messages wait at Telegram meanwhile.",
            )
    incident = secrets.token_hex(6)
    detail = f"Something went wrong on our side (incident {incident})."
    return Diagnosis(Reason.INTERNAL_ERROR, detail, incident=incident)


def explain(error: TelegramError) -> str:
    """A sentence for the owner of a bot that Telegram does not serve."""
    if isinstance(error, TimedOut):
        return "Telegram did not answer in time."
    if isinstance(error, BadRequest):
        return f"Telegram refuses what it is asked: {error.message.rstrip('.')}."
    return f"Telegram cannot be reached: {error.message.rstrip('.')}."
