"""Bot API methods that edit the bot's own messages."""

from __future__ import annotations

import time
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import bad_request
from sandbox.files import ANIMATION, AUDIO, DOCUMENT, PHOTO, VIDEO, Kind
from sandbox.input_media import read_input_media
from sandbox.markup import inline_part, read_markup
from sandbox.params import Params
from sandbox.targets import message_to_edit
from sandbox.wording import checked_caption, checked_text

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)

_WORDS = ("text", "entities", "caption", "caption_entities", "show_caption_above_media")
_MEDIA = frozenset((ANIMATION, AUDIO, DOCUMENT, PHOTO, VIDEO))
_CONTENT = (*_WORDS, "has_media_spoiler", *(kind.field for kind in _MEDIA))
_CAPTIONED = frozenset(("photo", "document", "video", "animation", "audio", "voice"))


def edit_message_text(bot: SandboxBot, params: Params) -> Message:
    """editMessageText. Source: https://core.telegram.org/bots/api#editmessagetext"""
    content = checked_text(params, too_long="MESSAGE_TOO_LONG")
    old = message_to_edit(bot, params)
    if "text" not in old:
        raise bad_request("there is no text in the message to edit")
    return _edit(bot, "editMessageText", old, content, read_markup(params))


def edit_message_caption(bot: SandboxBot, params: Params) -> Message:
    """editMessageCaption. Source: https://core.telegram.org/bots/api#editmessagecaption"""
    content = checked_caption(params)
    old = message_to_edit(bot, params)
    if not _CAPTIONED & old.keys():
        raise bad_request("there is no caption in the message to edit")
    return _edit(bot, "editMessageCaption", old, content, read_markup(params))


def edit_message_media(bot: SandboxBot, params: Params) -> Message:
    """editMessageMedia. Source: https://core.telegram.org/bots/api#editmessagemedia"""
    params.required("media")
    given = params.decoded("media", what="media")
    media = read_input_media(given, params, _MEDIA, method="editMessageMedia")
    old = message_to_edit(bot, params)
    if "text" not in old and not {kind.field for kind in _MEDIA} & old.keys():
        raise bad_request("there is no media in the message to edit")
    if "media_group_id" in old and media.kind not in _album_kinds(old):
        raise bad_request("can't use the media of the specified type in the album")
    return _edit(bot, "editMessageMedia", old, media.content(bot), read_markup(params))


def _album_kinds(old: Message) -> frozenset[Kind]:
    """Give what may stand in an album in the place of one of its messages."""
    alone = {kind for kind in (AUDIO, DOCUMENT) if kind.field in old}
    return frozenset(alone) or frozenset((PHOTO, VIDEO))


def edit_message_reply_markup(bot: SandboxBot, params: Params) -> Message:
    """editMessageReplyMarkup. Source: https://core.telegram.org/bots/api#editmessagereplymarkup"""
    old = message_to_edit(bot, params)
    content = {name: old[name] for name in _WORDS if name in old}
    return _edit(bot, "editMessageReplyMarkup", old, content, read_markup(params))


def _edit(
    bot: SandboxBot, method: str, old: Message, content: Message, markup: dict[str, Any] | None
) -> Message:
    replaced = _CONTENT if method == "editMessageMedia" else _WORDS
    dropped = {*replaced, "reply_markup", "edit_date"}
    kept = {key: value for key, value in old.items() if key not in dropped}
    new = {**kept, **content, **inline_part(markup)}
    if new == {key: value for key, value in old.items() if key != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    bot.flood.check(old["chat"]["id"])
    new["edit_date"] = int(time.time())
    bot.chats[old["chat"]["id"]].replace(new)
    bot.journal.add_sent(method, new, markup)
    return new
