"""The ownership of bots: the permission of this process to run them and to act for them now.

One process on an SQLite file owns all bots, always. With PostgreSQL each bot is owned by one of the
processes that share the database (`runner.cluster`). There are three rings of safety: updates are
confirmed only after they are stored; a fence in each of the runner's transactions
(`Database.write_as_owner`); and a gate before each call of Telegram.
"""

from __future__ import annotations

from typing import Protocol

from models.bots.records import BotRecord
from runner.telegram.client import Gate


class Ownership(Protocol):
    """The bots that this process owns."""

    @property
    def process_id(self) -> int | None:
        """The process; None for the only one."""

    @property
    def gate(self) -> Gate | None:
        """What calls of Telegram pass through; None for nothing."""

    def owns(self, bot: BotRecord) -> bool:
        """Return True if this process runs the bot, as it has just been read."""

    def is_silent(self, bot: BotRecord) -> bool:
        """Return True if the process that runs the bot has not been heard of for seconds."""

    async def claim(self, bot: BotRecord) -> BotRecord:
        """Make this process the owner of a bot that has none.

        Returns:
            The bot, with its owner if that has succeeded.
        """


class SoleOwner:
    """The ownership of the only process on a database: all bots, always."""

    process_id: int | None = None
    gate: Gate | None = None

    def owns(self, bot: BotRecord) -> bool:
        """Return True; see `Ownership`."""
        return True

    def is_silent(self, bot: BotRecord) -> bool:
        """Return False; see `Ownership`."""
        return False

    async def claim(self, bot: BotRecord) -> BotRecord:
        """Return the bot; see `Ownership`."""
        return bot
