"""The JSON Schema of a message (draft 2020-12), for validation and for frontends.

`dialogs/messages/validation.py` checks besides what a schema cannot say.
"""

from __future__ import annotations

from typing import Any

from dialogs.messages.content import MediaType
from dialogs.messages.variables import NAME

Schema = dict[str, Any]

MAX_CHARACTERS = 32_000  # of a text, before it is filled and split
MAX_SIGNS = 3000  # of Markdown in a text: they take up to a tenth of a second to parse
MAX_BUTTON_TEXT = 256  # characters; apps show fewer
MAX_COPIED = 256  # https://core.telegram.org/bots/api#copytextbutton
MAX_CALLBACK_DATA = 64  # bytes: https://core.telegram.org/bots/api#inlinekeyboardbutton
MAX_NAME = 64  # characters of a contact's names and phone number
MAX_BUTTONS, MAX_IN_ROW = 100, 8
MAX_ID = 2**53 - 1  # the largest that every program reads as it is
ALBUM_TYPES = ("photo", "video", "document", "audio")

# `$(?!\n)` is the end of the text both in JavaScript and in Python.
_END = r"$(?!\n)"
_VARIABLE = rf"\{{\{{{NAME}\}}\}}"
HTTPS = rf"^(https://[^\s/]\S*|{_VARIABLE}){_END}"
FILE_ID = rf"^([A-Za-z0-9_-]|\{{\{{ *{NAME} *\}}\}})+{_END}"
LINK = rf"^(https?://[^\s/]\S*|tg://\S+|{_VARIABLE}){_END}"


def _exactly_one(*names: str) -> Schema:
    return {"oneOf": [{"required": [name]} for name in names]}


def _at_most_one(*names: str) -> Schema:
    none = {"not": {"anyOf": [{"required": [name]} for name in names]}}
    return {"oneOf": [*({"required": [name]} for name in names), none]}


def _object(title: str, properties: Schema, *, required: list[str], **rules: Any) -> Schema:
    return {
        "title": title, "type": "object", "properties": properties, "required": required,
        "additionalProperties": False, **rules,
    }  # fmt: skip


def _text(description: str, longest: int, *, shortest: int = 1, **rules: Any) -> Schema:
    return {
        "description": description, "type": "string",
        "minLength": shortest, "maxLength": longest, **rules,
    }  # fmt: skip


def _flag(description: str, *, default: bool = False) -> Schema:
    return {"description": description, "type": "boolean", "default": default}


def _rows(button: str, description: str) -> Schema:
    row = {"type": "array", "items": {"$ref": button}, "minItems": 1, "maxItems": MAX_IN_ROW}
    return {
        "description": description, "type": "array", "items": row,
        "minItems": 1, "maxItems": MAX_BUTTONS,
    }  # fmt: skip


def _degrees(description: str, most: int) -> Schema:
    return {"description": description, "type": "number", "minimum": -most, "maximum": most}


def _https(description: str) -> Schema:
    example = "https://example.com/page"
    return _text(description, 2048, pattern=HTTPS, examples=[example])


_STYLE = {
    "description": "The button's color: danger is red, success green, primary blue.",
    "type": "string",
    "enum": ["danger", "success", "primary"],
}
_SOURCE = {
    "url": _https(
        "An https address that Telegram fetches the file from: photos up to 5 MB, others up to "
        "20 MB; documents only GIF, PDF and ZIP."
    ),
    # Anything else could be a path, which a Bot API server of one's own would read and send.
    "file_id": _text(
        "The id of a file that was sent to or by this bot before: letters, digits, - and _, or a "
        "variable.",
        256,
        pattern=FILE_ID,
    ),
    "upload": {
        "description": "The id of a file that was uploaded for this bot, of the same kind.",
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_ID,
    },
}
_MEDIA_TYPE = {
    "description": "The kind of the file.",
    "type": "string",
    "enum": [str(kind) for kind in MediaType],
}
_ALBUM_TYPE = {
    "description": "The kind of the file: photos and videos together, documents only with "
    "documents, audio only with audio.",
    "type": "string",
    "enum": list(ALBUM_TYPES),
}
_DEFINITIONS: Schema = {
    "media": _object(
        "One file",
        {"type": _MEDIA_TYPE, **_SOURCE},
        required=["type"],
        **_exactly_one("url", "file_id", "upload"),
    ),
    "album": {
        "title": "An album", "type": "array", "minItems": 2, "maxItems": 10,
        "items": _object(
            "A file of an album",
            {"type": _ALBUM_TYPE, **_SOURCE},
            required=["type"],
            **_exactly_one("url", "file_id", "upload"),
        ),
    },
    "location": _object(
        "A point on the map",
        {
            "latitude": _degrees("Degrees to the north.", 90),
            "longitude": _degrees("Degrees to the east.", 180),
        },
        required=["latitude", "longitude"],
    ),
    "contact": _object(
        "A person's phone number",
        {
            "phone_number": _text("With the country's code, such as +15551234567.", MAX_NAME),
            "first_name": _text("The person's first name.", MAX_NAME),
            "last_name": _text("The person's last name.", MAX_NAME, shortest=0),
        },
        required=["phone_number", "first_name"],
    ),
    "button": _object(
        "A button below the message",
        {
            "text": _text("What the button shows.", MAX_BUTTON_TEXT),
            "go": _text(
                "Where the dialog goes on: the callback data, at most 64 bytes. Variables are not "
                "filled in.",
                MAX_CALLBACK_DATA,
            ),
            "url": _text(
                "The address that the button opens: http, https or tg.", 2048,
                pattern=LINK, examples=["https://example.com/page"],
            ),
            "web_app": _https("The https address of the Mini App that the button opens."),
            "copy": _text("The text that the button copies.", MAX_COPIED),
            "style": _STYLE,
        },
        required=["text"],
        **_exactly_one("go", "url", "web_app", "copy"),
    ),
    "keyboardButton": _object(
        "A button in place of the user's keyboard",
        {
            "text": _text("What the button shows and sends.", MAX_BUTTON_TEXT),
            "request": {
                "description": "Send the user's phone number or location instead of the text.",
                "type": "string",
                "enum": ["contact", "location"],
            },
            "style": _STYLE,
        },
        required=["text"],
    ),
    "keyboard": _object(
        "Buttons in place of the user's keyboard",
        {
            "rows": _rows("#/$defs/keyboardButton", "Rows of buttons, at most 100 in all."),
            "one_time": _flag("Hide the buttons after one is pressed."),
            "resize": _flag("Make the buttons as high as their text needs.", default=True),
            "placeholder": _text("The grey text in the empty input field.", 64),
        },
        required=["rows"],
    ),
}  # fmt: skip

SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:botyard:message:1",
    "title": "Message",
    "description": "A message that a bot sends. It has a text, or one of media, location and "
    "contact, or both. {{name}} stands for the value of a variable in all texts and addresses. "
    "All objects and lists together have at most 2,000 fields and entries.",
    "type": "object",
    "properties": {
        "text": _text(
            "The text; beside media, its caption. A text that is too long for one message is "
            "sent as several.",
            MAX_CHARACTERS,
        ),
        "format": {
            "description": "How the text is written. markdown is CommonMark with "
            "~~strikethrough~~ and ||spoilers||, without HTML; a text may have at most 3,000 "
            "line breaks and signs such as * in all.",
            "type": "string",
            "enum": ["plain", "markdown"],
            "default": "plain",
        },
        "media": {
            "description": "A file, or a list of 2-10 files: an album.",
            "if": {"type": "array"},
            "then": {"$ref": "#/$defs/album"},
            "else": {"$ref": "#/$defs/media"},
        },
        "location": {"$ref": "#/$defs/location"},
        "contact": {"$ref": "#/$defs/contact"},
        "buttons": _rows(
            "#/$defs/button", "Rows of buttons below the message: at most 8 in a row, 100 in all."
        ),
        "keyboard": {"$ref": "#/$defs/keyboard"},
        "remove_keyboard": {
            "description": "Take away the buttons in place of the user's keyboard.",
            "type": "boolean",
            "const": True,
        },
        "reply_to": {
            "description": "The id of the message in the same chat that this one answers.",
            "type": "integer", "minimum": 1, "maximum": 2**31 - 1,
        },
        "silent": _flag("Notify without a sound."),
        "protect": _flag("Forbid forwarding and saving."),
        "typing": {
            "description": "For how many seconds the bot seems to type before it sends.",
            "type": "number", "minimum": 0, "maximum": 10, "default": 0,
        },
        "link_preview": _flag("Show a preview of the first link.", default=True),
    },
    "additionalProperties": False,
    "anyOf": [{"required": [name]} for name in ("text", "media", "location", "contact")],
    "allOf": [
        _at_most_one("media", "location", "contact"),
        _at_most_one("buttons", "keyboard", "remove_keyboard"),
    ],
    "$defs": _DEFINITIONS,
}  # fmt: skip
