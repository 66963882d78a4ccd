"""Makes texts safe to log, store and show: without secrets, and on one line."""

from __future__ import annotations

import re
import string
from contextvars import ContextVar
from html import unescape
from unicodedata import normalize
from urllib.parse import unquote

# Without \b at the start: in an address of the Bot API the token follows "/bot" directly. A text
# that quotes an address may have changed its case or percent-encoded it, even more than once. The
# quantifier is possessive, so that no text makes the search slow.
_TOKEN = re.compile(
    r"(?<![0-9])([0-9]{3,19})(?::|%(?:25)*3[Aa]|&#(?:58|[xX]3[aA]);|&colon;|\\u003[aA])"
    r"(?:[A-Za-z0-9_-]|%(?:25)*[0-9A-Fa-f]{2}){30,}+"
)
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=,]\s*b?['\"]?)(?:[a-z]+\s+)?[^\s'\",]+")
_KEY = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

# Terminals interpret C0, DEL and C1 (ECMA-48); U+2028 and U+2029 end a line in many programs;
# lone surrogates cannot be encoded at all.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_CONTROL = re.compile(f"[{_UNPRINTABLE}]")
_CONTROL_IN_LINES = re.compile(rf"(?!\n)[{_UNPRINTABLE}]")


_own: ContextVar[str] = ContextVar("own_secret", default="")
_DECODED = 4  # levels of percent-encoding that are decoded


def keep_secret(token: str) -> None:
    """Also scrub the secret part of this token, in any context.

    This applies to the current task and to the tasks that it starts.

    Args:
        token: the token of the task's bot.
    """
    _own.set(token.partition(":")[2])


def _without_own(text: str) -> str:
    """Remove the secret of this task's bot, also when it is encoded in some way."""
    secret = _own.get()
    if not secret:
        return text
    pattern = re.compile(re.escape(secret), re.IGNORECASE)
    text = pattern.sub("***", text)
    plain = normalize("NFKC", unescape(text))  # also maps full-width letters to ASCII
    for _ in range(_DECODED):
        plain = unquote(plain)
    cleaned = pattern.sub("***", plain)
    return text if cleaned == plain else cleaned


def scrub(text: str) -> str:
    """Remove bot tokens, keys and Authorization headers from a text."""
    text = _without_own(text)
    text = _TOKEN.sub(r"\1:***", text)
    text = _AUTHORIZATION.sub(r"\1***", text)
    return _KEY.sub("***", text)


def one_line(text: str) -> str:
    r"""Replace each control character by an escape sequence such as `\n` or `\x1b`."""
    return _CONTROL.sub(_escape, text)


def plain_lines(text: str) -> str:
    """Replace control characters as `one_line` does, except for line ends."""
    return _CONTROL_IN_LINES.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def foreign(text: str, *, limit: int) -> str:
    """Make a text from outside safe to show and store: scrubbed, on one line, and short.

    Args:
        limit: maximum length of the result in characters.
    """
    read = min(_READ, limit * 10)
    whole, text = len(text) <= read, scrub(text[:read])
    if not whole:  # the cut may have left the start of a token, which no pattern matches
        text = text.rstrip(_OF_A_TOKEN)
    text = one_line(text)
    return text if whole and len(text) <= limit else f"{text[: limit - 1]}…"


_READ = 10_000  # characters that are processed, so that long texts are not slow
_OF_A_TOKEN = f"{string.ascii_letters}{string.digits}_-%:&;#\\"
