"""The range of Telegram's ids."""

from __future__ import annotations

from typing import TypeGuard

# "at most 52 significant bits", https://core.telegram.org/bots/api#user. Larger numbers fit
# neither a column nor the number type of every client.
MAX_TELEGRAM_ID = 2**52 - 1


def is_telegram_id(value: object) -> TypeGuard[int]:
    """Return True if a value from JSON can be a Telegram id; those of groups are negative."""
    return type(value) is int and -MAX_TELEGRAM_ID <= value <= MAX_TELEGRAM_ID
