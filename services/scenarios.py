"""Scenarios of bots: the draft, its validation, publishing, versions, and simulation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from dialogs.scenarios import (
    DEFAULT,
    Coverage,
    InvalidScenario,
    Problem,
    Scenario,
    Simulation,
    coverage,
    load,
    simulate,
    template,
    validate,
)
from dialogs.scenarios.structure import structure_problems
from models.accounts.audit import Action, Actor
from models.accounts.sessions import authorized
from models.bots import bots
from models.bots.records import BotRecord
from models.dialogs import scenarios
from models.dialogs.scenarios import Draft, Published, VersionRow
from models.engine.database import Database
from runner.runner import Runner
from services.errors import VersionNotFound


@dataclass(frozen=True, slots=True)
class Played:
    """A simulation, and what it has left out."""

    simulation: Simulation
    coverage: Coverage


class ScenarioService:
    """Keeps the scenarios of bots.

    Args:
        db: the database.
        runner: runs them.
    """

    def __init__(self, *, db: Database, runner: Runner) -> None:
        self._db = db
        self._runner = runner

    async def draft(self, bot: BotRecord) -> Draft:
        """Return the draft of a bot; the default scenario if nobody has written one yet."""
        found = await self._db.read(scenarios.draft, bot.id)
        return found or Draft(orjson.dumps(template(DEFAULT)), 0)

    async def save(
        self, bot: BotRecord, document: Any, *, seen: int | None, by: Actor
    ) -> tuple[Draft, list[Problem]]:
        """Replace the draft of a bot. It may be unfinished.

        Args:
            seen: the revision that it replaces; None for any.

        Returns:
            The draft, and what is wrong with it.

        Raises:
            InvalidScenario: it is too large or nested too deeply to be stored.
            DraftChanged: it would overwrite what the caller has not seen.
            BotDeleted: the bot is gone.
        """
        if problems := await asyncio.to_thread(structure_problems, document):
            raise InvalidScenario(problems)
        problems = await self.problems(document)
        saved = await self._db.write(
            authorized, by, scenarios.save, bot, orjson.dumps(document), seen=seen
        )
        return saved, problems

    async def problems(self, document: Any) -> list[Problem]:
        """Return what is wrong with a document, errors before warnings."""
        _, problems = await asyncio.to_thread(validate, document)
        return problems

    async def problems_of_draft(self, bot: BotRecord) -> list[Problem]:
        """Return what is wrong with the draft of a bot, errors before warnings."""
        return await self.problems(orjson.loads((await self.draft(bot)).document))

    async def publish(self, bot: BotRecord, *, note: str, restart: bool, by: Actor) -> Published:
        """Publish the draft of a bot: it runs it from the next update on, in every process.

        Args:
            restart: True if all talks begin anew; False if they go on wherever they can.

        Raises:
            InvalidScenario: the draft has errors.
            BotDeleted: the bot is gone.
        """
        document = (await self.draft(bot)).document
        await asyncio.to_thread(load, orjson.loads(document))
        published: Published = await self._db.write(
            authorized, by, scenarios.publish, bot, document, note=note, restart=restart
        )
        if (run := self._runner.manager.run(bot.id)) is not None:
            run.talks.publish(published.version.n)
        return published

    async def versions(self, bot: BotRecord, *, before: int | None, limit: int) -> list[VersionRow]:
        """List the versions of a bot; see `models.dialogs.scenarios.versions`."""
        return await self._db.read(scenarios.versions, bot.id, before=before, limit=limit)

    async def version(self, bot: BotRecord, n: int) -> VersionRow:
        """Find a version of a bot.

        Raises:
            VersionNotFound: there is none of this number.
        """
        row = await self._db.read(scenarios.find, bot.id, n)
        if row is None:
            raise VersionNotFound(bot.id, n)
        return row

    async def restore(
        self, bot: BotRecord, n: int, *, seen: int | None, by: Actor
    ) -> tuple[Draft, list[Problem]]:
        """Make a version the draft of a bot.

        Args:
            seen: the revision of the draft that it replaces; None for any.

        Returns:
            As `save`.

        Raises:
            VersionNotFound: there is none of this number.
            DraftChanged, BotDeleted: as for `save`.
        """
        row = await self.version(bot, n)

        def write(*, by: Actor) -> Draft:
            saved = scenarios.save(bot, row.document, seen=seen, by=by)
            bots.record_action(Action.SCENARIO_RESTORED, bot, by, version=n)
            return saved

        saved = await self._db.write(authorized, by, write)
        return saved, await self.problems(orjson.loads(row.document))

    async def simulate(self, bot: BotRecord, events: Any, *, n: int | None) -> Played:
        """Play events with the draft or a version.

        Args:
            n: the version; None for the draft.

        Raises:
            InvalidScenario: the draft has errors.
            InvalidEvents: an event is wrong, or taps a button that is not there.
            VersionNotFound: there is none of this number.
        """
        found = await self.draft(bot) if n is None else await self.version(bot, n)

        def play() -> Played:
            scenario: Scenario = load(orjson.loads(found.document), n or 0)
            played = simulate(scenario, events)
            return Played(played, coverage(scenario, played.log))

        return await asyncio.to_thread(play)
