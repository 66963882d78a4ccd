"""Writes a text with styles that may be nested in any way, as spans that Telegram accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dialogs.messages.formatted import FormattedText, Span
from dialogs.messages.variables import Values

QUOTE, LINK = "blockquote", "text_link"


@dataclass(slots=True)
class _Open:
    """A style that is open.

    Args:
        type: empty for one that changes nothing, such as a quote inside a quote.
        start: where it begins; -1 until something is written in it.
    """

    type: str
    url: str = ""
    start: int = -1


class StyledWriter:
    """Writes text, and keeps the rules of how entities may be nested.

    Source: https://core.telegram.org/bots/api#messageentity
    """

    def __init__(self, values: Values) -> None:
        self.values = values
        self.marker = ""  # of a list's item, written before its first text
        self._gap = ""  # the lines between two blocks, written before the second
        self._parts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._opened: list[_Open] = []
        # Those that change something, by type: a handful, however deep the styles are nested.
        self._active: dict[str, _Open] = {}

    def result(self) -> FormattedText:
        """Return what was written."""
        return FormattedText("".join(self._parts), tuple(self._spans))

    def separate(self, gap: str) -> None:
        """Begin a new block after a gap, if anything was written before it."""
        self._gap = gap if self._length else ""

    def write(self, text: str, *, styled: bool = True) -> None:
        """Write a text.

        Args:
            styled: False for code, which is in no style but may be in a quote.
        """
        if not text:
            return
        gap, marker, self._gap, self.marker = self._gap, self.marker, "", ""
        self._append(gap)
        self._begin(lambda style: style.type == QUOTE)
        self._append(marker)
        self._begin(lambda style: styled or style.type == QUOTE)
        self._append(text)

    def code(self, text: str, kind: str, *, language: str = "") -> None:
        """Write code; a link's text stays a link's text, because it cannot hold code."""
        if not text or LINK in self._active:
            self.write(text)
            return
        for style in self._active.values():
            if style.type != QUOTE:
                self._end(style)
        self.write(text, styled=False)
        self._spans.append(Span(kind, self._length - len(text), self._length, language=language))

    def open(self, kind: str, *, url: str = "") -> None:
        """Open a style; one of a kind that is open already changes nothing."""
        style = _Open("" if kind in self._active else kind, url)
        self._opened.append(style)
        if style.type:
            self._active[style.type] = style

    def close(self) -> None:
        """Close the style that was opened last."""
        style = self._opened.pop()
        self._end(style)
        if style.type:
            del self._active[style.type]

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _begin(self, chosen: Callable[[_Open], bool]) -> None:
        for style in self._active.values():
            if style.start < 0 and chosen(style):
                style.start = self._length

    def _end(self, style: _Open) -> None:
        if style.type and 0 <= style.start < self._length:
            self._spans.append(Span(style.type, style.start, self._length, style.url))
        style.start = -1
