"""Calls of Telegram about messages of bots that another process runs."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import orjson

from models.bots.records import BotRecord
from models.cluster import calls
from models.cluster.calls import AskedCall
from models.engine.base import now
from models.engine.database import Database
from models.errors import StorageError
from runner.errors import BotIsOff, TelegramRefused, TelegramUnreachable
from runner.lookout import Lookout
from runner.manager import BotManager
from runner.ownership import Ownership
from runner.sending import actions

log = logging.getLogger("botyard.runner")

MARGIN = 5.0  # seconds that an answer may take beyond those that the call may


class Outcome(StrEnum):
    """What came of a call."""

    DONE = "done"
    OFF = "off"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class CallsElsewhere:
    """Asks other processes for calls, and makes those that they ask for.

    Args:
        db: the database.
        manager: runs the bots of this process.
        ownership: the bots that this process owns.

    Attributes:
        lookout: waits for answers.
    """

    def __init__(self, db: Database, manager: BotManager, *, ownership: Ownership) -> None:
        self._db = db
        self._manager = manager
        self._ownership = ownership
        self.lookout = Lookout()

    async def ask(
        self, bot: BotRecord, chat_id: int, method: str, parameters: dict[str, Any], *, counts: bool
    ) -> None:
        """Have a call made by the process that runs a bot; as `runner.sending.actions.call`.

        Raises:
            BotIsOff: no process runs the bot.
            TelegramRefused, TelegramUnreachable: as for `actions.call`.
        """
        if self._ownership.process_id is None or bot.owner_id is None or self._ownership.owns(bot):
            raise BotIsOff
        call = AskedCall(0, chat_id, method, orjson.dumps(parameters), counts)
        until = now() + timedelta(seconds=actions.PATIENCE)
        number = await self._db.write(calls.ask, bot.id, call, until=until)
        try:
            within = actions.patience(call.parameters) + MARGIN
            answer = await self.lookout.wait(number, partial(self._answer, number), within=within)
        finally:
            with suppress(StorageError):
                await self._db.write(calls.forget, number)
        if answer is None:
            raise TelegramUnreachable("the server that runs the bot does not answer")
        outcome, detail = answer
        if outcome == Outcome.OFF:
            raise BotIsOff
        if outcome == Outcome.REFUSED:
            raise TelegramRefused(detail)
        if outcome == Outcome.UNREACHABLE:
            raise TelegramUnreachable(detail)

    async def _answer(self, number: int, _left: float) -> tuple[str, str] | None:
        with suppress(StorageError):
            return await self._db.read(calls.answered, number)
        return None

    async def make(self, bot_id: int) -> None:
        """Make the calls that other processes have asked for, if this one runs the bot."""
        process_id = self._ownership.process_id
        if process_id is None:
            return
        try:
            for call in await self._db.write_as_owner(calls.take, process_id, bot_id):
                outcome, detail = await self._make(bot_id, call)
                await self._db.write(calls.answer, call.id, outcome, detail)
        except StorageError as error:
            log.warning("bot %d: calls for another server were not made: %s", bot_id, error)

    async def _make(self, bot_id: int, call: AskedCall) -> tuple[Outcome, str]:
        run = self._manager.run(bot_id)
        if run is None:
            return Outcome.OFF, ""
        parameters = orjson.loads(call.parameters)
        try:
            await actions.call(
                run.sending, call.chat_id, call.method, parameters, counts=call.counts
            )
        except BotIsOff:
            return Outcome.OFF, ""
        except TelegramUnreachable as error:
            return Outcome.UNREACHABLE, error.text
        except TelegramRefused as error:
            return Outcome.REFUSED, error.text
        return Outcome.DONE, ""
