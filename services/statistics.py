"""What becomes of talks: which states they come to, where they go on, and where they stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import orjson

from dialogs.scenarios.wording import did_you_mean
from models.dialogs import scenarios, statistics
from models.dialogs.statistics import Period
from models.messaging.effects import Taken
from services.errors import StateNotFound, VersionNotFound

MAX_STATES = 1000  # in an answer
MAX_TRANSITIONS = 100  # of a state in an answer


@dataclass(frozen=True, slots=True)
class StepCount:
    """How often a step was taken from a state.

    Args:
        transition: what was taken, as in the log of a talk.
        to: the state after it; empty if the talk ended.
    """

    transition: str
    to: str
    count: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC: how often talks came, and how often they went."""

    day: date
    came: int
    went: int


@dataclass(slots=True)
class StateStatistics:
    """What happened in a state.

    Args:
        entered: how often a talk came to it, from another state or as it began.
        left: how often a talk went from it to another state, or ended.
        ended: how many of those ended.
        stayed: how often a step led back to it: it asked again, or waited on.
        transitions: all steps from it, the most frequent first.
        days: each day of the period, if they were asked for.
    """

    state: str
    entered: int = 0
    left: int = 0
    ended: int = 0
    stayed: int = 0
    transitions: list[StepCount] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """How many more talks came than went."""
        return self.entered - self.left


@dataclass(frozen=True, slots=True)
class Statistics:
    """What became of the talks of a bot.

    Args:
        begun, ended: how many talks began, and how many ended.
        days: the same for each day of the period.
        states: those that are asked for, the most entered first.
    """

    period: Period
    begun: int
    ended: int
    days: list[Day]
    states: list[StateStatistics]


def read(bot_id: int, period: Period, state: str | None) -> Statistics:
    """Read the statistics of a bot.

    Args:
        state: only this state, with its days; None for all states.

    Raises:
        VersionNotFound: the version does not exist, and nothing was counted in it.
        StateNotFound: no version has the state, and nothing was counted in it.
    """
    if period.version is not None:
        _check_version(bot_id, period.version)
    if state is not None:
        _check_state(bot_id, state)
    states = summed(statistics.taken(bot_id, period))
    outside = states.pop("", StateStatistics(""))
    chosen = [one for one in states.values() if state is None or one.state == state]
    chosen.sort(key=lambda one: (-one.entered, one.state))
    if state is not None:
        for one in chosen:
            one.days = _days(bot_id, period, one.state)
    # to be outside of all states is to have no talk: leaving that is to begin one
    days = [Day(one.day, one.went, one.came) for one in _days(bot_id, period, "")]
    return Statistics(period, outside.left, outside.entered, days, chosen[:MAX_STATES])


def _check_version(bot_id: int, n: int) -> None:
    # a version that is not kept any more may have been counted
    if not scenarios.document(bot_id, n) and not statistics.is_counted(bot_id, version=n):
        raise VersionNotFound(bot_id, n)


def _check_state(bot_id: int, state: str) -> None:
    if statistics.is_counted(bot_id, state=state):
        return
    known: list[str] = []  # those of the latest version
    written = orjson.dumps(state)
    for n in scenarios.numbers(bot_id):
        document = scenarios.document(bot_id, n)
        if not known or written in document:  # to look for it is much faster than to read JSON
            states = orjson.loads(document)["states"]
            if state in states:
                return
            known = known or [*states]
    raise StateNotFound(bot_id, state, did_you_mean(state, known))


def _days(bot_id: int, period: Period, state: str) -> list[Day]:
    found = {day: moves for day, *moves in statistics.moves_by_day(bot_id, period, state)}
    count = (period.until - period.since).days + 1
    days = (period.since + timedelta(days=number) for number in range(count))
    return [Day(day, *found.get(day, (0, 0))) for day in days]


def summed(taken: Iterable[tuple[Taken, int]]) -> dict[str, StateStatistics]:
    """Return what happened in each state; the empty one is to have no talk.

    Args:
        taken: steps, each with how often it was taken.
    """
    states: dict[str, StateStatistics] = {}

    def of(name: str) -> StateStatistics:
        return states.setdefault(name, StateStatistics(name))

    for (name, transition, to), count in taken:
        state = of(name)
        state.transitions.append(StepCount(transition, to, count))
        if name == to:
            state.stayed += count
            continue
        state.left += count
        of(to).entered += count
        if not to:
            state.ended += count
    for state in states.values():
        state.transitions.sort(key=lambda one: (-one.count, one.transition, one.to))
        del state.transitions[MAX_TRANSITIONS:]
    return states
