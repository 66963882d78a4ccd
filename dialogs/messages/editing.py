"""Changing messages that were sent: which call of the Bot API edits which.

Source: https://core.telegram.org/bots/api#updating-messages
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from dialogs.messages.content import MediaType
from dialogs.messages.rendering import SEND_ALBUM, SEND_MEDIA, SEND_TEXT, Call, Parameters

# The kinds of media that can take each other's place, and that of a text.
_REPLACEABLE = {
    SEND_MEDIA[kind]: kind.value
    for kind in (
        MediaType.PHOTO,
        MediaType.VIDEO,
        MediaType.ANIMATION,
        MediaType.AUDIO,
        MediaType.DOCUMENT,
    )
}
_WITH_CAPTION = {**_REPLACEABLE, SEND_MEDIA[MediaType.VOICE]: MediaType.VOICE.value}
_CAPTION = ("caption", "caption_entities")
_TEXT = ("text", "entities", "link_preview_options")
# How a message is delivered; no edit changes it.
_DELIVERY = ("reply_parameters", "disable_notification", "protect_content", "reply_markup")


class EditCode(StrEnum):
    """The codes of reasons why a message cannot become another, for programs."""

    OTHER_CONTENT = "other_content"
    OTHER_NUMBER = "other_number_of_messages"
    KEYBOARD = "keyboard_not_editable"
    ALBUM = "album_not_editable"


class NotEditable(Exception):
    """A sent message cannot become the new one; send that instead."""

    def __init__(self, code: EditCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def edit_calls(sent: Sequence[Call], new: Sequence[Call]) -> list[Call | None]:
    """Return for each call of a sent message the call that edits it; see `edit_call`.

    Raises:
        NotEditable: the new message is not made of as many calls, or one of them is not possible.
    """
    if len(sent) != len(new):
        raise NotEditable(
            EditCode.OTHER_NUMBER, "The new message is made of more or fewer parts than the old."
        )
    return [edit_call(old, call) for old, call in zip(sent, new, strict=True)]


def edit_call(sent: Call, new: Call) -> Call | None:
    """Return the call that turns a sent message into another, without `chat_id` and `message_id`.

    Of an album, it edits the first message.

    Args:
        sent: the call that sent it; without parameters if only its method is known.
        new: the call that would send the new one.

    Returns:
        The call; None if nothing changes that an edit can change.

    Raises:
        NotEditable: the Bot API has no such edit.
    """
    if _has_keyboard(sent) or _has_keyboard(new):
        raise NotEditable(
            EditCode.KEYBOARD, "A message with buttons in place of the keyboard cannot be edited."
        )
    if SEND_ALBUM in (sent.method, new.method):
        return _album(sent, new)
    if new.method == sent.method == SEND_TEXT:
        if _same(sent, new, _TEXT):
            return _markup(sent, new)
        return _edit("editMessageText", _picked(new.parameters, _TEXT), new)
    if new.method == sent.method and _same_content(sent, new):
        if new.method not in _WITH_CAPTION or _same(sent, new, _CAPTION):
            return _markup(sent, new)
        caption = {"caption": "", **_picked(new.parameters, _CAPTION)}
        return _edit("editMessageCaption", caption, new)
    if new.method in _REPLACEABLE and sent.method in (SEND_TEXT, *_REPLACEABLE):
        kind = _REPLACEABLE[new.method]
        media = {"type": kind, "media": new.parameters[kind]}
        media |= _picked(new.parameters, _CAPTION)
        return _edit("editMessageMedia", {"media": media}, new)
    raise NotEditable(
        EditCode.OTHER_CONTENT, f"Telegram cannot turn {_kind(sent)} into {_kind(new)}."
    )


def _album(sent: Call, new: Call) -> Call | None:
    """Return the call that edits an album's caption; its files are separate messages."""
    if sent.method == new.method:
        old, files = ([*call.parameters.get("media", ())] for call in (sent, new))
        if [_file(one) for one in old] == [_file(one) for one in files]:
            if old == files:
                return None
            caption = {"caption": "", **_picked(files[0], _CAPTION)}
            return Call("editMessageCaption", caption)
    raise NotEditable(EditCode.ALBUM, "Only the caption of an album can be edited.")


def _file(media: Parameters) -> Parameters:
    return {name: value for name, value in media.items() if name not in _CAPTION}


def _edit(method: str, parameters: Parameters, new: Call) -> Call:
    """Return an edit with the new buttons; without any, it takes the old ones away."""
    return Call(method, {**parameters, **_picked(new.parameters, ("reply_markup",))})


def _markup(sent: Call, new: Call) -> Call | None:
    if _same(sent, new, ("reply_markup",)):
        return None
    return _edit("editMessageReplyMarkup", {}, new)


def _picked(parameters: Parameters, names: Sequence[str]) -> Parameters:
    return {name: parameters[name] for name in names if name in parameters}


def _same(sent: Call, new: Call, names: Sequence[str]) -> bool:
    return _picked(sent.parameters, names) == _picked(new.parameters, names)


def _same_content(sent: Call, new: Call) -> bool:
    """Tell whether two calls differ in nothing but caption, buttons and how they are delivered."""
    return _content(sent) == _content(new)


def _content(call: Call) -> dict[str, Any]:
    besides = (*_CAPTION, *_DELIVERY)
    return {name: value for name, value in call.parameters.items() if name not in besides}


def _has_keyboard(call: Call) -> bool:
    markup = call.parameters.get("reply_markup")
    return markup is not None and "inline_keyboard" not in markup


def _kind(call: Call) -> str:
    """Return what a call sends, in words."""
    name = call.method.removeprefix("send").lower()
    article = "an" if name[0] in "aeiou" else "a"
    return f"{article} {name}"
