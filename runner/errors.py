"""Everything the runner raises on purpose; it knows nothing of HTTP.

RunnerError
├── TokenRejected           Telegram does not know the token
└── BotGone                 the bot was deleted while it was being changed
"""

from __future__ import annotations


class RunnerError(Exception):
    """Root of the tree."""


class TokenRejected(RunnerError):
    """Telegram does not know the token."""


class BotGone(RunnerError):
    """The bot was deleted while it was being changed."""
