"""Long lists over HTTP: parameters of the address, pages, links between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from marshmallow import Schema, ValidationError, fields, validate

from handlers import errors
from handlers.base import ApiHandler
from handlers.schemas.common import BodySchema, Text, printable
from models.engine.pagination import Page

MAX_PAGE_SIZE = 100
_MAX_PAGE = 10**6  # far beyond every list, and small enough for the databases
_MAX_ID = 10**18 - 1


class QueryBoolean(fields.Boolean):
    """`true` or `false`, as a parameter of an address."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Use true or false.")
        return bool(value == "true")


class PageQuerySchema(BodySchema):
    """Which page of a list."""

    page = fields.Integer(
        load_default=1,
        validate=validate.Range(min=1, max=_MAX_PAGE),
        metadata={"description": "Counted from 1; one beyond the last is empty."},
    )
    page_size = fields.Integer(load_default=25, validate=validate.Range(min=1, max=MAX_PAGE_SIZE))


class PageSchema(Schema):
    """What all pages share."""

    count = fields.Integer(required=True, metadata={"description": "How many there are in all."})
    next = fields.Url(
        required=True, allow_none=True, metadata={"description": "Where the next page is."}
    )
    previous = fields.Url(
        required=True, allow_none=True, metadata={"description": "Where the page before is."}
    )


def id_field(description: str) -> fields.Integer:
    """A parameter that is the id of a row."""
    rule = validate.Range(min=1, max=_MAX_ID)
    return fields.Integer(validate=rule, metadata={"description": description})


def search_field(description: str) -> fields.String:
    """A parameter with a text to look for."""
    rules: list[Callable[[str], Any]] = [validate.Length(max=100), printable]
    return Text(validate=rules, metadata={"description": description})


class PagedHandler(ApiHandler):
    """A list that is answered in pages."""

    def query(self, schema: type[Schema]) -> dict[str, Any]:
        """The parameters of the address, validated.

        Raises:
            BadRequest: one is unknown or not right; a filter that is misspelt must not be
                taken for no filter.
        """
        try:
            loaded: dict[str, Any] = schema().load(self._given())
        except ValidationError as error:
            raise errors.invalid(_sentences(error)) from None
        return loaded

    def _given(self) -> dict[str, str]:
        given = self.request.query_arguments
        try:
            return {name: values[-1].decode() for name, values in given.items()}
        except UnicodeDecodeError:
            raise errors.BadRequest("The parameters are not UTF-8.") from None

    def answer_page(self, page: Page[Any], rows: list[Any], query: dict[str, Any]) -> None:
        """Write a page.

        Args:
            page: where its count is from.
            rows: as they are shown.
            query: with the number and the size of the page.
        """
        number, size = query["page"], query["page_size"]
        last = max(1, -(-page.count // size))
        self.answer(
            {
                "count": page.count,
                "next": self._link(number + 1) if number < last else None,
                "previous": self._link(min(number - 1, last)) if number > 1 else None,
                "results": rows,
            }
        )

    def _link(self, number: int) -> str:
        request = self.request
        parameters = urlencode(self._given() | {"page": str(number)})
        return f"{request.protocol}://{request.host}{request.path}?{parameters}"


def _sentences(error: ValidationError) -> errors.FieldErrors:
    messages: dict[str, list[str]] = error.normalized_messages()  # type: ignore[no-untyped-call]
    return {name: [str(text) for text in texts] for name, texts in messages.items()}
