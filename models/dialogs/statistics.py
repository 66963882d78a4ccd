"""How many steps talks took, by day, version, state and transition; nothing tells who took them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from models.accounts.audit import Actor
from models.bots.records import Writer
from models.engine import bulk
from models.engine.base import now
from models.messaging.effects import Taken
from models.messaging.marks import Handled

_KEY = "bot_id, day, version, state, transition, to_state"
_STORE = (
    f"INSERT INTO dialog_steps ({_KEY}, count) "  # noqa: S608
    "SELECT given.column1, ?, given.column4, given.column5, given.column6, given.column7, "
    "given.column8 FROM (VALUES ROWS) AS given "
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2 "
    "AND COALESCE(bots.owner_id, 0) = given.column3 WHERE TRUE "
    # so everywhere, so that two transactions do not wait for each other
    "ORDER BY given.column1, given.column4, given.column5, given.column6, given.column7 "
    f"ON CONFLICT ({_KEY}) DO UPDATE SET count = dialog_steps.count + excluded.count"
)

_NOBODYS = (0, 0, 0, 0, "", "", "", 0)  # there is no bot 0


def store(marked: Iterable[Handled], day: date) -> None:
    """Count the steps of updates.

    Args:
        marked: updates that this transaction has marked as handled, and no other one before: after
            a commit whose outcome was not known, the same is written once more.
        day: in UTC.
    """
    counts: Counter[tuple[Writer, int, Taken]] = Counter()
    for mark in marked:
        if (talk := mark.talk) is not None:
            for taken in talk.taken:
                counts[mark.writer, talk.version, taken] += 1
    rows = [(*writer, version, *taken, count) for (writer, version, taken), count in counts.items()]
    bulk.run_in_few_statements(_STORE, rows, bulk.stored_day(day), filler=_NOBODYS)


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are asked for.

    Args:
        since, until: the first and the last day, in UTC.
        version: only steps in this version of the scenario; None for all.
    """

    since: date
    until: date
    version: int | None = None


def taken(bot_id: int, period: Period) -> list[tuple[Taken, int]]:
    """Return how often each step was taken."""
    where, parameters = _where(bot_id, period)
    rows = bulk.select(
        f"SELECT state, transition, to_state, CAST(SUM(count) AS BIGINT) FROM dialog_steps {where} "  # noqa: S608
        "GROUP BY state, transition, to_state",
        *parameters,
    )
    return [((state, transition, to), count) for state, transition, to, count in rows]


def moves_by_day(bot_id: int, period: Period, state: str) -> list[tuple[date, int, int]]:
    """Return how often talks came to a state on each day, and how often they left it.

    Args:
        state: the state; empty for talks that are not under way.

    Returns:
        Days on which something happened, each with both numbers.
    """
    where, parameters = _where(bot_id, period)
    rows = bulk.select(
        "SELECT day, CAST(SUM(CASE WHEN to_state = ? THEN count ELSE 0 END) AS BIGINT), "  # noqa: S608
        "CAST(SUM(CASE WHEN state = ? THEN count ELSE 0 END) AS BIGINT) "
        f"FROM dialog_steps {where} AND state <> to_state AND (state = ? OR to_state = ?) "
        "GROUP BY day ORDER BY day",
        state, state, *parameters, state, state,
    )  # fmt: skip
    return [(bulk.loaded_day(day), came, went) for day, came, went in rows]


def is_counted(bot_id: int, *, version: int | None = None, state: str | None = None) -> bool:
    """Tell whether a step in a version, or from or to a state, was counted on any day."""
    parameters: list[Any] = [state, state] if version is None else [version]
    condition = "(state = ? OR to_state = ?)" if version is None else "version = ?"
    sql = f"SELECT 1 FROM dialog_steps WHERE bot_id = ? AND {condition} LIMIT 1"  # noqa: S608
    return bool(bulk.select(sql, bot_id, *parameters))


def _where(bot_id: int, period: Period) -> tuple[str, list[Any]]:
    condition = "WHERE bot_id = ? AND day >= ? AND day <= ?"
    parameters = [bot_id, bulk.stored_day(period.since), bulk.stored_day(period.until)]
    if period.version is None:
        return condition, parameters
    return f"{condition} AND version = ?", [*parameters, period.version]


def forget(bot_id: int) -> None:
    """Delete the statistics of a bot."""
    bulk.execute("DELETE FROM dialog_steps WHERE bot_id = ?", bot_id)


def discard(bot_ids: list[int], *, limit: int, by: Actor) -> int:
    """Delete statistics of bots that are about to be deleted, in one step; as `prune`.

    Args:
        by: the actor, whose permission `sessions.authorized` has checked.
    """
    return bulk.delete_some_of_bots("dialog_steps", _KEY, bot_ids, limit=limit)


def prune(*, older_than: timedelta, limit: int) -> int:
    """Delete old days in one step.

    Args:
        older_than: the retention time.
        limit: the maximum number of deletions in this step.

    Returns:
        The number of deletions; fewer than `limit` means that none are left.
    """
    return bulk.delete_some(
        "dialog_steps", _KEY, "day < ?", bulk.stored_day((now() - older_than).date()), limit=limit
    )
