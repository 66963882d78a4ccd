"""Scenarios of bots: the draft, its validation, publishing, versions, and simulation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from dialogs.scenarios import (
    DEFAULT,
    Difference,
    InvalidScenario,
    Problem,
    Scenario,
    Severity,
    SimulationBudget,
    coverage,
    diff,
    find_problems,
    load,
    run_test,
    simulate,
    template,
    validate_test,
)
from dialogs.scenarios.simulation import START
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.wording import Hints
from models.accounts.audit import Action, Actor
from models.accounts.sessions import authorized
from models.bots import bots
from models.bots.records import BotRecord
from models.dialogs import scenarios, waiting
from models.dialogs.scenarios import Draft, Present, Published, VersionRow
from models.engine.database import Database
from runner.runner import Runner
from services.errors import TestsFailed, VersionNotFound
from services.playing import Played, Playground, Tested
from services.publications import Publication, describe
from services.uploads import scenario_upload_problems


class InvalidTests(InvalidScenario):
    """Tests of a scenario are none."""


class InvalidDraft(InvalidScenario):
    """The draft of a bot has errors."""


def _read_draft(document: Any) -> Scenario:
    """Return the scenario of a draft.

    Raises:
        InvalidDraft: it has errors.
    """
    try:
        return load(document)
    except InvalidScenario as error:
        raise InvalidDraft(error.problems) from None


class ScenarioService:
    """Keeps the scenarios of bots.

    Args:
        db: the database.
        runner: runs them.
    """

    def __init__(self, *, db: Database, runner: Runner) -> None:
        self._db = db
        self._runner = runner
        self._playground = Playground()

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
            TooMuchPlaying: the account checks or plays too many scenarios at once.
            BotDeleted: the bot is gone.
        """
        problems = await self._playground.check(bot.user_id, lambda: structure_problems(document))
        if problems:
            raise InvalidScenario(problems)
        problems = await self.problems(bot, document)
        saved = await self._db.write(
            authorized, by, scenarios.save, bot, orjson.dumps(document), seen=seen
        )
        return saved, problems

    async def problems(self, bot: BotRecord, document: Any) -> list[Problem]:
        """Return what is wrong with a document for a bot, errors before warnings."""
        problems = await self._playground.check(bot.user_id, lambda: find_problems(document))
        if any(problem.severity is Severity.ERROR for problem in problems):
            return problems
        return [*await scenario_upload_problems(self._db, bot, document), *problems]

    async def problems_of_draft(self, bot: BotRecord) -> list[Problem]:
        """Return what is wrong with the draft of a bot, errors before warnings."""
        return await self.problems(bot, orjson.loads((await self.draft(bot)).document))

    async def publish(
        self, bot: BotRecord, *, note: str, restart: bool, force: bool, by: Actor
    ) -> Publication:
        """Publish the draft of a bot: it runs it from the next update on, in every process.

        Args:
            restart: True if all talks begin anew; False if they go on wherever they can.
            force: True to publish even if a test fails.

        Raises:
            InvalidDraft: the draft has errors.
            TestsFailed: tests of it fail.
            TooMuchPlaying: the account checks or plays too many scenarios at once.
            BotDeleted: the bot is gone.
        """
        document = (await self.draft(bot)).document
        tested = await self._test(bot, document)
        if unusable := await scenario_upload_problems(self._db, bot, orjson.loads(document)):
            raise InvalidDraft(unusable)
        failed = tested.faults_by_name()
        if failed and not force:
            raise TestsFailed(failed)
        in_states = await self._db.read(waiting.waiting_by_version, bot.id)
        published: Published = await self._db.write(
            authorized, by, scenarios.publish, bot, document,
            note=note, restart=restart, forced=bool(failed),
        )  # fmt: skip
        if (run := self._runner.manager.run(bot.id)) is not None:
            menu = published.version.menu
            run.learn(Present(published.version.n, menu is not None and not menu.is_set))
        return await asyncio.to_thread(describe, published, in_states)

    async def _test(self, bot: BotRecord, document: bytes) -> Tested:
        tests = await self._db.read(scenarios.tests, bot.id)

        def run(budget: SimulationBudget) -> Tested:
            scenario = _read_draft(orjson.loads(document))
            hints = Hints(scenario.states)  # a few for all tests: each compares many names
            outcomes = [
                run_test(scenario, one, budget=budget, hints=hints) for one in orjson.loads(tests)
            ]
            log = [entry for one in outcomes for entry in one.log]
            return Tested(outcomes, coverage(scenario, log))

        return await self._playground.play(bot.user_id, run)

    async def tests(self, bot: BotRecord) -> bytes:
        """Return the tests of a bot's scenario, a list as JSON."""
        return await self._db.read(scenarios.tests, bot.id)

    async def save_tests(
        self, bot: BotRecord, documents: list[Any], *, seen: str | None, by: Actor
    ) -> bytes:
        """Replace the tests of a bot's scenario.

        Args:
            seen: the tag of the tests that it replaces; None for any.

        Returns:
            The tests as `tests` has them.

        Raises:
            InvalidTests: one of them is no test.
            TestsChanged: it would overwrite what the caller has not seen.
            TooMuchPlaying: as for `save`.
            BotDeleted: the bot is gone.
        """

        def check() -> list[Problem]:
            return [
                replace(problem, pointer=f"/{index}{problem.pointer}")
                for index, one in enumerate(documents)
                for problem in validate_test(one)
            ]

        if problems := await self._playground.check(bot.user_id, check):
            raise InvalidTests(problems)
        saved = orjson.dumps(documents)
        await self._db.write(authorized, by, scenarios.save_tests, bot, saved, seen=seen)
        return saved

    async def run_tests(self, bot: BotRecord) -> Tested:
        """Run the tests with the draft.

        Raises:
            InvalidDraft: the draft has errors.
            TooMuchPlaying: the account checks or plays too many scenarios at once.
        """
        return await self._test(bot, (await self.draft(bot)).document)

    async def diff(self, bot: BotRecord, n: int, *, to: int | None) -> Difference:
        """Return what differs between two versions of a bot, or a version and the draft.

        Args:
            n: the old version.
            to: the new version; None for the draft.

        Raises:
            VersionNotFound: one of them does not exist.
            InvalidDraft: the draft has errors.
            TooMuchPlaying: as for `save`.
        """
        old = await self.version(bot, n)
        new = await self.draft(bot) if to is None else await self.version(bot, to)

        def compare() -> Difference:
            before, after = orjson.loads(old.document), orjson.loads(new.document)
            _read_draft(after) if to is None else load(after)  # which may have errors
            return diff(before, after)

        return await self._playground.check(bot.user_id, compare)

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
            DraftChanged, TooMuchPlaying, BotDeleted: as for `save`.
        """
        row = await self.version(bot, n)

        def write(*, by: Actor) -> Draft:
            saved = scenarios.save(bot, row.document, seen=seen, by=by)
            bots.record_action(Action.SCENARIO_RESTORED, bot, by, version=n)
            return saved

        problems = await self.problems(bot, orjson.loads(row.document))
        return await self._db.write(authorized, by, write), problems

    async def simulate(
        self, bot: BotRecord, events: Any, *, n: int | None, begins: datetime | None = None
    ) -> Played:
        """Play events with the draft or a version.

        Args:
            n: the version; None for the draft.
            begins: when the first event happens; None for a fixed day.

        Raises:
            InvalidDraft: the draft has errors.
            InvalidEvents: an event is wrong, taps a button that is not there, or is one too many.
            TooMuchPlaying: the account checks or plays too many scenarios at once.
            VersionNotFound: there is none of this number.
        """
        found = await self.draft(bot) if n is None else await self.version(bot, n)

        def play(budget: SimulationBudget) -> Played:
            document = orjson.loads(found.document)
            scenario = _read_draft(document) if n is None else load(document, n)
            played = simulate(scenario, events, now=begins or START, budget=budget)
            return Played(played, coverage(scenario, played.log))

        return await self._playground.play(bot.user_id, play)
