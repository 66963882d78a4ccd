"""Long lists over HTTP: query parameters, pages, and links between pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from marshmallow import Schema, ValidationError

from handlers import errors
from handlers.base import ApiHandler
from handlers.schemas.common import shared
from handlers.schemas.cursors import encode
from handlers.validation import field_errors
from models.engine.pagination import Page

T = TypeVar("T")


class PagedHandler(ApiHandler):
    """A list that is answered in pages."""

    def query(self, schema: type[Schema]) -> dict[str, Any]:
        """Parse and validate the query parameters.

        Raises:
            BadRequest: a parameter is unknown or invalid; a misspelt filter must not be ignored.
        """
        try:
            loaded: dict[str, Any] = shared(schema).load(self._parameters())
        except ValidationError as error:
            raise errors.invalid(field_errors(error)) from None
        return loaded

    def _parameters(self) -> dict[str, str]:
        try:
            return {
                name: values[-1].decode() for name, values in self.request.query_arguments.items()
            }
        except UnicodeDecodeError:
            raise errors.BadRequest("The parameters are not UTF-8.") from None

    def answer_page(self, page: Page[Any], rows: list[Any], query: dict[str, Any]) -> None:
        """Write a page.

        Args:
            page: the page with the total count.
            rows: the rows as they are shown.
            query: the parameters, with the number and the size of the page.
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
        parameters = urlencode(self._parameters() | {"page": str(number)})
        return f"{request.protocol}://{request.host}{request.path}?{parameters}"


class CursorHandler(PagedHandler):
    """A list of which each page tells where the next one begins."""

    def answer_items(
        self,
        rows: list[T],
        limit: int,
        *,
        present: Callable[[T], Any],
        position: Callable[[T], tuple[int, ...]],
    ) -> None:
        """Write a page.

        Args:
            rows: one more than the limit if there are more.
            present: writes a row.
            position: returns the numbers of the cursor behind a row.
        """
        shown = rows[:limit]
        more = len(rows) > limit
        self.answer(
            {
                "items": [present(row) for row in shown],
                "next": encode(*position(shown[-1])) if more else None,
            }
        )
