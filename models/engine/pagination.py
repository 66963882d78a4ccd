"""Pagination of long lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Args:
        count: the number of rows of the whole list.
        rows: the rows of this page.
    """

    count: int
    rows: list[T]

    def map(self, change: Callable[[list[T]], list[U]]) -> Page[U]:
        """Return the same page with other rows."""
        return Page(self.count, change(self.rows))


def cut(query: Any, *, page: int, page_size: int) -> Page[Any]:
    """Return one page of the rows of an ordered query.

    Args:
        page: the number of the page, from 1; a page beyond the last is empty.
    """
    return Page(query.count(), list(query.paginate(page, page_size)))
