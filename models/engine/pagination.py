"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list.

    Args:
        count: how many rows the whole list has.
        rows: those of this page.
    """

    count: int
    rows: list[T]

    def map(self, change: Callable[[list[T]], list[U]]) -> Page[U]:
        """The same page with other rows."""
        return Page(self.count, change(self.rows))


def cut(query: Any, *, page: int, page_size: int) -> Page[Any]:
    """One page of what an ordered query finds.

    Args:
        page: counted from 1; one beyond the last is empty.
    """
    return Page(query.count(), list(query.paginate(page, page_size)))
