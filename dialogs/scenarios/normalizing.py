"""Texts as they are compared: without case, ё, punctuation around them and repeated spaces."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NO_WORDS = re.compile(r"[^\w+#%&@/-]+")


@lru_cache(maxsize=256)
def normalize(text: str) -> str:
    """Return a text as it is compared as a whole.

    A text of nothing but signs, such as an emoji, stays as it is.
    """
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
    text = unicodedata.normalize("NFKC", text)
    return text.casefold().replace("ё", "е")


def _counts(character: str) -> bool:
    """Tell whether a character is more than punctuation or white space."""
    return character.isalnum() or unicodedata.category(character)[0] in "SM"
