"""sendMediaGroup: an album, which is several messages with one media_group_id."""

from __future__ import annotations

import secrets

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import bad_request
from sandbox.files import AUDIO, DOCUMENT, PHOTO, VIDEO
from sandbox.input_media import InputMedia, read_input_media
from sandbox.params import Params
from sandbox.sending import options, put, read_reply
from sandbox.targets import read_chat

MAX_ALBUM = 10

_KINDS = frozenset((PHOTO, VIDEO, AUDIO, DOCUMENT))


def send_media_group(bot: SandboxBot, params: Params) -> list[Message]:
    """sendMediaGroup. Source: https://core.telegram.org/bots/api#sendmediagroup"""
    chat = read_chat(bot, params)
    shared = {**options(chat, params), **read_reply(chat, params)}
    items = _items(params)
    contents = [item.content(bot) for item in items]
    # One item alone is sent as a message that belongs to no album.
    group = {"media_group_id": new_group_id()} if contents[1:] else {}
    bot.flood.check(chat.id, count=len(contents))
    shared |= group
    return [put(bot, "sendMediaGroup", chat, {**shared, **content}, None) for content in contents]


def new_group_id() -> str:
    """Make the `media_group_id` of an album."""
    return str(10**16 + secrets.randbelow(10**16))


def _items(params: Params) -> list[InputMedia]:
    """Read the album; every item is checked before the first file of it is kept."""
    params.required("media")
    given = params.decoded("media", what="media")
    if not isinstance(given, list):
        raise bad_request("expected an Array of InputMedia")
    items = [read_input_media(item, params, _KINDS, method="sendMediaGroup") for item in given]
    if not items:
        raise bad_request("there are no messages to send")
    if len(items) > MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    kinds = {item.kind for item in items}
    for kind in (AUDIO, DOCUMENT):
        if kind in kinds and len(kinds) > 1:
            raise bad_request(f"{kind.field} can't be mixed with other media types")
    if len({item.params.flag("show_caption_above_media") for item in items}) > 1:
        raise bad_request("parameter show_caption_above_media must be the same for all messages")
    return items
