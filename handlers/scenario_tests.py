"""The saved tests of a scenario."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from tornado.web import url

from handlers.ids import ID
from handlers.preconditions import seen_tag
from handlers.scenario_base import ScenarioHandler
from handlers.schemas.scenarios import ScenarioTestsSchema
from models.dialogs.scenarios import tests_tag


class SavedTests(ScenarioHandler):
    """The tests."""

    async def get(self, bot_id: str) -> None:
        """Return the tests of a bot's scenario.

        ---
        summary: Tests of a scenario
        tags: [Scenarios]
        responses:
          200:
            description: The tests.
            schema: SavedTestsSchema
            headers:
              ETag: {description: "For If-Match.", required: true, schema: {type: string}}
        """
        bot = await self.bot(bot_id)
        tests = await self.services.scenarios.tests(bot)
        self.tag(tests_tag(tests))
        self.answer({"tests": orjson.Fragment(tests)})

    async def put(self, bot_id: str) -> None:
        """Replace the tests of a bot's scenario. A publish runs them.

        ---
        summary: Save the tests of a scenario
        tags: [Scenarios]
        parameters:
          - name: If-Match
            in: header
            description: The ETag of the tests that it replaces, or `*` for any. Required.
            schema: {type: string}
        requestBody: {schema: ScenarioTestsSchema}
        responses:
          200: {description: The tests were saved., schema: SavedTestsSchema}
          400: {description: If-Match is no ETag., codes: [bad_request]}
          412: {description: Somebody has saved other tests., codes: [tests_changed]}
          428: {description: The header If-Match is missing., codes: [if_match_required]}
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot = await self.bot(bot_id)
        seen = seen_tag(self.request.headers.get("If-Match"), what="the tests")
        asked = self.load(ScenarioTestsSchema)
        await self.check_names()
        tests = await self.services.scenarios.save_tests(
            bot, asked["tests"], seen=seen, by=self.actor
        )
        self.tag(tests_tag(tests))
        self.answer({"tests": orjson.Fragment(tests)})


class RunningTests(ScenarioHandler):
    """A run of the tests."""

    async def post(self, bot_id: str) -> None:
        """Run the tests with the draft; tell also what they leave out.

        ---
        summary: Run the tests of a scenario
        tags: [Scenarios]
        responses:
          200: {description: What came of them., schema: TestOutcomesSchema}
          429: {description: You check or play too many scenarios at once., codes: [busy]}
        """
        bot = await self.bot(bot_id)
        tested = await self.services.scenarios.run_tests(bot)
        items = [
            {
                "name": one.name,
                "passed": not one.faults,
                "faults": [asdict(fault) for fault in one.faults],
            }
            for one in tested.outcomes
        ]
        self.answer(
            {
                "passed": all(one["passed"] for one in items),
                "items": items,
                "unreached_states": tested.coverage.states,
                "untaken_transitions": tested.coverage.transitions,
            }
        )


_TESTS = rf"/api/v1/telegram_data/({ID})/scenario/tests"

routes: list[Any] = [
    url(rf"{_TESTS}/?", SavedTests),
    url(rf"{_TESTS}/run/?", RunningTests),
]
