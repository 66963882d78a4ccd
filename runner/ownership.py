"""Which bots this process may run, and whether it may act for them now.

With one process on a database the answer is always yes. What asks is the same with several:
the gate before each call of Telegram, and the fence in each of the runner's transactions
(`Database.write_as_owner`).
"""

from __future__ import annotations

from typing import Protocol


class Ownership(Protocol):
    """The bots that this process has."""

    def owns(self, bot_id: int) -> bool:
        """Return True if this process runs the bot."""

    def is_valid(self) -> bool:
        """Return True while this process may act for its bots."""


class SoleOwner:
    """The ownership of a process that has its database alone: all bots, always."""

    def owns(self, bot_id: int) -> bool:
        """Return True; see `Ownership`."""
        return True

    def is_valid(self) -> bool:
        """Return True; see `Ownership`."""
        return True
