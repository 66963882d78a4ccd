"""What the history keeps of an update.

Sources: https://core.telegram.org/bots/api#message and #update. Like everything that reads updates,
this answers for every JSON object: content that nobody knows is kept, and called by its field.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from models.bots.telegram_id import is_telegram_id
from models.engine.base import now
from models.messaging.received import ChatInfo, Received
from runner.updates.incoming import IncomingUpdate, JSONObject, as_object

# What a message has beside its content; the first three groups have columns of their own.
_COLUMNS = {"message_id", "date", "edit_date", "chat", "text", "message_thread_id"}
_AROUND = {
    "from", "sender_chat", "sender_boost_count", "sender_business_bot", "sender_tag",
    "is_topic_message", "is_automatic_forward", "forward_origin", "reply_to_message",
    "external_reply", "quote", "reply_to_story", "reply_to_checklist_task_id", "via_bot",
    "has_protected_content", "is_from_offline", "is_paid_post", "media_group_id",
    "author_signature", "paid_star_count", "entities", "link_preview_options", "effect_id",
    "caption", "caption_entities", "show_caption_above_media", "has_media_spoiler",
    "reply_markup", "business_connection_id", "direct_messages_topic", "suggested_post_info",
}  # fmt: skip
# These come with another field, which says less: an animation is a document as well.
_FIRST = ("text", "animation", "venue", "story", "game")
_KINDS = {
    "new_chat_members": "joined",
    "left_chat_member": "left",
    "my_chat_member": "membership",
    "callback_query": "button",
    "message_reaction": "reaction",
}
# Those that are counted by name; a server that is not Telegram's could make up any number.
_COUNTED = frozenset(
    {
        "text", "photo", "video", "animation", "audio", "voice", "video_note", "document",
        "sticker", "contact", "location", "venue", "poll", "dice", *_KINDS.values(),
    }
)  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_START = re.compile(r"/start(?:@\w+)? ([A-Za-z0-9_-]{1,64})")
_LATEST = 32_503_680_000  # the year 3000, in seconds
MAX_NAME = 256  # characters that are kept of a name


def received(update: IncomingUpdate) -> Received | None:
    """Return what is kept of an update; None if it is of no chat, or is nothing that is kept."""
    if update.chat_id is None or update.kind is None:
        return None
    if update.kind in ("message", "edited_message"):
        return _message(update)
    return _event(update)


def _message(update: IncomingUpdate) -> Received:
    message = update.content
    text = message.get("text", message.get("caption"))
    rest = {name: value for name, value in message.items() if name not in _COLUMNS}
    if isinstance(message.get("caption"), str) and "text" not in message:
        del rest["caption"]  # it is the text
    if update.user_id == update.chat_id:
        rest.pop("from", None)  # the chat has it
    _shorten_reply(rest)
    number = message.get("message_id")
    is_edit = update.kind == "edited_message"
    topic = message.get("message_thread_id") if message.get("is_topic_message") is True else None
    return Received(
        _content_kind(message),
        _clean(text) if isinstance(text, str) else None,
        _moment(message.get("edit_date") if is_edit else message.get("date")),
        number if is_telegram_id(number) else None,
        orjson.dumps(rest) if rest else b"",
        update.user_id if update.user_id != update.chat_id else None,
        topic if is_telegram_id(topic) else None,
        is_edit,
    )


def _shorten_reply(rest: JSONObject) -> None:
    """Keep only the id of the message that is answered: it is in the history itself."""
    if "reply_to_message" in rest:
        answered = rest["reply_to_message"]
        number = answered.get("message_id") if isinstance(answered, dict) else None
        rest["reply_to_message"] = {"message_id": number}


def _event(update: IncomingUpdate) -> Received:
    """Return something that people do without a message."""
    content, text = dict(update.content), None
    if update.kind == "callback_query":
        message = content.pop("message", None)
        number = message.get("message_id") if isinstance(message, dict) else None
        data = content.get("data")
        text = _clean(data) if isinstance(data, str) else None
        content = {"message_id": number, "data": data}
    for name in ("chat", "date"):
        content.pop(name, None)
    return Received(
        _KINDS[str(update.kind)],
        text,
        _moment(update.content.get("date")),
        content=orjson.dumps(content),
        sender_id=update.user_id if update.user_id != update.chat_id else None,
    )


def _content_kind(message: JSONObject) -> str:
    for name in _FIRST:
        if name in message:
            return name
    names = [name for name in message if name not in _COLUMNS and name not in _AROUND]
    name = next((name for name in names if _NAME.fullmatch(name)), "unknown")
    return _KINDS.get(name, name)


def counted_kind(said: Received) -> str:
    """Return the kind under which a message is counted: one of a few, or `other`."""
    return said.kind if said.kind in _COUNTED else "other"


def chat_info(update: IncomingUpdate) -> ChatInfo | None:
    """Return what an update tells of its chat; None for nothing."""
    content = update.content
    if update.kind == "callback_query":
        message = content.get("message")
        chat = as_object(message.get("chat")) if isinstance(message, dict) else {}
    else:
        chat = as_object(content.get("chat"))
    if not chat:
        return None
    sender = "user" if update.kind == "message_reaction" else "from"
    person = as_object(content.get(sender)) if update.user_id == update.chat_id else {}
    kind = chat.get("type")
    return ChatInfo(
        kind if kind in ("private", "group", "supergroup", "channel") else "",
        _name(chat.get("title")),
        _name(person.get("first_name", chat.get("first_name"))),
        _name(person.get("last_name", chat.get("last_name"))),
        _name(person.get("username", chat.get("username"))),
        _name(person.get("language_code"))[:35],
        person.get("is_premium") is True,
        _source(update),
    )


def _source(update: IncomingUpdate) -> str:
    """Return the payload of a deep link (https://core.telegram.org/bots/features#deep-linking)."""
    found = _START.fullmatch(update.text or "")
    return found[1] if found else ""


def _moment(seconds: Any) -> datetime:
    if type(seconds) is int and 0 <= seconds < _LATEST:
        return datetime.fromtimestamp(seconds, UTC)
    return now()


def _name(value: Any) -> str:
    return _clean(value)[:MAX_NAME] if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """Leave out what PostgreSQL or UTF-8 cannot store."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text
