"""Uploaded files in answers, and the parameters of uploads."""

from __future__ import annotations

from marshmallow import Schema, fields

from dialogs.messages.content import MediaType
from handlers.schemas.common import BodySchema, Moment
from handlers.schemas.cursors import Cursor, CursorQuerySchema, ItemsSchema


class MediaSchema(Schema):
    """An uploaded file, which messages of its bot can have."""

    id = fields.Integer(
        required=True, metadata={"description": "For `upload` in the media of a message."}
    )
    name = fields.String(required=True)
    mime_type = fields.String(
        required=True, metadata={"description": "What the upload said; it is not checked."}
    )
    kind = fields.Enum(
        MediaType,
        by_value=True,
        required=True,
        metadata={"description": "The `type` that it has in a message."},
    )
    size = fields.Integer(required=True, metadata={"description": "In bytes."})
    sha256 = fields.String(required=True)
    created_at = Moment(required=True)
    author = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The account that has uploaded it; null if it was deleted."},
    )
    file_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Telegram's id of the file, once the bot has sent it."},
    )


class MediaItemsSchema(ItemsSchema):
    """A page of uploaded files, the latest first."""

    items = fields.List(fields.Nested(MediaSchema), required=True)


class MediaQuerySchema(CursorQuerySchema):
    """A part of the list of files."""

    after = Cursor(1)


class UploadQuerySchema(BodySchema):
    """How a file is to be sent."""

    kind = fields.Enum(
        MediaType,
        by_value=True,
        load_default=None,
        metadata={
            "description": "The `type` that it will have in messages. If left out, it follows from "
            "the file's media type: images are photos, GIFs animations; everything else than "
            "images, MP4, MP3, M4A and Ogg is a document."
        },
    )
