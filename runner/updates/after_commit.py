"""What is due once it is on the disk that an update was handled."""

from __future__ import annotations

from models.messaging.effects import OutgoingMessage, Talk
from runner.scenarios.talks import Talks
from runner.sending.side_calls import SideCalls


class AfterCommit:
    """Keeps what is in memory in line with the disk, and makes the calls without rows.

    Args:
        blocked: the chats that are stored as refusing the bot's messages.
        talks: the talks of the bot.
        calls: makes calls.
    """

    def __init__(self, blocked: set[int], talks: Talks, calls: SideCalls) -> None:
        self._blocked = blocked
        self._talks = talks
        self._calls = calls

    def stored(
        self,
        chat_id: int | None,
        blocked: bool | None,
        talk: Talk | None,
        calls: list[OutgoingMessage],
    ) -> None:
        """Learn that the effects of an update are on the disk.

        Args:
            blocked, talk, calls: as for `models.messaging.effects.Effects`.
        """
        if blocked is not None and chat_id is not None:
            (self._blocked.add if blocked else self._blocked.discard)(chat_id)
        if talk is not None:
            self._talks.stored(talk)
        self._calls.put(calls)

    async def close(self) -> None:
        """End the calls that are under way."""
        await self._calls.close()
