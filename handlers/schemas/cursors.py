"""Opaque cursors: where a list goes on. They stay right while rows are added at its beginning."""

from __future__ import annotations

import base64
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from handlers.schemas.common import BodySchema

MAX_LIMIT = 200
_MAX_NUMBER = 2**63 - 1


class Cursor(fields.Field[tuple[int, ...]]):
    """The position behind an item, as one or more numbers in a text that means nothing else.

    Args:
        numbers: how many it has.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__(
            load_default=None,
            metadata={
                "description": "The `next` of the page before; without it, the list begins.",
                "type": "string",
            },
        )
        self._numbers = numbers

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[int, ...]:
        try:
            text = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode("ascii")
            numbers = tuple(int(number) for number in text.split("."))
        except ValueError:
            numbers = ()
        is_ours = len(numbers) == self._numbers and numbers[0] >= 0
        if not is_ours or any(abs(number) > _MAX_NUMBER for number in numbers):
            raise ValidationError("Use the `next` of an earlier page as it is.")
        return numbers


def encode(*numbers: int) -> str:
    """Return the cursor of a position."""
    text = ".".join(map(str, numbers)).encode("ascii")
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode("ascii")


class CursorQuerySchema(BodySchema):
    """The size of a page."""

    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(min=1, max=MAX_LIMIT),
        metadata={"description": "The number of items of a page."},
    )


class ItemsSchema(Schema):
    """The parts of every page with a cursor."""

    next = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Give it as `after` to get the next page; null on the last one."},
    )
