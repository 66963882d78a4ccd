"""The parameters of the statistics of a scenario, and the answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from handlers.ids import MAX_ID
from handlers.schemas.common import BodySchema, Text
from models.accounts.rules import printable

MAX_DAYS = 366
DEFAULT_DAYS = 30
_YEARS = range(2000, 9000)


def _usual(day: date) -> None:
    if day.year not in _YEARS:
        raise ValidationError("Use a day such as 2026-01-31.")


def _day(description: str) -> fields.Date:
    return fields.Date(
        load_default=None,
        validate=_usual,
        error_messages={"invalid": "Use a day such as 2026-01-31."},
        metadata={"description": description},
    )


class StatisticsQuerySchema(BodySchema):
    """Which statistics."""

    since = _day(
        f"The first day, in UTC; without it, there are {DEFAULT_DAYS} days. There are at most "
        f"{MAX_DAYS}."
    )
    until = _day("The last day, in UTC; today without it.")
    version = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "Only steps in this version of the scenario."},
    )
    state = Text(
        load_default=None,
        validate=[validate.Length(min=1, max=64), printable],
        metadata={"description": "Only this state, with its numbers by day."},
    )

    @post_load
    def _complete(self, query: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Set the days that are missing.

        Raises:
            ValidationError: the days are in the wrong order, or too many.
        """
        until = query["until"] or datetime.now(UTC).date()
        since = query["since"] or until - timedelta(days=DEFAULT_DAYS - 1)
        if since > until:
            raise ValidationError(
                f"This is after {until}, the last day. Use an earlier day.", "since"
            )
        if (until - since).days >= MAX_DAYS:
            raise ValidationError(
                f"From this day to {until} there are more than {MAX_DAYS} days. Use a later day.",
                "since",
            )
        return query | {"since": since, "until": until}


class StepCountSchema(Schema):
    """How often a step was taken from a state."""

    transition = fields.String(
        required=True,
        metadata={"description": "What was taken: a JSON Pointer or a word, as in the logs."},
    )
    to = fields.String(
        required=True, metadata={"description": "The state after it; empty if the talk ended."}
    )
    count = fields.Integer(required=True)


class StateDaySchema(Schema):
    """A state on one day."""

    day = fields.Date(required=True)
    entered = fields.Integer(required=True, attribute="came")
    left = fields.Integer(required=True, attribute="went")


class StateStatisticsSchema(Schema):
    """What happened in a state: how often, not to how many people."""

    state = fields.String(required=True)
    entered = fields.Integer(
        required=True,
        metadata={"description": "Talks came to it, from another state or as they began."},
    )
    left = fields.Integer(
        required=True, metadata={"description": "Talks went to another state, or ended."}
    )
    ended = fields.Integer(required=True, metadata={"description": "Those of `left` that ended."})
    stayed = fields.Integer(
        required=True,
        metadata={"description": "Steps that led back to it: it asked again, or waited on."},
    )
    waiting = fields.Integer(
        required=True,
        metadata={
            "description": "`entered` minus `left`: who stopped here, or has not answered yet. "
            "Below 0 if more talks left in these days than came: those had come before."
        },
    )
    transitions = fields.List(
        fields.Nested(StepCountSchema),
        required=True,
        metadata={"description": "Steps from it, the most frequent first; at most 100."},
    )
    days = fields.List(
        fields.Nested(StateDaySchema),
        required=True,
        metadata={"description": "Each day, if one `state` is asked for; else empty."},
    )


class ScenarioDaySchema(Schema):
    """The talks of one day."""

    day = fields.Date(required=True)
    begun = fields.Integer(required=True, attribute="came")
    ended = fields.Integer(required=True, attribute="went")


class ScenarioStatisticsSchema(Schema):
    """What became of the talks with a bot in some days (UTC)."""

    since = fields.Date(required=True, attribute="period.since")
    until = fields.Date(required=True, attribute="period.until")
    version = fields.Integer(
        required=True,
        allow_none=True,
        attribute="period.version",
        metadata={"description": "The version that is counted; null for all."},
    )
    begun = fields.Integer(
        required=True,
        metadata={"description": "Talks that began. `/start` within a talk begins no new one."},
    )
    ended = fields.Integer(required=True, metadata={"description": "Talks that ended."})
    days = fields.List(
        fields.Nested(ScenarioDaySchema),
        required=True,
        metadata={"description": "Each day of the period, for a chart."},
    )
    items = fields.List(
        fields.Nested(StateStatisticsSchema),
        required=True,
        attribute="states",
        metadata={"description": "The states, the most entered first; at most 1,000."},
    )
