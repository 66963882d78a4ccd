"""Opaque cursors: where the next page of a list begins."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from marshmallow import ValidationError, fields, validate

from handlers.ids import MAX_ID
from handlers.schemas.common import BodySchema

MAX_LIMIT = 200


def cursor(number: int) -> str:
    """Return the cursor behind a row.

    Args:
        number: the row's id.
    """
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


class CursorField(fields.String):
    """The parameter with a cursor, as the id of a row."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = str(super()._deserialize(value, *args, **kwargs))
        try:
            decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        except (binascii.Error, ValueError):
            decoded = ""
        if not decoded.isdecimal() or len(decoded) > 18 or not 0 < int(decoded) <= MAX_ID:
            raise ValidationError("This is not the `next` of an earlier page.")
        return int(decoded)


class CursorQuerySchema(BodySchema):
    """A part of a list."""

    after = CursorField(
        load_default=None, metadata={"description": "The `next` of the page before."}
    )
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MAX_LIMIT))
