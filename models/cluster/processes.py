"""The processes that share a database, and the bots that each of them owns.

A process that lives counts up its `beat` once a second. `bots.owner_id` is the process that runs a
bot; a bot without one runs nowhere. Deleting the row of a dead process frees its bots, by the
foreign key. Each transaction in which a process writes for its bots begins with `fence`, which
PostgreSQL's row locks order with that deletion.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast

from psycopg.sql import SQL

from models.bots import runs
from models.engine import bulk, doorbell
from models.engine.connection import LOCK_TIMEOUT
from models.engine.doorbell import Bell
from models.messaging import messages

TAKEOVER_LOCK = 500  # milliseconds
_WANTED = (
    "bots.active AND EXISTS (SELECT 1 FROM users WHERE users.id = bots.user_id "
    "AND users.disabled_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process as others see it.

    Args:
        name: as its operator calls it.
        draining: True if it gives its bots away, because it is about to end.
        reaches_telegram: False if none of its calls has reached Telegram for some time.
        load: the part of a core that it uses.
        bots: how many it owns.
    """

    id: int
    beat: int
    name: str
    version: str
    draining: bool
    reaches_telegram: bool
    load: float
    started_at: datetime
    bots: int


@lru_cache(maxsize=4)
def fence(process_id: int, session: str) -> str:
    """Return the query that finds a process unless it was declared dead, and locks it.

    Others cannot declare it dead until the transaction that runs this query ends.

    Args:
        session: the name of its sessions. A standby that had not heard of the process when it was
            promoted gives the same id to another one.
    """
    query = SQL("SELECT 1 FROM processes WHERE id = {} AND session = {} FOR KEY SHARE")
    return query.format(process_id, session).as_string()


def listed() -> list[ProcessRecord]:
    """List the processes, oldest first."""
    rows = bulk.select(
        "SELECT id, beat, name, version, draining, reaches_telegram, load, started_at, "
        "(SELECT COUNT(*) FROM bots WHERE owner_id = processes.id) FROM processes ORDER BY id"
    )
    return [
        ProcessRecord(
            number, beat, name, version, draining, reaches, load,
            cast(datetime, bulk.loaded(started_at)), bots,
        )
        for number, beat, name, version, draining, reaches, load, started_at, bots in rows
    ]  # fmt: skip


def names_of_owners(bot_ids: list[int]) -> dict[int, str]:
    """Return the names of the processes that run bots; those that nobody runs are left out."""
    if not bot_ids:
        return {}
    sql = (
        "SELECT bots.id, name FROM bots JOIN processes ON processes.id = owner_id "  # noqa: S608
        f"WHERE bots.id IN ({', '.join('?' * len(bot_ids))})"
    )
    return dict(bulk.select(sql, *bot_ids))


@dataclass(frozen=True, slots=True)
class Ownerships:
    """How many bots should run.

    Args:
        wanted: all of them.
        unowned: those that no process runs.
        mine: those of the process that asks.
        unwanted: bots that this process owns and that should not run.
    """

    wanted: int
    unowned: int
    mine: int
    unwanted: int


def count(process_id: int) -> Ownerships:
    """Count the bots that should run."""
    sql = (
        "SELECT COUNT(*) FILTER (WHERE wanted), "
        "COUNT(*) FILTER (WHERE wanted AND owner_id IS NULL), "
        "COUNT(*) FILTER (WHERE wanted AND owner_id = ?), "
        "COUNT(*) FILTER (WHERE NOT wanted AND owner_id = ?) "
        "FROM (SELECT owner_id, active AND disabled_at IS NULL AS wanted "
        "FROM bots JOIN users ON users.id = bots.user_id) AS all_bots"
    )
    return Ownerships(*bulk.select(sql, process_id, process_id)[0])


@dataclass(frozen=True, slots=True)
class Work:
    """What other processes have left for the bots of one.

    Args:
        messages: the bots with messages that people have written.
        updates: those with updates that are not handled.
        calls: those with calls that nobody has taken.
    """

    messages: list[int]
    updates: list[int]
    calls: list[int]


def work_of(process_id: int) -> Work:
    """Find what others have left for the bots of a process."""
    of_mine = "JOIN bots ON bots.id = bot_id WHERE bots.owner_id = ?"
    messages = (
        f"SELECT DISTINCT bot_id FROM messages {of_mine} AND messages.state = 'queued' "  # noqa: S608
        "AND messages.state IN ('queued', 'sending')"
    )
    updates = (
        f"SELECT DISTINCT bot_id FROM updates {of_mine} AND handled_at IS NULL "  # noqa: S608
        "AND dead_at IS NULL"
    )
    calls = f"SELECT DISTINCT bot_id FROM calls {of_mine} AND NOT taken"  # noqa: S608
    return Work(
        *(
            [number for (number,) in bulk.select(sql, process_id)]
            for sql in (messages, updates, calls)
        )
    )


def has_unowned() -> bool:
    """Return True if there are bots that should run and that no process owns."""
    sql = f"SELECT 1 FROM bots WHERE owner_id IS NULL AND {_WANTED} LIMIT 1"  # noqa: S608
    return bool(bulk.select(sql))


def claim(process_id: int, *, limit: int) -> list[int]:
    """Make a process the owner of bots that should run and do not.

    Args:
        limit: of how many at most; those with the least ids.

    Returns:
        The ids of the bots, ascending.
    """
    sql = (
        "UPDATE bots SET owner_id = ? WHERE id IN (SELECT id FROM bots "  # noqa: S608
        f"WHERE owner_id IS NULL AND {_WANTED} ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED) "
        "RETURNING id"
    )
    return sorted(number for (number,) in bulk.select(sql, process_id, limit))


def claim_one(process_id: int, bot_id: int) -> bool:
    """Make a process the owner of a bot; return False if it has another owner, or is gone."""
    sql = "UPDATE bots SET owner_id = ? WHERE id = ? AND (owner_id IS NULL OR owner_id = ?)"
    return bool(bulk.execute(sql, process_id, bot_id, process_id).rowcount)


def release(process_id: int, bot_ids: list[int]) -> None:
    """Let go of bots that the process has stopped, so that others may run them."""
    marks = ", ".join("?" * len(bot_ids))
    mine = f"bots.owner_id = ? AND bots.id IN ({marks})"
    runs.put_at_rest(mine, process_id, *bot_ids)
    bulk.execute(
        f"UPDATE bots SET owner_id = NULL WHERE {mine}",  # noqa: S608
        process_id,
        *bot_ids,
    )
    doorbell.ring(Bell.FREE)


def release_unwanted(process_id: int) -> None:
    """Let go of the bots that should not run."""
    sql = (
        "UPDATE bots SET owner_id = NULL FROM runs WHERE runs.bot_id = bots.id "  # noqa: S608
        "AND owner_id = ? AND runs.state = 'stopped' AND runs.generation >= bots.generation "
        f"AND NOT ({_WANTED})"
    )
    bulk.execute(sql, process_id)


def settle_off(bot_id: int, generation: int) -> None:
    """Record that a bot that nobody runs is off, as its owner wishes."""
    bulk.execute(
        "UPDATE runs SET state = 'stopped', reason = NULL, detail = NULL, generation = ? "
        "FROM bots WHERE bots.id = runs.bot_id AND bots.id = ? AND bots.owner_id IS NULL "
        "AND NOT bots.active AND bots.generation = ?",
        generation,
        bot_id,
        generation,
    )


def take_over(process_id: int, beat: int) -> bool:
    """Remove a process that looks dead, and free its bots.

    Args:
        beat: the beat that was seen last.

    Returns:
        False if it lives after all, or another process was faster.

    Raises:
        peewee.OperationalError: a transaction of it holds its row, or a bot's, for too long.
    """
    bulk.execute(f"SET LOCAL lock_timeout = {TAKEOVER_LOCK}")
    sql = "SELECT id FROM processes WHERE id = ? AND beat = ? FOR UPDATE"
    removed = bool(bulk.select(sql, process_id, beat)) and remove(process_id)
    bulk.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT * 1000}")
    return removed


def end_sessions(process_id: int, beat: int) -> None:
    """End the database sessions of a dead process, which may hold locks for ever.

    Args:
        beat: as for `take_over`: those of a process that lives after all go on.
    """
    bulk.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "JOIN processes ON processes.session = application_name "
        "WHERE processes.id = ? AND processes.beat = ? AND datname = current_database() "
        # a row of this very process, if it did not learn that it had been made
        "AND session <> current_setting('application_name')",
        process_id,
        beat,
    )


def remove(process_id: int) -> bool:
    """Remove a process that is dead or about to end, and free its bots.

    The row is locked first: that waits until no transaction of the process is left, and the fence
    of later ones finds nothing.

    Returns:
        False if it is not there.
    """
    if not bulk.select("SELECT id FROM processes WHERE id = ? FOR UPDATE", process_id):
        return False
    runs.put_at_rest("bots.owner_id = ?", process_id)
    messages.interrupted_of(process_id)
    bulk.execute("DELETE FROM processes WHERE id = ?", process_id)
    doorbell.ring(Bell.FREE)
    return True
