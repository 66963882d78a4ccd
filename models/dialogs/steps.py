"""The logs of talks: what each update led to, kept for some days."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from models.accounts.audit import Actor
from models.engine import bulk
from models.engine.base import now
from models.messaging.effects import TalkKey
from models.messaging.marks import Handled

Place = tuple[int, int, int, int]  # bot, chat, user and topic

# What is in a person's chat, and what they did in others: an index for each. Most talks are in
# private chats, where both ids are the same, and the index of the second one does without those.
OF_PERSON = ("chat_id = ?", "user_id = ? AND user_id <> chat_id")
_KEY = "bot_id, chat_id, user_id, topic_id, update_id"

_STORE = (
    "INSERT INTO conversation_steps "
    "(bot_id, chat_id, user_id, topic_id, update_id, version, steps, at) "
    "SELECT given.column1, given.column4, given.column5, given.column6, given.column3, "
    "given.column7, CASE WHEN bots.history THEN given.column8 ELSE given.column9 END, ? "
    "FROM (VALUES ROWS) AS given "
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2 WHERE TRUE "
    # after a commit whose outcome was not known, the same is written once more
    "ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class StepRow:
    """What an update led to.

    Args:
        steps: as JSON.
    """

    update_id: int
    version: int
    steps: bytes
    at: datetime


def store(handled: Iterable[Handled], stored: Container[Place], moment: Any) -> None:
    """Store what updates led to in talks.

    Args:
        stored: the talks of which it is stored where they stand now.
        moment: the current time, as returned by `bulk.stored`.
    """
    rows = [
        (*mark.writer[:2], mark.update_id, *talk.key, talk.version, talk.steps, talk.wordless)
        for mark in handled
        for talk in (mark.talk,)
        if talk is not None and talk.steps and (mark.writer.bot_id, *talk.key) in stored
    ]
    bulk.run_in_few_statements(_STORE, rows, moment)


def move(bot_id: int, chat_id: int, to: int) -> None:
    """Move the logs of a group's talks to the supergroup that it has become.

    Args:
        to: the supergroup; an entry that it has already stays where it is.
    """
    bulk.execute(
        "UPDATE conversation_steps SET chat_id = ? WHERE bot_id = ? AND chat_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM conversation_steps AS there "
        "WHERE there.bot_id = conversation_steps.bot_id AND there.chat_id = ? "
        "AND there.user_id = conversation_steps.user_id "
        "AND there.topic_id = conversation_steps.topic_id "
        "AND there.update_id = conversation_steps.update_id)",
        to, bot_id, chat_id, to,
    )  # fmt: skip


def list_for(bot_id: int, key: TalkKey, *, before: int | None, limit: int) -> list[StepRow]:
    """Return what has happened in a talk, the latest first.

    Args:
        before: only updates with a smaller id; None for all.
    """
    rows = bulk.select(
        "SELECT update_id, version, steps, at FROM conversation_steps WHERE bot_id = ? "
        "AND chat_id = ? AND user_id = ? AND topic_id = ? AND (? OR update_id < ?) "
        "ORDER BY update_id DESC LIMIT ?",
        bot_id, *key, before is None, before or 0, limit,
    )  # fmt: skip
    return [
        StepRow(update_id, version, bytes(steps), cast(datetime, bulk.loaded(at)))
        for update_id, version, steps, at in rows
    ]


def forget(bot_id: int) -> None:
    """Delete the logs of all talks of a bot."""
    bulk.execute("DELETE FROM conversation_steps WHERE bot_id = ?", bot_id)


def forget_person(bot_id: int, chat_id: int) -> None:
    """Delete the logs of a chat, and of its person in groups."""
    for condition in OF_PERSON:
        bulk.execute(
            f"DELETE FROM conversation_steps WHERE bot_id = ? AND {condition}",  # noqa: S608
            bot_id, chat_id,
        )  # fmt: skip


def discard(bot_ids: list[int], *, limit: int, by: Actor) -> int:
    """Delete the logs of bots that are about to be deleted, in one step; as `prune`.

    Args:
        by: the actor, whose permission `sessions.authorized` has checked.
    """
    return bulk.delete_some_of_bots("conversation_steps", _KEY, bot_ids, limit=limit)


def prune(*, older_than: timedelta, limit: int) -> int:
    """Delete old entries, oldest first, in one step.

    Args:
        older_than: the retention time.
        limit: the maximum number of deletions in this step.

    Returns:
        The number of deletions; fewer than `limit` means that none are left.
    """
    return bulk.delete_some(
        "conversation_steps",
        _KEY,
        "at < ? ORDER BY at",
        bulk.stored(now() - older_than),
        limit=limit,
    )
