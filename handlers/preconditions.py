"""The header If-Match: which state of a resource a caller has seen (RFC 9110, section 13.1.1)."""

from __future__ import annotations

import re

from handlers import errors

_TAG = re.compile(r'"([\x21\x23-\x7e]*)"')
_BARE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WANTED = 'Send one ETag as GET answers it, with its double quotes, e.g. If-Match: "{}"; or *.'


def seen_tag(header: str | None, *, what: str) -> str | None:
    """Return the tag of what the caller has seen, without its quotes.

    Args:
        header: the header If-Match; None if it is missing.
        what: what the tag belongs to, such as "the draft".

    Returns:
        The tag; None for `*`, which stands for whatever is there.

    Raises:
        PreconditionRequired: the header is missing.
        BadRequest: it is not one strong tag.
    """
    if header is None:
        raise errors.PreconditionRequired(
            f"Send the ETag of {what} that you have read as the header If-Match, so that you "
            "do not overwrite the changes of others; or * to overwrite whatever is there."
        )
    header = header.strip()
    if header == "*":
        return None
    if found := _TAG.fullmatch(header):
        return found[1]
    wanted = _WANTED.format(header if _BARE.fullmatch(header) else "1")
    raise errors.BadRequest(f"{_mistake(header)} {wanted}")


def _mistake(header: str) -> str:
    if _BARE.fullmatch(header):
        return "The tag in If-Match must have its double quotes."
    if "," in header:
        return "If-Match has several tags; here it can have only one."
    if header.startswith(("W/", "w/")):
        return "The tag in If-Match is weak (W/), and must be a strong one: leave W/ out."
    return "If-Match is not a tag in double quotes."
