"""A message as calls of the Bot API, without the chat.

Source: https://core.telegram.org/bots/api#available-methods
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dialogs.messages.content import Media, MediaType, Message
from dialogs.messages.formatted import FormattedText, is_blank
from dialogs.messages.formatting import format_text
from dialogs.messages.markup import HTTPS, one_line, reply_markup
from dialogs.messages.schema import MAX_NAME
from dialogs.messages.splitting import MAX_CAPTION, MAX_TEXT, split
from dialogs.messages.variables import Values

Parameters = dict[str, Any]

SEND_ALBUM, SEND_TEXT = "sendMediaGroup", "sendMessage"
UPLOAD = "upload"  # the one field of what stands for an uploaded file in a call
SEND_MEDIA = {kind: f"send{kind.value.capitalize()}" for kind in MediaType}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Bot API.

    Args:
        parameters: as the Bot API has them, without `chat_id`; they can be written as JSON. In
            place of an uploaded file they have `{"upload": id}`.
        size: how many messages the call sends; more than one for an album.
    """

    method: str
    parameters: Parameters
    size: int = 1

    @property
    def captioned(self) -> Parameters:
        """What a caption belongs to: the parameters, or the first file of an album."""
        if self.method == SEND_ALBUM:
            first: Parameters = self.parameters["media"][0]
            return first
        return self.parameters

    @property
    def text(self) -> str | None:
        """Its text or caption; None if it has none."""
        return self.parameters.get("text", self.captioned.get("caption"))


def render(message: Message, variables: Mapping[str, str] | None = None) -> list[Call]:
    """Return the calls that send a message, in order.

    There are none if variables leave nothing to show. A file of which they leave no id or no https
    address is left out, because Telegram would refuse the whole message.

    Args:
        variables: the values to fill in, by name; a name that is missing is filled with nothing.
            None leaves `{{name}}` as it is.
    """
    values = Values(variables)
    text = format_text(message.text, message.format, values)
    markup = reply_markup(message, values)
    if message.media:
        message = replace(message, media=_filled(message, values))
    calls = _content(message, values)
    has_caption = bool(calls) and _takes_caption(message, markup)
    pieces = split(text, first=MAX_CAPTION if has_caption else MAX_TEXT)
    if has_caption and pieces:
        _add_caption(calls[0], pieces.pop(0))
    calls += [_text(piece, message) for piece in pieces if not is_blank(piece.text)]
    return _with_options(calls, message, markup)


def _content(message: Message, values: Values) -> list[Call]:
    """Return the call for what is not text, if there is anything."""
    if len(message.media) > 1:
        files = [{"type": one.type.value, "media": _source(one)} for one in message.media]
        return [Call(SEND_ALBUM, {"media": files}, len(files))]
    if message.media:
        media = message.media[0]
        return [Call(SEND_MEDIA[media.type], {media.type.value: _source(media)})]
    if message.location:
        place = message.location
        return [Call("sendLocation", {"latitude": place.latitude, "longitude": place.longitude})]
    return _contact(message, values)


def _filled(message: Message, values: Values) -> tuple[Media, ...]:
    """Return the files of a message without variables."""
    filled = []
    for media in message.media:
        url, file_id = values.fill_url(media.url), values.fill_file_id(media.file_id)
        if not values.are_names and not HTTPS.match(url):
            url = ""
        if media.upload or url or file_id:
            filled.append(replace(media, url=url, file_id=file_id))
    return tuple(filled)


def _source(media: Media) -> str | Parameters:
    """Return where a file comes from: an address, an id of Telegram, or an object with an upload.

    No text can be mistaken for such an object, whatever a variable is filled with.
    """
    return {UPLOAD: media.upload} if media.upload else media.url or media.file_id


def _contact(message: Message, values: Values) -> list[Call]:
    """Return the call for a contact; a contact without a number cannot be sent."""
    contact = message.contact
    if not contact:
        return []
    phone = one_line(contact.phone_number, MAX_NAME, values)
    parameters = {
        "phone_number": phone,
        "first_name": one_line(contact.first_name, MAX_NAME, values) or phone,
    }
    if last_name := one_line(contact.last_name, MAX_NAME, values):
        parameters["last_name"] = last_name
    return [Call("sendContact", parameters)] if phone else []


def _takes_caption(message: Message, markup: Parameters | None) -> bool:
    """Tell whether the text is sent with the media; an album with buttons needs it for them."""
    if len(message.media) > 1:
        return markup is None
    return bool(message.media) and message.media[0].type is not MediaType.STICKER


def _add_caption(call: Call, caption: FormattedText) -> None:
    """Put a caption at the call's media, an album's at its first file."""
    if is_blank(caption.text):
        return
    owner = call.captioned
    owner["caption"] = caption.text
    if entities := caption.entities():
        owner["caption_entities"] = entities


def _text(piece: FormattedText, message: Message) -> Call:
    parameters: Parameters = {"text": piece.text}
    if entities := piece.entities():
        parameters["entities"] = entities
    if not message.link_preview:
        parameters["link_preview_options"] = {"is_disabled": True}
    return Call(SEND_TEXT, parameters)


def _with_options(calls: list[Call], message: Message, markup: Parameters | None) -> list[Call]:
    """Add to the calls what is not content."""
    if not calls:
        return calls
    if message.reply_to is not None:
        calls[0].parameters["reply_parameters"] = {
            "message_id": message.reply_to,
            "allow_sending_without_reply": True,
        }
    if markup and calls[-1].method != SEND_ALBUM:
        calls[-1].parameters["reply_markup"] = markup
    for call in calls:
        if message.silent:
            call.parameters["disable_notification"] = True
        if message.protect:
            call.parameters["protect_content"] = True
    return calls
