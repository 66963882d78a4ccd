"""The ownership of bots: the permission of this process to run them and to act for them now.

One process on a database owns all bots, always. The checks are the same as with several: the gate
before each call of Telegram, and the fence in each of the runner's transactions
(`Database.write_as_owner`).
"""

from __future__ import annotations

from typing import Protocol


class Ownership(Protocol):
    """The bots that this process owns."""

    def owns(self, bot_id: int) -> bool:
        """Return True if this process runs the bot."""

    def is_valid(self) -> bool:
        """Return True while this process may act for its bots."""


class SoleOwner:
    """The ownership of the only process on a database: all bots, always."""

    def owns(self, bot_id: int) -> bool:
        """Return True; see `Ownership`."""
        return True

    def is_valid(self) -> bool:
        """Return True; see `Ownership`."""
        return True
