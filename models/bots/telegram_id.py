"""The range of Telegram's ids."""

from __future__ import annotations

from typing import TypeGuard

# "at most 52 significant bits", https://core.telegram.org/bots/api#user. What is above fits
# neither a column nor every client's numbers.
MAX_TELEGRAM_ID = 2**52 - 1


def is_telegram_id(value: object) -> TypeGuard[int]:
    """Say whether a value out of JSON may be an id of Telegram's; those of groups are negative."""
    return type(value) is int and -MAX_TELEGRAM_ID <= value <= MAX_TELEGRAM_ID
