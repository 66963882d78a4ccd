"""sendMediaGroup: an album, which is several messages with one media_group_id."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import ApiError, bad_request
from sandbox.files import ANIMATION, AUDIO, DOCUMENT, PHOTO, VIDEO, Kind
from sandbox.media import read_media
from sandbox.params import Params
from sandbox.sending import options, put, read_reply
from sandbox.targets import read_chat

MAX_ALBUM = 10

_KINDS = {kind.field: kind for kind in (PHOTO, VIDEO, AUDIO, DOCUMENT)}


def send_media_group(bot: SandboxBot, params: Params) -> list[Message]:
    """sendMediaGroup. Source: https://core.telegram.org/bots/api#sendmediagroup"""
    chat = read_chat(bot, params)
    reply = read_reply(chat, params)
    items = _items(params)
    contents = [read_media(bot, item, _kind(item), name="media") for item in items]
    # One item alone is sent as a message that belongs to no album.
    group = {"media_group_id": str(10**16 + secrets.randbelow(10**16))} if contents[1:] else {}
    bot.flood.check(chat.id, count=len(contents))
    shared = {**reply, **options(params), **group}
    return [put(bot, "sendMediaGroup", chat, {**shared, **content}, None) for content in contents]


def _items(params: Params) -> list[Params]:
    """Read the album; every item is checked before the first file of it is kept."""
    params.required("media")
    given = params.decoded("media", what="media")
    if not isinstance(given, list):
        raise bad_request("expected an Array of InputMedia")
    items = [_item(item, params) for item in given]
    if not items:
        raise bad_request("there are no messages to send")
    if len(items) > MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    kinds = {_kind(item) for item in items}
    for kind in (AUDIO, DOCUMENT):
        if kind in kinds and len(kinds) > 1:
            raise bad_request(f"{kind.field} can't be mixed with other media types")
    if len({item.flag("show_caption_above_media") for item in items}) > 1:
        raise bad_request("parameter show_caption_above_media must be the same for all messages")
    return items


def _item(given: Any, params: Params) -> Params:
    if not isinstance(given, dict):
        raise _unparsed("expected an Object")
    item = Params(given, params.files)
    media = item.text("media")
    if not media or (media.startswith("attach://") and item.upload("media") is None):
        raise _unparsed("media not found")
    if not item.text("type"):
        raise _unparsed('Can\'t find field "type"')
    _kind(item)
    return item


def _kind(item: Params) -> Kind:
    name = item.text("type")
    if name == ANIMATION.field:
        raise _unparsed(f'type "{name}" can\'t be used in sendMediaGroup')
    kind = _KINDS.get(name)
    if kind is None:
        raise _unparsed(f'type "{name}" is unsupported')
    return kind


def _unparsed(reason: str) -> ApiError:
    return bad_request(f"can't parse InputMedia: {reason}")
