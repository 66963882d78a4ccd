"""The errors of the runner; they know nothing of HTTP.

RunnerError
├── TokenRejected           Telegram does not accept the token
├── BotGone                 the bot was deleted while it was being changed
├── BotIsOff                the bot does not run, so that it cannot call Telegram
├── TelegramRefused         Telegram does not accept a call
├── TelegramUnreachable     Telegram did not carry out a call
└── NoSuchPart              a file has no such part
"""

from __future__ import annotations


class RunnerError(Exception):
    """Root of the tree."""


class TokenRejected(RunnerError):
    """Telegram does not accept the token."""


class BotGone(RunnerError):
    """The bot was deleted while it was being changed."""


class BotIsOff(RunnerError):
    """The bot does not run, so that it cannot call Telegram."""


class TelegramRefused(RunnerError):
    """Telegram does not accept a call.

    Args:
        text: Telegram's words.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class TelegramUnreachable(TelegramRefused):
    """Telegram did not carry out a call, as far as is known."""


class NoSuchPart(RunnerError):
    """A file has no such part.

    Args:
        content_range: the header Content-Range that tells the file's size; None if it is not known.
    """

    def __init__(self, content_range: str | None) -> None:
        super().__init__("the file has no such part")
        self.content_range = content_range
