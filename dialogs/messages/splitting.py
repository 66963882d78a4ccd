"""Splitting a text that is too long for one message: where it hurts least.

The pieces joined are the text. A piece ends after a paragraph, else a line, a sentence, a word,
else anywhere but inside a character as people see it. The cut is in the second half of the piece
that would fit, and outside all entities if such a place exists there.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from dialogs.messages.formatted import FormattedText, Span, units

MAX_TEXT = 4096  # UTF-16 code units: https://core.telegram.org/bots/api#sendmessage
MAX_CAPTION = 1024  # after the entities are parsed: https://core.telegram.org/bots/api#sendphoto

# Each matches up to the place of a cut, best first.
_BOUNDARIES = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"[.!?…][\"'”’»)\]]*\s+|[。！？]+"),
    re.compile(r"\s+"),
)
_MAX_JOINED = 64  # characters: what is joined longer than this is no emoji, and is cut anywhere
_JOINER = "\u200d"


class _Walls:
    """The parts of a text that are better not cut: its outermost spans."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for span in sorted(spans, key=lambda span: span.start):
            if self._ends and span.start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], span.end)
            else:
                self._starts.append(span.start)
                self._ends.append(span.end)

    def start(self, cut: int) -> int | None:
        """Return where the part begins that a cut would divide; None if it divides none."""
        index = bisect_left(self._starts, cut) - 1
        return self._starts[index] if index >= 0 and cut < self._ends[index] else None


def split(
    content: FormattedText, *, first: int = MAX_TEXT, rest: int = MAX_TEXT
) -> list[FormattedText]:
    """Split a text into pieces that fit. A span that is cut continues in the next piece.

    Args:
        first: the longest first piece, in UTF-16 code units.
        rest: the longest of the other pieces.
    """
    text = content.text
    if 2 * len(text) <= first or units(text) <= first:
        return [content] if text else []
    walls = _Walls(content.spans)
    cuts = [0]
    while cuts[-1] < len(text):
        start, limit = cuts[-1], first if len(cuts) == 1 else rest
        end = _fitting(text, start, limit)
        cuts.append(end if end == len(text) else _cut(text, start, end, walls))
    return [_piece(content, start, end) for start, end in pairwise(cuts)]


def _fitting(text: str, start: int, limit: int) -> int:
    """Return the end of the longest piece from `start` that has at most `limit` units."""
    end = min(len(text), start + limit)
    while (over := units(text[start:end]) - limit) > 0:
        end -= (over + 1) // 2
    return end


def _cut(text: str, start: int, end: int, walls: _Walls) -> int:
    """Return the best place for a cut in the second half of the piece from `start` to `end`."""
    middle = start + (end - start) // 2
    inside = 0  # the best cut that divides an entity
    for boundary in _BOUNDARIES:
        found = [match.end() for match in boundary.finditer(text, middle, end)]
        for cut in reversed(found):
            if walls.start(cut) is None:
                return cut
        if found and not inside:
            inside = found[-1]
    cut = _between_characters(text, middle, end)
    wall = walls.start(cut)
    if wall is None:
        return cut
    return wall if wall > middle else inside or cut


def _between_characters(text: str, middle: int, end: int) -> int:
    """Return the last place up to `end` that is not inside a character as people see it."""
    for cut in range(end, max(middle, end - _MAX_JOINED), -1):
        if not _is_joined(text, cut):
            return cut
    return end


def _is_joined(text: str, cut: int) -> bool:
    """Tell whether the characters at both sides of a cut are shown as one.

    It covers what emoji and accents need, not all of https://unicode.org/reports/tr29/.
    """
    before, after = text[cut - 1], text[cut]
    if after < "\u0300":
        return False
    if _JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if _is_flag_letter(before) and _is_flag_letter(after):
        letters = cut
        while letters and _is_flag_letter(text[letters - 1]):
            letters -= 1
        return (cut - letters) % 2 == 1
    return "\U000e0020" <= after <= "\U000e007f" or unicodedata.category(after)[0] == "M"


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _piece(content: FormattedText, start: int, end: int) -> FormattedText:
    spans = tuple(
        Span(
            span.type,
            max(span.start, start) - start,
            min(span.end, end) - start,
            span.url,
            span.language,
        )
        for span in content.spans
        if span.start < end and span.end > start
    )
    return FormattedText(content.text[start:end], spans)
