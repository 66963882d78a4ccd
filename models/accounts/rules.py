"""Rules for the fields of accounts: what the API and the command line accept.

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
    """Reject the rare text that grows beyond its column when it is folded for comparison.

    Raises:
        ValidationError: it is too long then.
    """
    if len(fold(text)) > MAX_FOLDED:
        raise ValidationError("This has too many ligatures and other compound signs.")


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
    """Return what is wrong with a text, by the first rule that it breaks; None if it is fine."""
    try:
        for rule in rules:
            rule(text)
    except ValidationError as error:
        return str(error.messages[0])
    return None
