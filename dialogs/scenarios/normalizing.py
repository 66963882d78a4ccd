"""Texts as they are compared: without case, ё, punctuation around them and repeated spaces.

What is compared takes at most milliseconds, whatever a text is: Unicode has characters that become
18 when they are normalized, and the time for accents grows with the square of their number.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from functools import lru_cache

MAX_TEXT = 4096  # characters that are compared, before and after they are normalized
MAX_PHRASE = 256  # characters of a phrase: no scenario has a longer one
_NO_WORDS = re.compile(r"[^\w+#%&@/-]+")
_PIECES = re.compile(r"\S{1,256}|\s+")  # words, which are normalized one by one


class Words:
    """The words of a text, to look for phrases in it.

    All beginnings of words are sorted at the first phrase, so that each further one takes a
    microsecond.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._sorted: tuple[str, list[int]] | None = None

    def have(self, phrase: str) -> bool:
        """Tell whether a phrase is in the text, from the beginning of a word.

        Args:
            phrase: the `words` of a phrase, which are compared up to 256 characters.
        """
        if self._sorted is None:
            self._sorted = _beginnings(words(self._text))
        text, places = self._sorted
        phrase = phrase[:MAX_PHRASE]
        at = bisect_left(places, phrase, key=lambda place: text[place : place + MAX_PHRASE])
        return at < len(places) and text.startswith(phrase, places[at])


def _beginnings(text: str) -> tuple[str, list[int]]:
    """Return a text, and where its words begin, in the order of what follows there."""
    places = [found.start() for found in re.finditer(" ", text)]
    return text, sorted(places, key=lambda place: text[place : place + MAX_PHRASE])


def normalize(text: str) -> str:
    """Return a text as it is compared as a whole.

    A text of nothing but signs, such as an emoji, stays as it is.
    """
    return _normalize(text[:MAX_TEXT])


@lru_cache(maxsize=256)
def _normalize(text: str) -> str:
    folded = " ".join(_folded(text).split())
    start, end = 0, len(folded)
    while start < end and not _counts(folded[start]):
        start += 1
    while end > start and not _counts(folded[end - 1]):
        end -= 1
    return folded[start:end] or folded


def words(text: str) -> str:
    """Return the words of a text, each after one space, to look for the beginning of a word."""
    return " " + _NO_WORDS.sub(" ", _folded(text)).strip()


def _folded(text: str) -> str:
    folded, length = [], 0
    for piece in _PIECES.finditer(text[:MAX_TEXT]):
        folded.append(unicodedata.normalize("NFKC", piece[0]).casefold().replace("ё", "е"))
        length += len(folded[-1])
        if length >= MAX_TEXT:
            break
    return "".join(folded)[:MAX_TEXT]


def _counts(character: str) -> bool:
    """Tell whether a character is more than punctuation or white space."""
    return character.isalnum() or unicodedata.category(character)[0] in "SM"
