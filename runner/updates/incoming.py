"""An update as it came from Telegram: JSON, in which anything may stand at any place.

Everything here answers for every JSON object; what does not have the form that the Bot API
describes (https://core.telegram.org/bots/api#update) is as if it were not there, and `flaw_of`
says so.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import orjson

from models.bots.telegram_id import is_telegram_id
from models.messaging.updates import StoredUpdate
from models.redaction import foreign

JSONObject = dict[str, Any]

# What is asked of Telegram; the rest would be carried over the wire to be dropped.
ALLOWED_UPDATES = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "message_reaction",
]
# Beside the fields of an update; from outside it is not taken.
UNREADABLE = "botyard_unreadable"  # why it cannot be stored as it came
MAX_FLAW = 200  # characters

_NO_OBJECT: JSONObject = {}


@dataclass(slots=True)
class IncomingUpdate:
    """One update on its way through the runner, made once where it comes in.

    Args:
        update_id: the update's key, among those of its bot.
        raw: the update, or the stand-in that is stored for it.
        kind: which of ALLOWED_UPDATES it is; None when it is none of them.
        chat_id: the chat it is about.
        user_id: the user who caused it.
        attempts: how often its handler has failed.

    Attributes:
        chat_key: the key of the updates that stay in order with this one: its chat's, or else its
            sender's.
    """

    update_id: int
    raw: JSONObject
    kind: str | None
    chat_id: int | None
    user_id: int | None
    attempts: int = 0
    chat_key: Hashable = field(init=False)

    def __post_init__(self) -> None:
        if self.chat_id is not None:
            self.chat_key = "chat", self.chat_id
        else:
            self.chat_key = None if self.user_id is None else ("user", self.user_id)

    @classmethod
    def from_raw(cls, raw: JSONObject, *, attempts: int = 0) -> IncomingUpdate:
        """Read an update.

        Args:
            raw: with an `update_id` that can be a key.
            attempts: how often its handler has failed.
        """
        number = raw["update_id"]
        for kind in ALLOWED_UPDATES:
            content = raw.get(kind)
            if content is not None:
                place = as_object(content)
                user_id = _id(place.get("user" if kind == "message_reaction" else "from"))
                if kind == "callback_query":
                    place = as_object(place.get("message"))
                return cls(number, raw, kind, _id(place.get("chat")), user_id, attempts)
        return cls(number, raw, None, None, None, attempts)

    @classmethod
    def from_stored(cls, stored: StoredUpdate) -> IncomingUpdate:
        """Read an update of the journal."""
        return cls.from_raw(orjson.loads(stored.payload), attempts=stored.attempts)

    @property
    def content(self) -> JSONObject:
        """The object of its kind; empty when there is none."""
        return _NO_OBJECT if self.kind is None else as_object(self.raw[self.kind])

    @property
    def text(self) -> str | None:
        """The text of a new message.

        None of all else: an edited message is not a new one.
        """
        text = self.content.get("text") if self.kind == "message" else None
        return text if isinstance(text, str) else None

    @property
    def first_name(self) -> str:
        """The first name of the user who caused it; empty when it is not known."""
        name = as_object(self.content.get("from")).get("first_name")
        return name if isinstance(name, str) else ""

    @property
    def moved_to(self) -> int | None:
        """The supergroup that the group has become, of an update that tells it."""
        number = self.content.get("migrate_to_chat_id") if self.kind == "message" else None
        return number if is_telegram_id(number) else None

    @property
    def moved_key(self) -> Hashable | None:
        """The `chat_key` of updates in the supergroup that the group has become."""
        return None if (number := self.moved_to) is None else ("chat", number)

    @property
    def membership(self) -> str | None:
        """The new status of the bot in the chat, of an update that tells it."""
        if self.kind != "my_chat_member":
            return None
        status = as_object(self.content.get("new_chat_member")).get("status")
        return status if isinstance(status, str) else None


def as_object(value: Any) -> JSONObject:
    """Return a value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else _NO_OBJECT


def _id(value: Any) -> int | None:
    """The id of an object, such as a chat."""
    number = as_object(value).get("id")
    return number if is_telegram_id(number) else None


def flaw_of(raw: JSONObject) -> str | None:
    """The reason why an update cannot be understood; None when it can.

    Only what is read is looked at.
    """
    if UNREADABLE in raw:
        return foreign(str(raw[UNREADABLE]), limit=MAX_FLAW)
    for kind in ALLOWED_UPDATES:
        content = raw.get(kind)
        if content is None:
            continue
        if not isinstance(content, dict):
            return f"{kind} is not an object"
        flaw = _flaw_in_query(content) if kind == "callback_query" else _flaw_in(content, kind)
        if flaw is not None:
            return flaw
    return None


def _flaw_in(content: JSONObject, path: str) -> str | None:
    if _id(content.get("chat")) is None:
        return f"{path}.chat has no valid id"
    # whoever writes as a channel has no user
    if content.get("from") is not None and _id(content["from"]) is None:
        return f"{path}.from has no valid id"
    if path == "message" and not isinstance(content.get("text"), str | None):
        return "message.text is not a string"
    if path == "my_chat_member":
        status = as_object(content.get("new_chat_member")).get("status")
        if not isinstance(status, str):
            return f"{path}.new_chat_member has no valid status"
    return None


def _flaw_in_query(query: JSONObject) -> str | None:
    if _id(query.get("from")) is None:
        return "callback_query.from has no valid id"
    message = query.get("message")
    if message is None:
        return None
    if not isinstance(message, dict):
        return "callback_query.message is not an object"
    return _flaw_in(message, "callback_query.message")
