"""The scenario of a bot: draft, validation, publishing, versions, simulation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from tornado.web import url

from dialogs.scenarios import Migration
from handlers.ids import ID
from handlers.pagination import CursorHandler, PagedHandler
from handlers.presentation_scenarios import (
    present_menu,
    present_saved,
    present_scenario,
    present_simulation,
    present_validity,
    present_version,
)
from handlers.scenario_base import ScenarioHandler
from handlers.schemas.scenarios import (
    DifferenceQuerySchema,
    PublicationSchema,
    VersionQuerySchema,
)
from handlers.schemas.simulations import SimulationRequestSchema


class Draft(ScenarioHandler):
    """The draft of a bot's scenario."""

    async def get(self, bot_id: str) -> None:
        """Return the draft: an export for editors of texts, which PUT takes.

        A bot without a draft has the template `echo.en`, with the ETag "0".

        ---
        summary: The draft of a scenario
        tags: [Scenarios]
        responses:
          200:
            description: The scenario.
            headers:
              ETag: {description: "For If-Match.", required: true, schema: {type: string}}
            content: {application/json: {schema: {$ref: "#/components/schemas/ScenarioContent"}}}
        """
        bot = await self.bot(bot_id)
        draft = await self.services.scenarios.draft(bot)
        self.tag(draft.revision)
        self.answer(present_scenario(orjson.loads(draft.document)))

    async def put(self, bot_id: str) -> None:
        """Save the draft. It may be unfinished; the answer says what is wrong with it.

        A body in which an object has a name twice is refused: its first value would be lost.

        ---
        summary: Save the draft of a scenario
        tags: [Scenarios]
        parameters:
          - name: If-Match
            in: header
            description: The ETag of the draft that it replaces, or `*` for any. Required.
            schema: {type: string}
        requestBody: {schema: ScenarioContent}
        responses:
          200: {description: The draft was saved., schema: SavedScenarioSchema}
          400: {description: If-Match is no ETag., codes: [bad_request]}
          412: {description: Somebody has saved another draft., codes: [draft_changed]}
          428: {description: The header If-Match is missing., codes: [if_match_required]}
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot, seen, document = await self.bot(bot_id), self.seen(), self.load_document()
        await self.check_names()
        draft, problems = await self.services.scenarios.save(
            bot, document, seen=seen, by=self.actor
        )
        self.tag(draft.revision)
        self.answer(present_saved(draft, problems))


class Validation(ScenarioHandler):
    """The validation of a scenario."""

    async def post(self, bot_id: str) -> None:
        """Return everything that is wrong with a scenario: of the body, or the draft without one.

        ---
        summary: Validate a scenario
        tags: [Scenarios]
        requestBody: {schema: ScenarioContent, required: false}
        responses:
          200: {description: The problems., schema: ScenarioValiditySchema}
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot, service = await self.bot(bot_id), self.services.scenarios
        if self.request.body:
            document = self.load_document()
            await self.check_names()
            problems = await service.problems(bot, document)
        else:
            problems = await service.problems_of_draft(bot)
        self.answer(present_validity(problems))


class Publication(ScenarioHandler):
    """Publishing."""

    async def post(self, bot_id: str) -> None:
        """Publish the draft: the bot runs it from the next message on.

        ---
        summary: Publish a scenario
        tags: [Scenarios]
        requestBody: {schema: PublicationSchema}
        responses:
          201: {description: The new version., schema: PublishedScenarioSchema}
          400:
            description: The draft has errors; `errors` has them by JSON Pointer.
            codes: [validation_failed]
          409: {description: Tests fail; `errors` has them by name., codes: [tests_failed]}
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot, asked = await self.bot(bot_id), self.load(PublicationSchema)
        published = await self.services.scenarios.publish(
            bot,
            note=asked["note"],
            restart=asked["migrate"] is Migration.RESTART,
            force=asked["force"],
            by=self.actor,
        )
        self.set_header("Location", f"{_base(bot.id)}/versions/{published.version.n}/")
        more = {
            "talks": [asdict(one) for one in published.talks],
            "menu": present_menu(published.version.menu),
            "variables": asdict(published.variables),
            "unchanged": published.unchanged,
        }
        self.answer(present_version(published.version) | more, status=201)


def _base(bot_id: int) -> str:
    return f"/api/v1/telegram_data/{bot_id}/scenario"


class Versions(ScenarioHandler, CursorHandler):
    """The versions of a bot's scenario."""

    async def get(self, bot_id: str) -> None:
        """List the versions, the latest first: the last 100, and older ones that talks are in.

        ---
        summary: Versions of a scenario
        tags: [Scenarios]
        parameters: [{in: query, schema: VersionQuerySchema}]
        responses:
          200: {description: A page of versions., schema: ScenarioVersionItemsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(VersionQuerySchema)
        rows = await self.services.scenarios.versions(
            bot, before=query["after"] and query["after"][0], limit=query["limit"] + 1
        )
        self.answer_items(
            rows, query["limit"], present=present_version, position=lambda row: (row.n,)
        )


class OneVersion(ScenarioHandler):
    """One version."""

    async def get(self, bot_id: str, version_id: str) -> None:
        """Show a version with its scenario, and whether Telegram shows its menu.

        ---
        summary: One version of a scenario
        tags: [Scenarios]
        responses:
          200: {description: The version., schema: WholeScenarioVersionSchema}
        """
        bot = await self.bot(bot_id)
        row = await self.services.scenarios.version(bot, int(version_id))
        more = {"menu": present_menu(row.menu), "document": orjson.Fragment(row.document)}
        self.answer(present_version(row) | more)


class Comparison(ScenarioHandler, PagedHandler):
    """Two versions side by side."""

    async def get(self, bot_id: str, version_id: str) -> None:
        """Tell what differs between a version and another one, or the draft.

        ---
        summary: Compare versions of a scenario
        tags: [Scenarios]
        parameters: [{in: query, schema: DifferenceQuerySchema}]
        responses:
          200: {description: What differs., schema: ScenarioDifferenceSchema}
          400:
            description: A parameter is invalid, or the draft has errors.
            codes: [validation_failed, bad_request]
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot, query = await self.bot(bot_id), self.query(DifferenceQuerySchema)
        found = await self.services.scenarios.diff(bot, int(version_id), to=query["to"])
        self.answer(asdict(found))


class Restoring(ScenarioHandler):
    """Taking a version back into the draft."""

    async def post(self, bot_id: str, version_id: str) -> None:
        """Make a version the draft. Publish that to run it again.

        ---
        summary: Restore a version of a scenario
        tags: [Scenarios]
        parameters:
          - name: If-Match
            in: header
            description: The ETag of the draft that it replaces, or `*` for any. Required.
            schema: {type: string}
        responses:
          200: {description: The draft was saved., schema: SavedScenarioSchema}
          400: {description: If-Match is no ETag., codes: [bad_request]}
          412: {description: Somebody has saved another draft., codes: [draft_changed]}
          428: {description: The header If-Match is missing., codes: [if_match_required]}
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot, seen = await self.bot(bot_id), self.seen()
        draft, problems = await self.services.scenarios.restore(
            bot, int(version_id), seen=seen, by=self.actor
        )
        self.tag(draft.revision)
        self.answer(present_saved(draft, problems))


class Simulation(ScenarioHandler):
    """Playing a scenario."""

    async def post(self, bot_id: str) -> None:
        """Play a talk with the draft or a version; nothing is sent, and nothing stored.

        ---
        summary: Simulate a scenario
        tags: [Scenarios]
        requestBody: {schema: SimulationRequestSchema}
        responses:
          200: {description: What came of it., schema: SimulationSchema}
          400:
            description: An event cannot be played; `played` has what came of those before it.
            problem: SimulationProblemSchema
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot, asked = await self.bot(bot_id), self.load(SimulationRequestSchema)
        played = await self.services.scenarios.simulate(
            bot, asked["events"], n=asked["version"], begins=asked["now"]
        )
        self.answer(present_simulation(played))


_SCENARIO = rf"/api/v1/telegram_data/({ID})/scenario"

routes: list[Any] = [
    url(rf"{_SCENARIO}/?", Draft),
    url(rf"{_SCENARIO}/validate/?", Validation),
    url(rf"{_SCENARIO}/publish/?", Publication),
    url(rf"{_SCENARIO}/versions/?", Versions),
    url(rf"{_SCENARIO}/versions/({ID})/?", OneVersion),
    url(rf"{_SCENARIO}/versions/({ID})/restore/?", Restoring),
    url(rf"{_SCENARIO}/versions/({ID})/diff/?", Comparison),
    url(rf"{_SCENARIO}/simulate/?", Simulation),
]
