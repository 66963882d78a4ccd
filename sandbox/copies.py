"""Bot API methods that forward and copy messages."""

from __future__ import annotations

from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Message, is_service
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.sending import options, put, send
from sandbox.targets import known_chat, read_chat, read_message
from sandbox.wording import checked_caption

# What belongs to one message alone and does not go with its content.
_OWN = frozenset(
    (
        "message_id",
        "message_thread_id",
        "is_topic_message",
        "from",
        "chat",
        "date",
        "edit_date",
        "reply_markup",
        "reply_to_message",
        "media_group_id",
        "has_protected_content",
        "forward_origin",
    )
)
_CAPTION = frozenset(("caption", "caption_entities", "show_caption_above_media"))
_CAPTIONED = frozenset(("photo", "document", "video", "animation", "audio", "voice"))
_COPIED = _CAPTIONED | {
    "text",
    "sticker",
    "video_note",
    "contact",
    "location",
    "venue",
    "poll",
    "dice",
}


def forward_message(bot: SandboxBot, params: Params) -> Message:
    """forwardMessage. Source: https://core.telegram.org/bots/api#forwardmessage"""
    source = _source(bot, params, "message to forward")
    chat = read_chat(bot, params)
    if is_service(source) or "has_protected_content" in source:
        raise bad_request("message can't be forwarded")
    origin = {"type": "user", "sender_user": source["from"], "date": source["date"]}
    content = {"forward_origin": source.get("forward_origin", origin), **_content(source)}
    content = {**options(chat, params), **content}
    bot.flood.check(chat.id)
    return put(bot, "forwardMessage", chat, content, None)


def copy_message(bot: SandboxBot, params: Params) -> dict[str, Any]:
    """copyMessage. Source: https://core.telegram.org/bots/api#copymessage"""
    source = _source(bot, params, "message to copy")
    chat = read_chat(bot, params)
    if is_service(source) or _COPIED.isdisjoint(source):
        raise bad_request("message can't be copied")
    content = _content(source)
    if "caption" in params and _CAPTIONED & content.keys():
        kept = {name: value for name, value in content.items() if name not in _CAPTION}
        content = {**kept, **checked_caption(params)}
    copied = send(bot, "copyMessage", chat, params, content)
    return {"message_id": copied["message_id"]}


def _source(bot: SandboxBot, params: Params, what: str) -> Message:
    params.required("from_chat_id")
    return read_message(known_chat(bot, params, "from_chat_id"), params, what=what)


def _content(source: Message) -> dict[str, Any]:
    return {name: value for name, value in source.items() if name not in _OWN}
