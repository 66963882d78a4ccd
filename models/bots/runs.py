"""The actual states of bots: writes the table `runs`, and derives the state to show from a row.

While `runs.generation` is below `bots.generation`, the wish is newer than the actual state: the bot
is being started or stopped. So one read of both rows always gives a consistent state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import peewee

from models.accounts.users import User
from models.bots.records import BotRecord, RunRecord
from models.bots.tables import Bot, Run
from models.engine import doorbell
from models.engine.base import now
from models.engine.bulk import execute, loaded, run_in_few_statements, select, stored
from models.engine.doorbell import Bell

STOPPED, STARTING, STOPPING = "stopped", "starting", "stopping"
ALIVE = ("starting", "running", "retrying")  # the bot has a task
_COLUMNS = (
    "bot_id, generation, state, reason, detail, since, attempts, next_attempt_at, last_poll_at, "
    "version"
)
_SAVE = (
    f"INSERT INTO runs ({_COLUMNS}) VALUES ROWS ON CONFLICT (bot_id) DO UPDATE SET "  # noqa: S608
    "generation = excluded.generation, state = excluded.state, reason = excluded.reason, "
    "detail = excluded.detail, since = excluded.since, attempts = excluded.attempts, "
    "next_attempt_at = excluded.next_attempt_at, last_poll_at = excluded.last_poll_at, "
    "version = runs.version + 1 WHERE excluded.generation >= runs.generation "
    # by whoever runs the bot now
    "AND EXISTS (SELECT 1 FROM bots WHERE id = runs.bot_id AND COALESCE(owner_id, 0) = ?)"
)
_WANTED = "(bots.active AND users.disabled_at IS NULL)"
# The reason is kept for bots that should run: it is the last known one until they are tried.
_PUT_AT_REST = (
    f"UPDATE runs SET state = CASE WHEN {_WANTED} THEN 'starting' ELSE 'stopped' END, "  # noqa: S608
    f"reason = CASE WHEN {_WANTED} THEN reason END, detail = CASE WHEN {_WANTED} THEN detail END, "
    "since = ?, attempts = 0, next_attempt_at = NULL, version = runs.version + 1 "
    "FROM bots JOIN users ON users.id = bots.user_id "
    f"WHERE bots.id = runs.bot_id AND (runs.state <> 'stopped' OR {_WANTED})"
)


def put_at_rest(of: str = "", *parameters: Any) -> None:
    """Write the states of bots that nobody runs: wanted ones are starting, all others stopped.

    This is what is true at the start of the only server, and when a process lets go of its bots.

    Args:
        of: SQL on the columns of `bots`, with a question mark for each parameter; empty for all.
    """
    condition = f" AND {of}" if of else ""
    execute(_PUT_AT_REST + condition, stored(now()), *parameters)


def save(runs: list[tuple[int, RunRecord]], owner_id: int = 0) -> None:
    """Write the actual states of some bots.

    Args:
        runs: pairs of a bot's id and its actual state.
        owner_id: the process that writes; 0 for the only one.

    Raises:
        peewee.IntegrityError: one of the bots was deleted; nothing was written.
    """
    rows = [
        (
            bot_id,
            run.generation,
            run.state,
            run.reason,
            run.detail and run.detail[:500],
            stored(run.since),
            run.attempts,
            stored(run.next_attempt_at),
            stored(run.last_poll_at),
            0,
        )
        for bot_id, run in runs
    ]
    run_in_few_statements(_SAVE, rows, last=(owner_id,))
    doorbell.ring(Bell.RUNS, [bot_id for bot_id, _ in runs])


def save_polls(polls: list[tuple[int, datetime]]) -> None:
    """Write the times of some bots' last answers to getUpdates.

    Args:
        polls: pairs of a bot's id and that time.
    """
    by_time: dict[datetime, list[int]] = {}
    for bot_id, moment in polls:
        by_time.setdefault(moment.replace(microsecond=0), []).append(bot_id)
    for moment, bot_ids in by_time.items():
        Run.update(last_poll_at=moment).where(Run.bot.in_(bot_ids)).execute()


def shown_state(bot: BotRecord, run: RunRecord | None) -> str:
    """Return the state to show for a bot: the actual one, or the transition to its wish.

    Args:
        bot: the bot with its wish.
        run: its actual state; None if it has never run.
    """
    if run is not None and run.generation >= bot.generation:
        # a bot that should run but is stopped is about to be deleted
        return STOPPING if run.state == STOPPED and bot.wanted else run.state
    if bot.wanted:
        return STARTING
    return STOPPING if run is not None and run.state in ALIVE else STOPPED


def last_seen(
    user_ids: list[int], process_id: int
) -> list[tuple[int, int, datetime | None, datetime | None]]:
    """Return what has happened last to bots of accounts that other processes run.

    Args:
        process_id: the process whose bots are left out.

    Returns:
        The account, the bot, the time of its last poll and of its last update.
    """
    marks = ", ".join("?" * len(user_ids))
    rows = select(
        "SELECT bots.user_id, bots.id, runs.last_poll_at, bots.last_update_at "  # noqa: S608
        "FROM bots JOIN runs ON runs.bot_id = bots.id "
        f"WHERE bots.user_id IN ({marks}) AND bots.owner_id <> ?",
        *user_ids,
        process_id,
    )
    return [(user, bot, loaded(poll), loaded(update)) for user, bot, poll, update in rows]


def joined(*columns: Any) -> Any:
    """Select columns of bots, their accounts and their runs."""
    return (
        Bot.select(*columns)
        .join(User)
        .switch(Bot)
        .join(Run, peewee.JOIN.LEFT_OUTER, on=(Run.bot == Bot.id))
    )


def state_expression() -> Any:
    """Write `shown_state` as an expression of SQL, for a query of `joined`."""
    wanted = Bot.active & User.disabled_at.is_null()
    return peewee.Case(
        None,
        [
            ((Run.generation >= Bot.generation) & (Run.state == STOPPED) & wanted, STOPPING),
            (Run.generation >= Bot.generation, Run.state),
            (wanted, STARTING),
            (Run.state.in_(ALIVE), STOPPING),
        ],
        STOPPED,
    )


def count_states() -> dict[str, int]:
    """Count the bots by state."""
    state = state_expression()
    query = joined(state, peewee.fn.COUNT(Bot.id)).group_by(peewee.SQL("1"))
    return {str(name): int(count) for name, count in query.tuples()}
