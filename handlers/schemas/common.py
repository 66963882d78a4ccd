"""The parts that schemas share, and those of errors, pages and health.

Schemas validate bodies and addresses, and the API document is made from them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from handlers.errors import Code
from handlers.ids import MAX_ID
from handlers.times import rfc3339
from models.accounts.rules import printable
from runner.states import BotState

MAX_PAGE_SIZE = 100
_MAX_PAGE = 10**6  # larger than any list, and small enough for the databases


class Text(fields.String):
    """A text whose rules are checked in order, up to the first one that fails.

    The length comes first: the cost of the other rules grows with the text.
    """

    def _validate(self, value: Any) -> None:
        for rule in self.validators:
            rule(value)


class StrictBoolean(fields.Boolean):
    """true or false; no text or number that resembles them: a slip would switch a bot."""

    default_error_messages = {  # noqa: RUF012 - marshmallow collects it from the classes
        "invalid": "This must be true or false, not a text or a number."
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Unchecked(fields.Raw):
    """An entry of a list whose values, null included, are checked elsewhere."""

    def deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        """Return the value as it is."""
        return value


@cache
def shared(schema: type[Schema]) -> Schema:
    """Return the one instance of a schema: to make one copies all its fields."""
    return schema()


class Moment(fields.AwareDateTime):
    """A time in an answer."""

    def __init__(self, **options: Any) -> None:
        metadata = {"examples": ["2026-01-31T12:00:00.000Z"]} | options.pop("metadata", {})
        super().__init__(metadata=metadata, **options)

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        return None if value is None else rfc3339(value)


class BodySchema(Schema):
    """The base of all bodies: unknown fields are rejected by name, read-only ones ignored.

    Frontends send back objects that they have read, so read-only fields must be accepted.
    """

    class Meta:
        unknown = RAISE

    @pre_load
    def _ignore_read_only(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        read_only = {name for name, field in self.fields.items() if field.dump_only}
        return {name: value for name, value in data.items() if name not in read_only}


@cache
def optional_fields(schema: type[Schema]) -> frozenset[str]:
    """Return the fields that a PUT may leave out: they stay as they are, as with DRF.

    Args:
        schema: of the body; as its `partial`, these fields get no default.
    """
    return frozenset(name for name, field in shared(schema).fields.items() if not field.required)


class DetailSchema(Schema):
    """A sentence."""

    detail = fields.String(required=True)


class ProblemSchema(Schema):
    """An error, as RFC 9457 describes it.

    Under /rest-auth/ each field of `errors` is also a member of its own.
    """

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.Enum(Code, by_value=True, required=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Sentences by field."},
    )
    request_id = fields.String(
        required=True,
        metadata={"description": "The id of this request in the log, also in X-Request-ID."},
    )
    incident = fields.String(metadata={"description": "The id of this failure in the log."})


class QueryBoolean(fields.Boolean):
    """`true` or `false`, as a query parameter."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Use true or false.")
        return bool(value == "true")


class PageQuerySchema(BodySchema):
    """The page of a list."""

    page = fields.Integer(
        load_default=1,
        validate=validate.Range(min=1, max=_MAX_PAGE),
        metadata={"description": "Counted from 1; one beyond the last is empty."},
    )
    page_size = fields.Integer(load_default=25, validate=validate.Range(min=1, max=MAX_PAGE_SIZE))


class PageSchema(Schema):
    """The parts of every page."""

    count = fields.Integer(required=True, metadata={"description": "Total number of items."})
    next = fields.Url(
        required=True, allow_none=True, metadata={"description": "The address of the next page."}
    )
    previous = fields.Url(
        required=True,
        allow_none=True,
        metadata={"description": "The address of the previous page."},
    )


def id_field(description: str) -> fields.Integer:
    """Make a parameter for the id of a row."""
    rule = validate.Range(min=1, max=MAX_ID)
    return fields.Integer(validate=rule, metadata={"description": description})


def search_field(description: str) -> fields.String:
    """Make a parameter for a text to search for."""
    rules: list[Callable[[str], Any]] = [validate.Length(max=100), printable]
    return Text(validate=rules, metadata={"description": description})


class HealthSchema(Schema):
    """The health of the server."""

    status = fields.String(required=True)


class ReadinessSchema(Schema):
    """Ready once every active bot has been tried since the start; the bots by state."""

    status = fields.String(required=True)
    bots = fields.Dict(
        keys=fields.Enum(BotState, by_value=True), values=fields.Integer(), required=True
    )
