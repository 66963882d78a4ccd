"""Translates the errors of the layers below into those of the API."""

from __future__ import annotations

from handlers import errors
from handlers.errors import ApiError, Code
from handlers.media_errors import translate_media
from handlers.message_errors import translate_message
from handlers.scenario_errors import translate_scenario
from models import errors as storage
from models.accounts.passwords import HasherBusy
from models.accounts.users import User
from runner import errors as runner
from services import errors as services


def translate(error: BaseException) -> ApiError | None:
    """Translate an error that was raised on purpose; None for any other, which is a bug."""
    if isinstance(error, ApiError):
        return error
    return (
        _translate_conflict(error)
        or _translate_refusal(error)
        or _translate_password(error)
        or _translate_wait(error)
        or translate_message(error)
        or translate_media(error)
        or translate_scenario(error)
        or _translate_outside(error)
    )


def _translate_conflict(error: BaseException) -> ApiError | None:
    """Translate an error about existing data."""
    match error:
        case storage.UsernameTaken():
            return errors.invalid({"username": ["A user with this name already exists."]})
        case storage.EmailTaken():
            return errors.invalid({"email": ["A user with this e-mail address already exists."]})
        case storage.BotLimitReached():
            return errors.Forbidden(
                f"You already have {error.limit} bots, the maximum per account. "
                "Delete one to add another.",
                code=Code.BOT_LIMIT_REACHED,
            )
        case storage.BotAlreadyRegistered():
            return errors.Conflict(
                "This Telegram bot is already registered here. "
                "Each bot can be registered only once.",
                code=Code.BOT_ALREADY_REGISTERED,
                errors={"token": ["This Telegram bot is already registered."]},
            )
        case runner.BotGone():
            return errors.NotFound("There is no such bot.")
        case services.DeadUpdateNotFound():
            return errors.NotFound(f"Bot {error.bot_id} has no dead update {error.update_id}.")
        case services.MailOff():
            return errors.NotFound("This server sends no mail; ask the operator.")
        case services.SessionNotFound():
            return errors.NotFound("You have no such session.")
    return None


def _translate_refusal(error: BaseException) -> ApiError | None:
    """Translate an error about the caller's permissions."""
    match error:
        case User.DoesNotExist():  # deleted during the request
            return errors.Unauthorized("This account has been deleted.", code=Code.INVALID_KEY)
        case storage.SessionEnded():
            return errors.revoked_key()
        case storage.NotStaff():
            return errors.staff_only()
        case storage.AccountDisabled():
            sentence = "This account is disabled; ask the operator."
            return errors.BadRequest(
                sentence, code=Code.ACCOUNT_DISABLED, errors={"non_field_errors": [sentence]}
            )
        case services.RegistrationClosed():
            return errors.Forbidden(
                "Registration is closed here; ask the operator for an account.",
                code=Code.REGISTRATION_CLOSED,
            )
        case services.OwnAccount():
            return errors.Conflict(
                "You cannot disable or demote your own account. Ask another staff member.",
                code=Code.OWN_ACCOUNT,
            )
    return None


def _translate_password(error: BaseException) -> ApiError | None:
    """Translate an error about a password."""
    match error:
        case services.InvalidCredentials():
            sentence = "The user name or the password is wrong."
            return errors.BadRequest(
                f"{sentence} If you have tried many times, wait 15 minutes.",
                code=Code.INVALID_CREDENTIALS,
                errors={"non_field_errors": [sentence]},
            )
        case services.WeakPassword():
            return errors.invalid({"new_password1": error.problems})
        case services.WrongPassword():
            return errors.invalid({"old_password": ["This is not your password."]})
        case storage.VerificationKeyWorthless():
            return errors.invalid({"key": ["This link has expired or was used already."]})
        case storage.TokenWorthless():
            return errors.invalid({"token": ["This link has expired or was used already."]})
        case services.WrongUid():
            return errors.invalid({"uid": ["This is not the account of the token."]})
        case services.PasswordReplaced():
            sentence = (
                "The password was changed by another request in the meantime; "
                "old_password is no longer valid."
            )
            return errors.invalid({"old_password": [sentence]})
    return None


def _translate_wait(error: BaseException) -> ApiError | None:
    """Translate an error that asks the caller to wait."""
    match error:
        case HasherBusy():
            return errors.TooManyRequests(
                "The server is busy with other logins. Try again in a moment.",
                seconds=5,
                code=Code.BUSY,
            )
        case services.MailBusy():
            return errors.TooManyRequests(
                "Too many mails wait to be sent. Try again.", seconds=30, code=Code.BUSY
            )
        case services.NetworkTooFast():
            return errors.TooManyRequests(
                f"Too many requests from your network. Try again in {error.seconds} s.",
                seconds=error.seconds,
                code=Code.RATE_LIMITED,
            )
        case services.AccountTooFast():
            return errors.TooManyRequests(
                f"Too many requests from this account. Try again in {error.seconds} s.",
                seconds=error.seconds,
                code=Code.RATE_LIMITED,
            )
        case services.TooFast():
            return errors.TooManyRequests(
                f"Too many attempts. Try again in {error.seconds} s.", seconds=error.seconds
            )
    return None


def _translate_outside(error: BaseException) -> ApiError | None:
    """Translate an error of the database or of Telegram."""
    match error:
        case storage.StorageUnavailable() | storage.NotOwner():
            return errors.Unavailable(
                "The database does not answer; nothing was changed. Try again in a moment.",
                code=Code.STORAGE_UNAVAILABLE,
                headers={"Retry-After": "5"},
            )
        case runner.TokenRejected():
            return errors.Unprocessable(
                "Telegram does not accept this token. Copy it again from @BotFather.",
                code=Code.TELEGRAM_TOKEN_REJECTED,
                errors={"token": ["Telegram does not accept this token."]},
            )
    return None
