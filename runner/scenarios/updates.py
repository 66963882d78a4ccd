"""Updates of Telegram as events of a dialog.

Sources: https://core.telegram.org/bots/api#message, #messageentity and
https://core.telegram.org/bots/features#privacy-mode. Like everything that reads updates, this
answers for every JSON object; what does not have the form of the Bot API is as if it were not
there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from dialogs.scenarios import Event, EventKind, Place, built_in, read_text
from models.bots.telegram_id import is_telegram_id
from models.messaging.effects import TalkKey
from runner.scenarios.about import Lazy
from runner.updates.incoming import IncomingUpdate, JSONObject

# An animation is a document as well, and a venue has a location.
_FILES = tuple(
    EventKind(name)
    for name in ("animation", "photo", "video", "audio", "voice", "document", "sticker")
)
# What else a person sends; the rest, such as "joined the group", is no message of theirs.
_OTHERS = (
    "poll", "dice", "game", "story", "video_note", "paid_media", "checklist", "invoice",
    "users_shared", "chat_shared", "web_app_data", "successful_payment",
)  # fmt: skip
_MENTIONS = frozenset(("mention", "text_mention"))
_COMMAND_FOR = re.compile(r"/[A-Za-z0-9_]{1,32}@(\w+)")


@dataclass(frozen=True, slots=True)
class Me:
    """The bot itself, as Telegram knows it."""

    telegram_id: int
    username: str
    name: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event with whose talk it belongs to.

    Args:
        key: whose talk it is; None of what belongs to none, such as a tap in another chat.
        is_addressed: True if it is for the bot: in private, or a command, mention or reply.
    """

    event: Event
    key: TalkKey | None
    is_addressed: bool


def read_occasion(update: IncomingUpdate, me: Me) -> Occasion | None:
    """Return what a user does with an update; None if it is nothing that dialogs answer."""
    if update.kind == "callback_query":
        return _tap(update, me)
    if update.kind != "message" or update.chat_id is None:
        return None
    message = update.content
    chat = _object(message.get("chat"))
    event = _event(message, Lazy(partial(_about, message, chat, me)))
    if event is None:
        return None
    key = _key(update, message)
    if chat.get("type") == "private":
        return Occasion(event, key, is_addressed=True)
    return _in_group(event, key, message, me)


def _key(update: IncomingUpdate, message: JSONObject) -> TalkKey | None:
    chat_id = update.chat_id
    if chat_id is None:
        return None
    topic = message.get("message_thread_id") if message.get("is_topic_message") is True else 0
    user_id = update.user_id
    if update.kind == "message":  # a tap is a user's, whoever has sent the message
        # All who write as a chat have one and the same stand-in for a user:
        # https://core.telegram.org/bots/api#message
        sender = _object(message.get("sender_chat")).get("id")
        user_id = sender if is_telegram_id(sender) else user_id
    user_id = chat_id if user_id is None else user_id
    return TalkKey(chat_id, user_id, topic if is_telegram_id(topic) else 0)


def _tap(update: IncomingUpdate, me: Me) -> Occasion:
    query = update.content
    message = _object(query.get("message"))
    data = query.get("data")
    about = Lazy(partial(_about, query, _object(message.get("chat")), me))
    event = Event(EventKind.TAP, data=data if isinstance(data, str) else "", about=about)
    return Occasion(event, _key(update, message), is_addressed=True)


def _event(message: JSONObject, about: Mapping[str, str]) -> Event | None:
    text = message.get("text")
    if isinstance(text, str):
        return read_text(text, about)
    caption = message.get("caption")
    caption = caption if isinstance(caption, str) else ""
    for kind in _FILES:
        if kind in message:
            return Event(kind, caption, file_id=_file_id(message[kind]), about=about)
    phone = _object(message.get("contact")).get("phone_number")
    if isinstance(phone, str):
        return Event(EventKind.CONTACT, phone=phone, about=about)
    if (place := _place(_object(message.get("location")))) is not None:
        return Event(EventKind.LOCATION, place=place, about=about)
    if any(name in message for name in _OTHERS):
        return Event(EventKind.OTHER, caption, about=about)
    return None


def _file_id(value: Any) -> str:
    if isinstance(value, list) and value:  # a photo in several sizes, the largest last
        value = value[-1]
    found = _object(value).get("file_id")
    return found if isinstance(found, str) else ""


def _place(location: JSONObject) -> Place | None:
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if isinstance(latitude, int | float) and isinstance(longitude, int | float):
        return Place(float(latitude), float(longitude))
    return None


def _about(content: JSONObject, chat: JSONObject, me: Me) -> dict[str, str]:
    person = _object(content.get("from"))
    user = {name: _text(person.get(name)) for name in ("first_name", "last_name", "username")} | {
        "id": _text(person.get("id")),
        "language": _text(person.get("language_code")),
    }
    return built_in(
        user=user,
        chat={name: _text(chat.get(name)) for name in ("id", "type", "title")},
        bot={"name": me.name, "username": me.username},
    )


def _in_group(event: Event, key: TalkKey | None, message: JSONObject, me: Me) -> Occasion | None:
    is_addressed = event.kind is EventKind.COMMAND or _answers(message, me)
    if event.kind is not EventKind.COMMAND:
        rest = _without_mention(event.text, message, me)
        is_addressed = is_addressed or rest is not None
        if rest is not None and event.kind is EventKind.TEXT:
            # without who is meant, so that the rest can be compared with what a state waits for
            event = read_text(rest.strip(), event.about)
    if event.kind is EventKind.COMMAND:
        found = _COMMAND_FOR.match(event.text)
        if found and found[1].lower() != me.username.lower():
            return None  # for another bot
    return Occasion(event, key, is_addressed=is_addressed)


def _answers(message: JSONObject, me: Me) -> bool:
    """Tell whether a message is a reply to the bot; in a topic, all reply to its beginning."""
    answered = _object(message.get("reply_to_message"))
    is_topic = "forum_topic_created" in answered
    return _object(answered.get("from")).get("id") == me.telegram_id and not is_topic


def _without_mention(text: str, message: JSONObject, me: Me) -> str | None:
    """Return a text without the first mention of the bot; None if it has none.

    Telegram marks mentions; in a message without a mark of any, they are looked for.
    """
    encoded = text.encode("utf-16-le", "surrogatepass")  # as entities measure it
    marks = [one for one in _entities(message) if one["type"] in _MENTIONS]
    for mark in marks:
        begin, end = 2 * mark["offset"], 2 * (mark["offset"] + mark["length"])
        parts = (encoded[:begin], encoded[begin:end], encoded[end:])
        before, name, after = (part.decode("utf-16-le", "surrogatepass") for part in parts)
        is_named = bool(me.username) and name.lower() == f"@{me.username.lower()}"
        if is_named or _object(mark.get("user")).get("id") == me.telegram_id:
            return before + after
    if marks or not me.username:
        return None
    mention = re.compile(rf"(?<![\w.@+/-])@{re.escape(me.username)}(?!\w)", re.IGNORECASE)
    return mention.sub("", text, count=1) if mention.search(text) else None


def _entities(message: JSONObject) -> list[JSONObject]:
    """Return the marks in the text of a message, or in its caption."""
    found = message.get("entities", message.get("caption_entities"))
    marks = [_object(one) for one in found] if isinstance(found, list) else []
    return [
        one
        for one in marks
        if isinstance(one.get("type"), str)
        and all(type(one.get(name)) is int and one[name] >= 0 for name in ("offset", "length"))
    ]


def _object(value: Any) -> JSONObject:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
