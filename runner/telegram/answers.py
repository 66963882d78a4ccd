"""Reads answers of the Bot API, and rejects everything else.

An answer may come from a proxy, from another program at the address, or from an attacker. So only
answers in the form of https://core.telegram.org/bots/api#making-requests are accepted, and every
part that is shown, stored or logged is scrubbed, short and on one line.
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
# Seconds. A negative value would cause a busy loop, a huge one would stop the bot for good.
MIN_RETRY_AFTER, MAX_RETRY_AFTER = 1, 86_400
LARGE = 2**18  # bytes; the values of larger answers are counted before parsing
# Parsing blocks the event loop: within these limits for some 20 ms. A hundred of the longest
# updates may exceed them, and are then requested in smaller portions.
MAX_ANSWER = 2**23  # bytes
MAX_VALUES = 250_000  # commas and brackets
# A gateway gave up waiting for the server behind it, which may have carried the call out.
_GATEWAY_FAILURES = (502, 504)
LENIENT = 2**20  # bytes; Python's own parser is several times slower

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_CODE = re.compile(r"Bad Request: ([A-Z0-9_]+)", re.ASCII)
_ERRORS: dict[int, type[TelegramError]] = {
    400: BadRequest,
    401: InvalidToken,
    403: Forbidden,
    404: InvalidToken,  # Telegram's answer to a malformed token
    409: Conflict,
}


class NotTelegram(NetworkError):
    """The answer is not from a Bot API server.

    Args:
        why: the evidence, in a few words; no foreign text.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"the response is not from a Bot API server ({why})")


class Unavailable(NetworkError):
    """Telegram answered that it cannot carry the call out at the moment."""


class TooMuch(NotTelegram):
    """The answer is larger than the parser accepts; a smaller request may succeed."""


def parse(payload: bytes) -> dict[str, Any]:
    """Parse an answer of the Bot API, which is always a JSON object.

    Raises:
        TooMuch: the answer is too large.
        NotTelegram: it is not a JSON object.
    """
    if len(payload) > MAX_ANSWER:
        raise TooMuch("response too large")
    if len(payload) > LARGE and sum(map(payload.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise TooMuch("response has too many values")
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        answer = _parse_leniently(payload)
    if not isinstance(answer, dict):
        raise NotTelegram("not a JSON object")
    return answer


def _parse_leniently(payload: bytes) -> Any:
    """Parse JSON with lone surrogates or invalid UTF-8, which one broken update may contain.

    If its whole batch were rejected, Telegram would send it again and again, and block the bot.
    """
    if len(payload) <= LENIENT:
        try:
            return json.loads(payload.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            pass
    raise NotTelegram("not JSON")


def read_envelope(payload: bytes) -> dict[str, Any]:
    """Parse the answer to a successful call.

    Returns:
        The whole object, with its `result`.

    Raises:
        NotTelegram: it is not such an answer.
    """
    answer = parse(payload)
    if answer.get("ok") is not True or "result" not in answer:
        raise NotTelegram("neither a result nor an error")
    return answer


def read_result(method: str, payload: bytes) -> Any:
    """Return the `result` of a successful call.

    Args:
        method: the method of the Bot API.

    Raises:
        NotTelegram: the result does not have the form of that method's results.
    """
    result = read_envelope(payload)["result"]
    fits = _RESULTS.get(method)
    if fits is not None and not fits(result):
        raise NotTelegram(f"unexpected result of {method}")
    return result


def read_identity(payload: bytes) -> dict[str, Any]:
    """Return the bot in an answer to getMe, reduced to the fields in use.

    Raises:
        NotTelegram: the answer contains no bot.
    """
    me = read_result("getMe", payload)
    return {
        "id": me["id"],
        "is_bot": True,
        "first_name": foreign(me["first_name"], limit=MAX_TEXT),
        "username": me.get("username", ""),
    }


def read_error(status: int, payload: bytes) -> TelegramError:
    """Return the library's error for an answer with an error status.

    Args:
        status: the HTTP status.
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
        # Telegram's own front servers answer like this when their backends are unavailable.
        return _kind(status)(_phrase(status)) if status >= 500 else NotTelegram(_phrase(status))
    if code := _CODE.fullmatch(text):  # without the prefix, the library leaves it in capitals
        text = code[1]
    return _with_parameters(answer.get("parameters")) or _kind(status)(
        foreign(text, limit=MAX_TEXT) or _phrase(status)
    )


def _kind(status: int) -> type[TelegramError]:
    if status >= 500 and status not in _GATEWAY_FAILURES:
        return Unavailable
    return _ERRORS.get(status, NetworkError)


def _with_parameters(parameters: Any) -> TelegramError | None:
    """Read https://core.telegram.org/bots/api#responseparameters."""
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        return NotTelegram("parameters is not an object")
    seconds, chat_id = parameters.get("retry_after"), parameters.get("migrate_to_chat_id")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return RetryAfter(int(min(max(MIN_RETRY_AFTER, seconds), MAX_RETRY_AFTER)))
    if seconds is not None:
        return NotTelegram("retry_after is not a number")
    if chat_id is None:
        return None
    if not is_telegram_id(chat_id):
        return NotTelegram("migrate_to_chat_id is not a valid id")
    return ChatMigrated(chat_id)


def _phrase(status: int) -> str:
    try:
        return f"{HTTPStatus(status).phrase} ({status})"
    except ValueError:
        return f"status {status}"


def _is_bot(result: Any) -> bool:
    """Return True for a User that is a bot, https://core.telegram.org/bots/api#user."""
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


# The checks by method. All other fields are checked where they are used.
_RESULTS: dict[str, Callable[[Any], bool]] = {
    "getMe": _is_bot,
    "getUpdates": lambda result: isinstance(result, list),
    "getWebhookInfo": _is_object,
    "deleteWebhook": lambda result: result is True,
    "sendMessage": _is_object,
}
