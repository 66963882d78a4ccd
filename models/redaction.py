"""Makes texts safe to log, store and show: without secrets, and on one line."""

from __future__ import annotations

import re
import string
from contextvars import ContextVar
from html import unescape
from unicodedata import normalize
from urllib.parse import unquote

# Not \b before it: in an address of the Bot API the token comes right after "/bot". Whoever
# repeats an address may have changed the case of its letters, or have percent-encoded it, more
# than once even. Possessive, so that no text makes the search slow.
_TOKEN = re.compile(
    r"(?<![0-9])([0-9]{3,19})(?::|%(?:25)*3[Aa]|&#(?:58|[xX]3[aA]);|&colon;|\\u003[aA])"
    r"(?:[A-Za-z0-9_-]|%(?:25)*[0-9A-Fa-f]{2}){30,}+"
)
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=,]\s*b?['\"]?)(?:[a-z]+\s+)?[^\s'\",]+")
_KEY = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

# Terminals act upon C0, DEL and C1 (ECMA-48); U+2028 and U+2029 end a line for many programs;
# halves of surrogate pairs cannot be written at all.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_CONTROL = re.compile(f"[{_UNPRINTABLE}]")
_CONTROL_IN_LINES = re.compile(rf"(?!\n)[{_UNPRINTABLE}]")


_own: ContextVar[str] = ContextVar("own_secret", default="")
_DECODED = 4  # times that a text may have been percent-encoded


def keep_secret(token: str) -> None:
    """Scrub the secret part of a token, too, whatever stands around it.

    It holds for this task, and for those that it begins.

    Args:
        token: of the bot that the task is about.
    """
    _own.set(token.partition(":")[2])


def _without_own(text: str) -> str:
    """A text without the secret of this task's bot; read as plain text where it is disguised."""
    secret = _own.get()
    if not secret:
        return text
    pattern = re.compile(re.escape(secret), re.IGNORECASE)
    text = pattern.sub("***", text)
    plain = normalize("NFKC", unescape(text))  # wide letters and the like are letters
    for _ in range(_DECODED):
        plain = unquote(plain)
    cleaned = pattern.sub("***", plain)
    return text if cleaned == plain else cleaned


def scrub(text: str) -> str:
    """A text without bot tokens, keys and Authorization headers."""
    text = _without_own(text)
    text = _TOKEN.sub(r"\1:***", text)
    text = _AUTHORIZATION.sub(r"\1***", text)
    return _KEY.sub("***", text)


def one_line(text: str) -> str:
    r"""A text with `\n`, `\x1b` and the like in place of each control character."""
    return _CONTROL.sub(_escape, text)


def plain_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return _CONTROL_IN_LINES.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def foreign(text: str, *, limit: int) -> str:
    """A text from outside as it may be shown and stored: scrubbed, on one line, and short.

    Args:
        limit: how many characters of it are kept.
    """
    read = min(_READ, limit * 10)
    whole, text = len(text) <= read, scrub(text[:read])
    if not whole:  # the cut may have left the begin of a token, which nothing recognizes
        text = text.rstrip(_OF_A_TOKEN)
    text = one_line(text)
    return text if whole and len(text) <= limit else f"{text[: limit - 1]}…"


_READ = 10_000  # characters that are looked at, so that no length makes it slow
_OF_A_TOKEN = f"{string.ascii_letters}{string.digits}_-%:&;#\\"
