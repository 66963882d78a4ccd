"""The errors of the runner; they know nothing of HTTP.

RunnerError
├── TokenRejected           Telegram does not accept the token
└── BotGone                 the bot was deleted while it was being changed
"""

from __future__ import annotations


class RunnerError(Exception):
    """Root of the tree."""


class TokenRejected(RunnerError):
    """Telegram does not accept the token."""


class BotGone(RunnerError):
    """The bot was deleted while it was being changed."""
