"""What a failed call of Telegram means for the message that it was to send."""

from __future__ import annotations

from enum import Enum, auto

from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from runner.telegram.answers import Unavailable
from runner.telegram.connection_errors import NotSent


class Fate(Enum):
    """Whether a call may have had an effect, and whether to try again."""

    NOT_SENT = auto()  # it had none: try until it is sent
    FLOOD = auto()  # it had none: wait as long as Telegram demands
    UNAVAILABLE = auto()  # it had none: try again, but not for ever
    REJECTED = auto()  # it had none, and will have none
    BLOCKED = auto()  # as REJECTED; so will all messages to the chat
    LOST = auto()  # nobody knows


def fate_of(error: TelegramError) -> Fate:
    """Say what has become of a message whose call has failed."""
    for kinds, fate in _FATES:
        if isinstance(error, kinds):
            return fate
    return Fate.REJECTED


# The first that fits: BadRequest is a NetworkError in the library.
_FATES: tuple[tuple[type[TelegramError] | tuple[type[TelegramError], ...], Fate], ...] = (
    (RetryAfter, Fate.FLOOD),
    (Forbidden, Fate.BLOCKED),
    (BadRequest, Fate.REJECTED),
    ((NotSent, InvalidToken), Fate.NOT_SENT),
    (Unavailable, Fate.UNAVAILABLE),
    (NetworkError, Fate.LOST),
)
