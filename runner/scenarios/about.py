"""What an update tells of its person, chat and bot, for texts and conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping


class Lazy(Mapping[str, str]):
    """Values that are made when one of them is needed: most events need none.

    Args:
        make: returns the values.
    """

    __slots__ = ("_make", "_values")

    def __init__(self, make: Callable[[], Mapping[str, str]]) -> None:
        self._make = make
        self._values: Mapping[str, str] | None = None

    def _made(self) -> Mapping[str, str]:
        if self._values is None:
            self._values = self._make()
        return self._values

    def __getitem__(self, name: str) -> str:
        """Return a value."""
        return self._made()[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._made())

    def __len__(self) -> int:
        """The number of values."""
        return len(self._made())
