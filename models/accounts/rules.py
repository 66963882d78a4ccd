"""Rules for the fields of accounts, for the API and the command line.

Each is a tuple of validators, in the order in which they are tried. The length comes first: the
cost of the others grows with the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, TypeAlias

from marshmallow import ValidationError, validate

from models.accounts.users import fold

Rules: TypeAlias = tuple[Callable[[str], Any], ...]

MAX_USERNAME = 150  # characters, as in the columns
MAX_EMAIL = 254
MAX_NAME = 150
MAX_FOLDED = 450
_is_email = validate.Email(error="This is not an e-mail address.")


def printable(text: str) -> None:
    """Reject text that cannot be shown or stored: control characters, lone surrogates.

    Raises:
        ValidationError: it has such a character.
    """
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise ValidationError("Control characters cannot be used here.")


def foldable(text: str) -> None:
    """Reject a text that is too long for its column after folding, which is rare.

    Raises:
        ValidationError: it is too long.
    """
    if len(fold(text)) > MAX_FOLDED:
        raise ValidationError(
            "This text is too long after Unicode normalization; use simpler characters."
        )


def _email_or_empty(text: str) -> None:
    if text:
        _is_email(text)
        printable(text)
        foldable(text)


USERNAME: Rules = (
    validate.Length(min=1, max=MAX_USERNAME),
    validate.Regexp(r"[\w.@+-]+\Z", error="Use letters, digits and the signs . @ + - _ only."),
    foldable,
)
EMAIL: Rules = (validate.Length(max=MAX_EMAIL), _email_or_empty)
NAME: Rules = (validate.Length(max=MAX_NAME), printable)


def problem(rules: Rules, text: str) -> str | None:
    """Return the message of the first rule that a text breaks; None if it breaks none."""
    try:
        for rule in rules:
            rule(text)
    except ValidationError as error:
        return str(error.messages[0])
    return None
