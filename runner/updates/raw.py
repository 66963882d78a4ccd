"""Reads updates as they came from Telegram: JSON, in which anything may stand at any place.

Everything here answers for every JSON object; what does not have the form that the Bot API
describes (https://core.telegram.org/bots/api#update) is as if it were not there, and `flaw_of`
says so.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from models.bots.telegram_id import is_telegram_id
from models.redaction import foreign

JSONObject = dict[str, Any]

# What is asked of Telegram; the rest would be carried over the wire to be dropped.
ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
# Beside the fields of an update; from outside they are not taken.
ATTEMPTS = "botyard_attempts"  # how often its handler has failed
UNREADABLE = "botyard_unreadable"  # why it cannot be stored as it came
MAX_FLAW = 200  # characters

_NO_OBJECT: JSONObject = {}


def _object(value: Any) -> JSONObject:
    return value if isinstance(value, dict) else _NO_OBJECT


def _id(value: Any) -> int | None:
    """The id of an object, such as a chat."""
    number = _object(value).get("id")
    return number if is_telegram_id(number) else None


def chat_key(update: JSONObject) -> Hashable:
    """The key of the updates that stay in order with this one: its chat, or else its sender."""
    for content in update.values():
        if not isinstance(content, dict):
            continue
        chat = _id(content.get("chat") or _object(content.get("message")).get("chat"))
        if chat is not None:
            return "chat", chat
        user = _id(content.get("from"))
        if user is not None:
            return "user", user
    return None


def chat_id_of(update: JSONObject) -> int | None:
    """The chat that an update is about."""
    for kind in ("message", "edited_message", "my_chat_member"):
        if kind in update:
            return _id(_object(update[kind]).get("chat"))
    return _id(_object(_object(update.get("callback_query")).get("message")).get("chat"))


def membership_of(update: JSONObject) -> str | None:
    """The new status of the bot in a chat, of an update that tells it."""
    member = update.get("my_chat_member")
    if member is None:
        return None
    return str(_object(_object(member).get("new_chat_member")).get("status"))


def flaw_of(update: JSONObject) -> str | None:
    """The reason why an update cannot be understood; None when it can."""
    if UNREADABLE in update:
        return foreign(str(update[UNREADABLE]), limit=MAX_FLAW)
    for kind in ALLOWED_UPDATES:
        content = update.get(kind)
        if content is None:
            continue
        if not isinstance(content, dict):
            return f"{kind} is no object"
        flaw = _flaw_in_query(content) if kind == "callback_query" else _flaw_in(content, kind)
        if flaw is not None:
            return flaw
    return None


def _flaw_in(content: JSONObject, path: str) -> str | None:
    if _id(content.get("chat")) is None:
        return f"{path}.chat is no chat with an id"
    # whoever writes as a channel has no user
    if content.get("from") is not None and _id(content["from"]) is None:
        return f"{path}.from is no user with an id"
    return None


def _flaw_in_query(query: JSONObject) -> str | None:
    if _id(query.get("from")) is None:
        return "callback_query.from is no user with an id"
    message = query.get("message")
    if message is None:
        return None
    if not isinstance(message, dict):
        return "callback_query.message is no object"
    return _flaw_in(message, "callback_query.message")
