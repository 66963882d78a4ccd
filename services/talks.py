"""Talks with bots: show where they stand and what becomes of them, and let them begin anew."""

from __future__ import annotations

from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.bots.records import BotRecord
from models.dialogs import conversations, steps, waiting
from models.dialogs.conversations import TalkFilter, TalkRow
from models.dialogs.statistics import Period
from models.dialogs.steps import StepRow
from models.engine.database import Database
from models.messaging.effects import TalkKey
from runner.runner import Runner
from services import statistics
from services.errors import TalkNotFound
from services.statistics import Statistics


class TalkService:
    """Shows and ends the talks with bots.

    Args:
        db: the database.
        runner: has talks in memory.
    """

    def __init__(self, *, db: Database, runner: Runner) -> None:
        self._db = db
        self._runner = runner

    async def list_for(self, bot: BotRecord, only: TalkFilter, *, limit: int) -> list[TalkRow]:
        """List talks; see `models.dialogs.conversations.list_for`."""
        return await self._db.read(conversations.list_for, bot.id, only, limit=limit)

    async def list_in_state(
        self, bot: BotRecord, state: str, only: TalkFilter, *, limit: int
    ) -> tuple[list[TalkRow], TalkKey | None]:
        """List talks that wait in a state; see `models.dialogs.waiting.list_in_state`."""
        return await self._db.read(waiting.list_in_state, bot.id, state, only, limit=limit)

    async def find(self, bot: BotRecord, key: TalkKey) -> TalkRow:
        """Find a talk of a bot.

        Raises:
            TalkNotFound: there is none.
        """
        row = await self._db.read(conversations.show, bot.id, key)
        if row is None:
            raise TalkNotFound(bot.id)
        return row

    async def log(
        self, bot: BotRecord, key: TalkKey, *, before: int | None, limit: int
    ) -> list[StepRow]:
        """Return what has happened in a talk in the last days, the latest first.

        Args:
            before: only updates with a smaller id; None for all.

        Raises:
            TalkNotFound: there is no such talk, and its log has no entry.
        """
        rows = await self._db.read(steps.list_for, bot.id, key, before=before, limit=limit)
        if not rows and before is None:
            await self.find(bot, key)
        return rows

    async def statistics(self, bot: BotRecord, period: Period, *, state: str | None) -> Statistics:
        """Tell what became of the talks of a bot; see `services.statistics.read`.

        Raises:
            VersionNotFound, StateNotFound: what is asked for does not exist.
        """
        return await self._db.read(statistics.read, bot.id, period, state)

    async def delete(self, bot: BotRecord, key: TalkKey, *, by: Actor) -> None:
        """Delete a talk: it begins anew with the next message.

        Raises:
            TalkNotFound: there is none.
        """
        if not await self._db.write(authorized, by, conversations.delete, bot.id, key):
            raise TalkNotFound(bot.id)
        if (run := self._runner.manager.run(bot.id)) is not None:
            run.talks.forget()
