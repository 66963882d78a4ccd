"""What becomes of the talks with a bot: where people go on, and where they give up."""

from __future__ import annotations

from typing import Any

from tornado.web import url

from handlers.bots import BotHandler
from handlers.ids import ID
from handlers.pagination import QueryHandler
from handlers.schemas.statistics import ScenarioStatisticsSchema, StatisticsQuerySchema
from models.dialogs.statistics import Period


class ScenarioStatistics(BotHandler, QueryHandler):
    """The statistics of a scenario."""

    async def get(self, bot_id: str) -> None:
        """Tell where people go on and where they give up: steps by state, for some days.

        A state with many `waiting` is where people stop, and one with many `stayed` is a question
        that they do not understand. Nothing tells who took a step. Days are kept for 400 days.

        ---
        summary: Statistics of a scenario
        tags: [Scenarios]
        parameters: [{in: query, schema: StatisticsQuerySchema}]
        responses:
          200: {description: The statistics., schema: ScenarioStatisticsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(StatisticsQuerySchema)
        period = Period(query["since"], query["until"], query["version"])
        found = await self.services.talks.statistics(bot, period, state=query["state"])
        self.answer(ScenarioStatisticsSchema().dump(found))


routes: list[Any] = [
    url(rf"/api/v1/telegram_data/({ID})/scenario/statistics/?", ScenarioStatistics),
]
