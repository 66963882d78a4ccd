"""A text with its formatting, and its entities as the Bot API measures them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

# An object MessageEntity: https://core.telegram.org/bots/api#messageentity
Entity = dict[str, Any]

MAX_ENTITIES = 100  # of a message; Telegram ignores the others
_LAST_OF_ONE_UNIT = "\uffff"  # the characters after it take two UTF-16 code units
# Shown as nothing although Unicode calls them symbols: the blank Braille pattern, a placeholder.
_BLANK_SYMBOLS = frozenset("\u2800\ufffc")
_BLANK_CATEGORIES = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))


@dataclass(frozen=True, slots=True)
class Span:
    """A formatted part of a text.

    Args:
        type: the type of the entity in the Bot API, such as "bold".
        start: the index of its first character.
        end: the index after its last character.
        url: for a text_link.
        language: for a pre; empty if unknown.
    """

    type: str
    start: int
    end: int
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A text and its formatted parts, in characters (code points)."""

    text: str
    spans: tuple[Span, ...] = ()

    def entities(self) -> list[Entity]:
        """Return the first 100 parts as entities, outer before inner, in UTF-16 code units."""
        if not self.spans:
            return []
        spans = sorted(self.spans, key=lambda span: (span.start, -span.end))[:MAX_ENTITIES]
        if units(self.text) == len(self.text):
            return [_entity(span, span.start, span.end) for span in spans]
        widths = (2 if character > _LAST_OF_ONE_UNIT else 1 for character in self.text)
        at = list(accumulate(widths, initial=0))
        return [_entity(span, at[span.start], at[span.end]) for span in spans]


def _entity(span: Span, start: int, end: int) -> Entity:
    entity: Entity = {"type": span.type, "offset": start, "length": end - start}
    if span.url:
        entity["url"] = span.url
    if span.language:
        entity["language"] = span.language
    return entity


def units(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as the Bot API counts."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_blank(text: str) -> bool:
    """Tell whether a text shows nothing, so that Telegram calls it empty."""
    return all(
        character in _BLANK_SYMBOLS or unicodedata.category(character) in _BLANK_CATEGORIES
        for character in text
    )
