"""Bot API methods that send one file: a photo, a document, a video, a sticker, ..."""

from __future__ import annotations

from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import bad_request
from sandbox.files import (
    ANIMATION,
    AUDIO,
    DOCUMENT,
    PHOTO,
    STICKER,
    THUMBNAIL,
    VIDEO,
    VOICE,
    Kind,
    StoredFile,
    Upload,
)
from sandbox.params import Params
from sandbox.sending import send
from sandbox.targets import read_chat
from sandbox.wording import checked_caption

# Nothing is decoded: what the bot does not say of a file is taken to be this.
PHOTO_WIDTH, PHOTO_HEIGHT = 800, 600
VIDEO_WIDTH, VIDEO_HEIGHT = 640, 360
SECONDS = 1
STICKER_SIDE = 512
THUMBNAIL_SIDE = 320

MAX_SIDE = 10_000
MAX_SECONDS = 24 * 3600

_SPOILED = frozenset((PHOTO, VIDEO, ANIMATION))
_WITH_THUMBNAIL = frozenset((DOCUMENT, VIDEO, ANIMATION, AUDIO))


def read_media(bot: SandboxBot, params: Params, kind: Kind, *, name: str) -> dict[str, Any]:
    """Read a file with its caption as the fields of a Message.

    Args:
        bot: The bot whose file it is.
        params: The parameters of the request, or of one item of an album.
        kind: The kind of file that the method sends.
        name: The parameter that names the file or carries it.

    Raises:
        ApiError: 400, the file or the caption cannot be used.
    """
    content = {**_read_file(bot, params, kind, name=name).content()}
    if kind is not STICKER:
        content |= checked_caption(params)
    if kind in _SPOILED and params.flag("has_spoiler"):
        content["has_media_spoiler"] = True
    return content


def _read_file(bot: SandboxBot, params: Params, kind: Kind, *, name: str) -> StoredFile:
    given = params.text(name)
    upload = params.upload(name)
    if upload is not None:
        if not upload.size:
            raise bad_request("file must be non-empty")
        return bot.files.add(upload, kind, **_details(bot, params, kind, upload))
    if not given:
        raise bad_request(f"there is no {name} in the request")
    if given.startswith(("http://", "https://")):
        upload = Upload(given.partition("?")[0].rpartition("/")[2] or "file", given.encode())
        return bot.files.add(upload, kind, **_details(bot, params, kind, upload))
    stored = bot.files.by_id(given)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return _sent_again(stored, kind)


def _sent_again(stored: StoredFile, kind: Kind) -> StoredFile:
    """Give a known file: it keeps its kind, and only photos are not taken for other files."""
    if stored.kind is not kind and {stored.kind, kind} & {PHOTO, THUMBNAIL}:
        raise bad_request(f"can't use file of type {stored.kind.name} as {kind.name}")
    return stored


def _details(bot: SandboxBot, params: Params, kind: Kind, upload: Upload) -> dict[str, Any]:
    """Give the fields that the bot says of a file, as far as its kind has them."""
    details: dict[str, Any] = {}
    if kind is PHOTO:
        details = {"width": PHOTO_WIDTH, "height": PHOTO_HEIGHT}
    elif kind in {VIDEO, ANIMATION}:
        width = params.between("width", 0, MAX_SIDE) or VIDEO_WIDTH
        height = params.between("height", 0, MAX_SIDE) or VIDEO_HEIGHT
        details = {"width": width, "height": height, "duration": _seconds(params)}
    elif kind is AUDIO:
        named = {name: params.text(name) for name in ("performer", "title")}
        details = {"duration": _seconds(params), **{k: v for k, v in named.items() if v}}
    elif kind is VOICE:
        details = {"duration": _seconds(params)}
    elif kind is STICKER:
        details = _sticker(params, upload)
    thumbnail = params.upload("thumbnail") if kind in _WITH_THUMBNAIL else None
    if thumbnail is not None and thumbnail.size:
        small = bot.files.add(thumbnail, THUMBNAIL)
        side = {"width": THUMBNAIL_SIDE, "height": THUMBNAIL_SIDE}
        details["thumbnail"] = {**small.reference(), **side}
    return details


def _seconds(params: Params) -> int:
    return params.between("duration", 0, MAX_SECONDS) or SECONDS


def _sticker(params: Params, upload: Upload) -> dict[str, Any]:
    details = {
        "type": "regular",
        "width": STICKER_SIDE,
        "height": STICKER_SIDE,
        "is_animated": upload.name.endswith(".tgs"),
        "is_video": upload.name.endswith(".webm"),
    }
    emoji = params.text("emoji")
    return {**details, "emoji": emoji} if emoji else details


def _send_file(bot: SandboxBot, method: str, params: Params, kind: Kind) -> Message:
    chat = read_chat(bot, params)
    content = read_media(bot, params, kind, name=kind.field)
    return send(bot, method, chat, params, content)


def send_photo(bot: SandboxBot, params: Params) -> Message:
    """sendPhoto. Source: https://core.telegram.org/bots/api#sendphoto"""
    return _send_file(bot, "sendPhoto", params, PHOTO)


def send_document(bot: SandboxBot, params: Params) -> Message:
    """sendDocument. Source: https://core.telegram.org/bots/api#senddocument"""
    return _send_file(bot, "sendDocument", params, DOCUMENT)


def send_video(bot: SandboxBot, params: Params) -> Message:
    """sendVideo. Source: https://core.telegram.org/bots/api#sendvideo"""
    return _send_file(bot, "sendVideo", params, VIDEO)


def send_animation(bot: SandboxBot, params: Params) -> Message:
    """sendAnimation. Source: https://core.telegram.org/bots/api#sendanimation"""
    return _send_file(bot, "sendAnimation", params, ANIMATION)


def send_audio(bot: SandboxBot, params: Params) -> Message:
    """sendAudio. Source: https://core.telegram.org/bots/api#sendaudio"""
    return _send_file(bot, "sendAudio", params, AUDIO)


def send_voice(bot: SandboxBot, params: Params) -> Message:
    """sendVoice. Source: https://core.telegram.org/bots/api#sendvoice"""
    return _send_file(bot, "sendVoice", params, VOICE)


def send_sticker(bot: SandboxBot, params: Params) -> Message:
    """sendSticker. Source: https://core.telegram.org/bots/api#sendsticker"""
    return _send_file(bot, "sendSticker", params, STICKER)
