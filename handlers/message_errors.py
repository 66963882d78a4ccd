"""Translates the errors about messages into those of the API."""

from __future__ import annotations

from dialogs.messages import InvalidMessage
from dialogs.messages.editing import NotEditable
from handlers import errors
from handlers.errors import ApiError, Code, FieldErrors
from models import errors as storage
from runner import errors as runner
from services import errors as services


def translate_message(error: BaseException) -> ApiError | None:
    """Translate an error about a message; None for any other."""
    match error:
        case InvalidMessage():
            return _invalid(error)
        case services.NothingToSend():
            return errors.invalid({"/text": ["The message has no visible content."]})
        case storage.ChatUnknown():
            return errors.NotFound(
                "The bot does not know this chat. Somebody has to write to the bot there first."
            )
        case services.ChatNotFound():
            return errors.NotFound(f"Bot {error.bot_id} has no chat {error.chat_id}.")
        case services.MessageNotFound():
            return errors.NotFound(f"Bot {error.bot_id} has no message {error.message_id}.")
        case storage.KeyReused():
            return errors.Unprocessable(
                "This Idempotency-Key was used for another message in the last 24 hours. "
                "Use a new key for a new message.",
                code=Code.IDEMPOTENCY_KEY_REUSED,
            )
        case storage.OutboxFull():
            return errors.TooManyRequests(
                f"{error.limit} messages wait to be sent by this bot. Wait until some are sent.",
                seconds=60,
                code=Code.OUTBOX_FULL,
            )
    return _translate_change(error)


def _translate_change(error: BaseException) -> ApiError | None:
    """Translate an error about a change of a message."""
    match error:
        case services.MessageNotEditable() | NotEditable():
            return errors.Conflict(str(error), code=Code.MESSAGE_NOT_EDITABLE)
        case storage.MessageChanged():
            return errors.Conflict(
                "The message was sent or changed in the meantime. Read it, and try again.",
                code=Code.MESSAGE_NOT_EDITABLE,
            )
        case runner.BotIsOff():
            return errors.Conflict(
                "The bot does not run at the moment, so it cannot change what it has sent. "
                "Switch it on, or see its status.",
                code=Code.BOT_IS_OFF,
            )
        case runner.TelegramUnreachable():
            return errors.Unavailable(
                f"Telegram did not carry this out: {error.text}. Try again in a moment.",
                code=Code.TELEGRAM_UNREACHABLE,
                headers={"Retry-After": "5"},
            )
        case runner.TelegramRefused():
            return errors.Unprocessable(
                f"Telegram did not accept this: {error.text}.", code=Code.TELEGRAM_REFUSED
            )
    return None


def _invalid(error: InvalidMessage) -> ApiError:
    """Return the problems by JSON Pointer (RFC 6901)."""
    by_place: FieldErrors = {}
    for problem in error.problems:
        by_place.setdefault(problem.pointer or "non_field_errors", []).append(problem.message)
    return errors.BadRequest(
        f"The message is invalid in {len(by_place)} place{'s' * (len(by_place) > 1)}.",
        code=Code.VALIDATION_FAILED,
        errors=by_place,
    )
