"""Reads answers of the Bot API, and refuses everything else.

Between a bot and Telegram may stand anything: a proxy's error page, another program at the
address, somebody hostile. So nothing is taken for Telegram's that does not have the form of
https://core.telegram.org/bots/api#making-requests, and whatever is to be shown, stored or logged
of it is scrubbed, short and on one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from models.bots.telegram_id import is_telegram_id
from models.redaction import foreign

MAX_TEXT = 300  # characters of Telegram's texts
# Seconds. A negative number would be a loop without a pause, a huge one the end of the bot.
MIN_RETRY_AFTER, MAX_RETRY_AFTER = 1, 86_400
LARGE = 2**18  # bytes; answers above are looked at before they are parsed
# The parser has the event loop to itself: within these bounds for some 20 ms. A hundred of the
# longest updates may have more, and are asked for in smaller portions then.
MAX_ANSWER = 2**23  # bytes
MAX_VALUES = 250_000  # commas and brackets
LENIENT = 2**20  # bytes; Python's own parser takes several times as long

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_ERRORS: dict[int, type[TelegramError]] = {
    400: BadRequest,
    401: InvalidToken,
    403: Forbidden,
    404: InvalidToken,  # what Telegram says to a token that cannot be one
    409: Conflict,
}


class NotTelegram(NetworkError):
    """Something answered, and it was not the Bot API.

    Args:
        why: the evidence, in a few words of our own.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"what is at its address does not answer as Telegram does ({why})")


class TooMuch(NotTelegram):
    """An answer is larger than what is parsed at once: perhaps less of it was to be asked for."""


def parse(payload: bytes) -> dict[str, Any]:
    """Parse the JSON object that every answer of the Bot API is.

    Raises:
        TooMuch: it is too large for that.
        NotTelegram: it is something else.
    """
    if len(payload) > MAX_ANSWER:
        raise TooMuch("too long an answer")
    if len(payload) > LARGE and sum(map(payload.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise TooMuch("more values than an answer has")
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        answer = _parse_leniently(payload)
    if not isinstance(answer, dict):
        raise NotTelegram("no JSON object")
    return answer


def _parse_leniently(payload: bytes) -> Any:
    """Take halves of surrogate pairs and bytes that are not UTF-8: one update may be broken.

    Refused as a whole, its batch would come again and again, and the bot stand still.
    """
    if len(payload) <= LENIENT:
        try:
            return json.loads(payload.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            pass
    raise NotTelegram("no JSON")


def read_envelope(payload: bytes) -> dict[str, Any]:
    """Parse the answer to a call that went well.

    Returns:
        The whole object; its `result` is there.

    Raises:
        NotTelegram: it is not such an answer.
    """
    answer = parse(payload)
    if answer.get("ok") is not True or "result" not in answer:
        raise NotTelegram("neither a result nor an error")
    return answer


def read_result(method: str, payload: bytes) -> Any:
    """The `result` of a call that went well.

    Args:
        method: of the Bot API.

    Raises:
        NotTelegram: it is not what that method answers.
    """
    result = read_envelope(payload)["result"]
    fits = _RESULTS.get(method)
    if fits is not None and not fits(result):
        raise NotTelegram(f"{method} answered something else")
    return result


def read_identity(payload: bytes) -> dict[str, Any]:
    """The bot that getMe tells of, without the fields that nobody asks for.

    Raises:
        NotTelegram: it tells of none.
    """
    me = read_result("getMe", payload)
    return {
        "id": me["id"],
        "is_bot": True,
        "first_name": foreign(me["first_name"], limit=MAX_TEXT),
        "username": me.get("username", ""),
    }


def read_error(status: int, payload: bytes) -> TelegramError:
    """The error that an answer with a status of failure stands for.

    Args:
        status: of HTTP.
    """
    try:
        answer = parse(payload)
    except NotTelegram:
        answer = {}
    text = answer.get("description")
    if (
        answer.get("ok") is not False
        or answer.get("error_code") != status
        or not isinstance(text, str)
    ):
        # Telegram's own front servers answer so when what is behind them is away.
        return NetworkError(_phrase(status)) if status >= 500 else NotTelegram(_phrase(status))
    return _with_parameters(answer.get("parameters")) or _ERRORS.get(status, NetworkError)(
        foreign(text, limit=MAX_TEXT) or _phrase(status)
    )


def _with_parameters(parameters: Any) -> TelegramError | None:
    """Read https://core.telegram.org/bots/api#responseparameters."""
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        return NotTelegram("parameters are no object")
    seconds, chat_id = parameters.get("retry_after"), parameters.get("migrate_to_chat_id")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return RetryAfter(int(min(max(MIN_RETRY_AFTER, seconds), MAX_RETRY_AFTER)))
    if seconds is not None:
        return NotTelegram("retry_after is no number")
    if chat_id is None:
        return None
    if not is_telegram_id(chat_id):
        return NotTelegram("migrate_to_chat_id is no id")
    return ChatMigrated(chat_id)


def _phrase(status: int) -> str:
    try:
        return f"{HTTPStatus(status).phrase} ({status})"
    except ValueError:
        return f"status {status}"


def _is_bot(result: Any) -> bool:
    """Say whether it is a User that is a bot, https://core.telegram.org/bots/api#user."""
    return (
        isinstance(result, dict)
        and is_telegram_id(result.get("id"))
        and result["id"] > 0
        and result.get("is_bot") is True
        and isinstance(result.get("first_name"), str)
        and _is_username(result.get("username", "_"))
    )


def _is_username(value: Any) -> bool:
    return isinstance(value, str) and _USERNAME.fullmatch(value) is not None


def _is_object(result: Any) -> bool:
    return isinstance(result, dict)


# Of the methods whose result is looked at. Fields beyond are read with care where they are used.
_RESULTS: dict[str, Callable[[Any], bool]] = {
    "getMe": _is_bot,
    "getUpdates": lambda result: isinstance(result, list),
    "getWebhookInfo": _is_object,
    "deleteWebhook": lambda result: result is True,
    "sendMessage": _is_object,
}
