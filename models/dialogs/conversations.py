"""Talks with a bot: where each of them stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from models.accounts.audit import Actor
from models.dialogs import steps
from models.dialogs.steps import OF_PERSON, Place
from models.engine import bulk, doorbell
from models.engine.base import now
from models.engine.doorbell import Bell
from models.messaging.effects import Talk, TalkKey
from models.messaging.marks import Handled

_KEY = "bot_id, chat_id, user_id, topic_id"
# As for messages: only for updates that are not marked, and for the bot's present run.
_UNMARKED = (
    "JOIN updates ON updates.bot_id = given.column1 AND updates.update_id = given.column3 "
    "AND updates.handled_at IS NULL "
)
_GIVEN = (
    "FROM (VALUES ROWS) AS given {unmarked}"
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2 "
    "AND COALESCE(bots.owner_id, 0) = given.column4 "
)
_INSERT = (
    "INSERT INTO conversations "
    "(bot_id, chat_id, user_id, topic_id, version, state, updated_at) "
    "SELECT given.column1, given.column5, given.column6, given.column7, given.column8, "
    f"given.column9, ? {_GIVEN} WHERE TRUE "
    "ON CONFLICT (bot_id, chat_id, user_id, topic_id) DO UPDATE SET version = excluded.version, "
    "state = excluded.state, updated_at = excluded.updated_at "
    "RETURNING bot_id, chat_id, user_id, topic_id"
)
# Not the other one: if the row is just being deleted, that would wait, and then insert it again.
_UPDATE = (
    "UPDATE conversations "  # noqa: S608
    "SET updated_at = ?, version = given.column8, state = given.column9 "
    f"{_GIVEN} WHERE conversations.bot_id = given.column1 "
    "AND conversations.chat_id = given.column5 AND conversations.user_id = given.column6 "
    "AND conversations.topic_id = given.column7 "
    "RETURNING conversations.bot_id, conversations.chat_id, conversations.user_id, "
    "conversations.topic_id"
)
_SAVE_IF_UNMARKED = [sql.format(unmarked=_UNMARKED) for sql in (_INSERT, _UPDATE)]
_SAVE_EARLY = [sql.format(unmarked="") for sql in (_INSERT, _UPDATE)]


def store(handled: Iterable[Handled], moment: Any) -> set[Place]:
    """Store where talks stand after updates that are not marked as handled yet.

    Args:
        moment: the current time, as returned by `bulk.stored`.

    Returns:
        Those that are stored: not one that was deleted meanwhile.
    """
    return _store(_SAVE_IF_UNMARKED, handled, moment)


def store_early(early: Iterable[Handled], moment: Any) -> set[Place]:
    """Store where talks stand after updates that this transaction stores; as `store`."""
    return _store(_SAVE_EARLY, early, moment)


def _store(save: list[str], handled: Iterable[Handled], moment: Any) -> set[Place]:
    insert, update = save
    marks = list(handled)
    new = {
        (mark.writer.bot_id, *mark.talk.key)
        for mark in marks
        if mark.talk is not None and mark.talk.is_new
    }
    rows = _rows(marks)
    stored: set[Place] = set()
    for sql, are_new in ((insert, True), (update, False)):
        some = [row for row in rows if ((row[0], *row[4:7]) in new) is are_new]
        stored.update(bulk.run_in_few_statements(sql, some, moment).returned)
    return stored


def _rows(handled: Iterable[Handled]) -> list[tuple[Any, ...]]:
    # one row a talk: a statement cannot change a row twice
    rows = {
        (mark.writer.bot_id, talk.key): (
            *mark.writer[:2], mark.update_id, mark.writer.owner_id, *talk.key, talk.version,
            talk.state,
        )
        for mark in handled
        for talk in (mark.talk,)
        if talk is not None
    }  # fmt: skip
    return [rows[key] for key in sorted(rows)]


def move(handled: Iterable[Handled]) -> None:
    """Let the talks of groups that have become supergroups go on there, with their logs."""
    for mark in handled:
        if mark.moved_to is None or mark.chat_id is None:
            continue
        bulk.execute(
            "UPDATE conversations SET chat_id = ? WHERE bot_id = ? AND chat_id = ? "
            "AND NOT EXISTS (SELECT 1 FROM conversations AS there "
            "WHERE there.bot_id = conversations.bot_id AND there.chat_id = ? "
            "AND there.user_id = conversations.user_id "
            "AND there.topic_id = conversations.topic_id)",
            mark.moved_to, mark.writer.bot_id, mark.chat_id, mark.moved_to,
        )  # fmt: skip
        steps.move(mark.writer.bot_id, mark.chat_id, mark.moved_to)


def find(bot_id: int, key: TalkKey) -> Talk | None:
    """Return where a talk stands; None for a new one."""
    rows = bulk.select(
        "SELECT version, state FROM conversations "
        "WHERE bot_id = ? AND chat_id = ? AND user_id = ? AND topic_id = ?",
        bot_id, *key,
    )  # fmt: skip
    return Talk(key, rows[0][0], bytes(rows[0][1])) if rows else None


def some(bot_id: int, *, limit: int) -> list[Talk]:
    """Return where talks of a bot stand, `limit` of them at most."""
    rows = bulk.select(
        "SELECT version, state, chat_id, user_id, topic_id FROM conversations "
        "WHERE bot_id = ? LIMIT ?",
        bot_id, limit,
    )  # fmt: skip
    return [Talk(TalkKey(*key), version, bytes(state)) for version, state, *key in rows]


@dataclass(frozen=True, slots=True)
class TalkRow:
    """A talk as its owner sees it."""

    key: TalkKey
    version: int
    state: bytes
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TalkFilter:
    """Which talks of a bot are listed.

    Args:
        chat_id, version: only those in this chat and version; None for all.
        after: only those behind this one; None for all.
    """

    chat_id: int | None = None
    version: int | None = None
    after: TalkKey | None = None


COLUMNS = "chat_id, user_id, topic_id, version, state, updated_at"
IN_ORDER = "ORDER BY chat_id, user_id, topic_id"


def list_for(bot_id: int, only: TalkFilter, *, limit: int) -> list[TalkRow]:
    """List the talks of a bot by their keys."""
    where, parameters = wanted(bot_id, only)
    sql = f"SELECT {COLUMNS} FROM conversations WHERE {where} {IN_ORDER} LIMIT ?"  # noqa: S608
    return [talk_row(row) for row in bulk.select(sql, *parameters, limit)]


def wanted(bot_id: int, only: TalkFilter) -> tuple[str, list[Any]]:
    """Return the condition for some talks of a bot as SQL, with its parameters."""
    conditions, parameters = ["bot_id = ?"], [bot_id]
    for column, value in (("chat_id", only.chat_id), ("version", only.version)):
        if value is not None:
            conditions.append(f"{column} = ?")
            parameters.append(value)
    if only.after is not None:
        conditions.append("(chat_id, user_id, topic_id) > (?, ?, ?)")
        parameters += only.after
    return " AND ".join(conditions), parameters


def show(bot_id: int, key: TalkKey) -> TalkRow | None:
    """Return a talk as its owner sees it; None if there is none."""
    rows = bulk.select(
        f"SELECT {COLUMNS} FROM conversations "  # noqa: S608
        "WHERE bot_id = ? AND chat_id = ? AND user_id = ? AND topic_id = ?",
        bot_id, *key,
    )  # fmt: skip
    return talk_row(rows[0]) if rows else None


def talk_row(row: tuple[Any, ...]) -> TalkRow:
    """Return the talk of a row with `COLUMNS`."""
    *key, version, state, updated_at = row
    return TalkRow(TalkKey(*key), version, bytes(state), cast(datetime, bulk.loaded(updated_at)))


def delete(bot_id: int, key: TalkKey, *, by: Actor) -> bool:
    """Delete a talk, so that it begins anew; return False if there is none.

    Args:
        by: the actor, whose permission `sessions.authorized` has checked.
    """
    gone = bulk.execute(
        "DELETE FROM conversations "
        "WHERE bot_id = ? AND chat_id = ? AND user_id = ? AND topic_id = ?",
        bot_id, *key,
    )  # fmt: skip
    doorbell.ring(Bell.SCENARIO, [bot_id])
    return bool(gone.rowcount)


def count_by_version(bot_id: int) -> dict[int, int]:
    """Count the talks of a bot by the version that they are in."""
    return dict(
        bulk.select(
            "SELECT version, COUNT(*) FROM conversations WHERE bot_id = ? GROUP BY version", bot_id
        )
    )


def forget(bot_id: int) -> None:
    """Delete all talks of a bot."""
    bulk.execute("DELETE FROM conversations WHERE bot_id = ?", bot_id)
    steps.forget(bot_id)


def forget_person(bot_id: int, chat_id: int) -> None:
    """Delete the talks in a chat, and those of its person in groups."""
    for condition in OF_PERSON:
        bulk.execute(f"DELETE FROM conversations WHERE bot_id = ? AND {condition}", bot_id, chat_id)  # noqa: S608
    steps.forget_person(bot_id, chat_id)


def discard(bot_ids: list[int], *, limit: int, by: Actor) -> int:
    """Delete talks of bots that are about to be deleted, in one step.

    Args:
        limit: the maximum number of deletions in this step.
        by: the actor, whose permission `sessions.authorized` has checked.

    Returns:
        The number of deletions; fewer than `limit` means that none are left.
    """
    return bulk.delete_some_of_bots("conversations", _KEY, bot_ids, limit=limit)


def idle(older_than: timedelta, *, limit: int) -> list[Place]:
    """List talks in which nothing has happened for long."""
    return bulk.select(
        "SELECT bot_id, chat_id, user_id, topic_id FROM conversations WHERE updated_at < ? "
        "LIMIT ?",
        bulk.stored(now() - older_than), limit,
    )  # fmt: skip


def remove_idle(places: list[Place], older_than: timedelta) -> int:
    """Delete talks if nothing has happened in them meanwhile; return their number."""
    before = bulk.stored(now() - older_than)
    return sum(
        bulk.execute(
            "DELETE FROM conversations WHERE bot_id = ? AND chat_id = ? AND user_id = ? "
            "AND topic_id = ? AND updated_at < ?",
            *place, before,
        ).rowcount
        for place in places
    )  # fmt: skip
