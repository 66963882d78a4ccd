"""Tags of people: what scenarios note about them, for their owners."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from models.accounts.audit import Actor
from models.bots.records import Writer
from models.dialogs.steps import Place
from models.engine import bulk
from models.messaging.marks import Handled

MAX_TAGS = 50  # of a person; what is over is not given

_OF_WRITERS = (
    "FROM (VALUES ROWS) AS given "
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2 "
    "AND COALESCE(bots.owner_id, 0) = given.column3"
)
_GIVE = (
    "INSERT INTO person_tags (bot_id, person_id, tag, given_at) "
    f"SELECT given.column1, given.column4, given.column5, ? {_OF_WRITERS} WHERE TRUE "
    "ON CONFLICT DO NOTHING"
)
_TAKE = (
    "DELETE FROM person_tags WHERE (bot_id, person_id, tag) IN "  # noqa: S608
    f"(SELECT given.column1, given.column4, given.column5 {_OF_WRITERS})"
)
_HAD = (
    "SELECT tags.bot_id, tags.person_id, tags.tag FROM (VALUES ROWS) AS given "
    "JOIN person_tags AS tags ON tags.bot_id = given.column1 AND tags.person_id = given.column2"
)

_Person = tuple[Writer, int]


def store(marked: Iterable[Handled], stored: Container[Place], moment: Any) -> None:
    """Give tags to people and take them away, as updates say.

    Args:
        marked: updates that this transaction has marked as handled, and no other one before, in
            the order of each bot's updates.
        stored: the talks of which it is stored where they stand now. A talk that is gone was
            deleted meanwhile, maybe to forget its person, who then gets no tag.
        moment: the current time, as returned by `bulk.stored`.
    """
    changes: dict[_Person, dict[str, bool]] = {}
    for mark in marked:
        # who writes in the name of a chat has its id, which is negative
        talk = mark.talk
        if talk is None or (mark.writer.bot_id, *talk.key) not in stored:
            continue
        if talk.tags and talk.key.user_id > 0:
            wanted = changes.setdefault((mark.writer, talk.key.user_id), {})
            wanted.update(talk.tags)  # the last word counts
    if not changes:
        return
    people = sorted(changes)  # so everywhere, so that two transactions do not wait for each other
    had: dict[tuple[int, int], set[str]] = {}
    rows = [(writer.bot_id, person_id) for writer, person_id in people]
    for bot_id, person_id, tag in bulk.run_in_few_statements(_HAD, rows).returned:
        had.setdefault((bot_id, person_id), set()).add(tag)
    given, taken = [], []
    for person in people:
        writer, person_id = person
        new, lost = _changed(had.get((writer.bot_id, person_id), set()), changes[person])
        given += [(*writer, person_id, tag) for tag in new]
        taken += [(*writer, person_id, tag) for tag in lost]
    bulk.run_in_few_statements(_TAKE, taken)
    bulk.run_in_few_statements(_GIVE, given, moment)


def _changed(had: set[str], wanted: dict[str, bool]) -> tuple[list[str], list[str]]:
    """Return the tags that a person gets and loses."""
    lost = sorted(tag for tag in had if wanted.get(tag) is False)
    new = [tag for tag, is_given in wanted.items() if is_given and tag not in had]
    return sorted(new[: max(0, MAX_TAGS - len(had) + len(lost))]), lost


def of_people(bot_id: int, person_ids: list[int]) -> dict[int, list[str]]:
    """Return the tags of those of some people who have any, sorted."""
    if not person_ids:
        return {}
    marks = ", ".join("?" * len(person_ids))
    found: dict[int, list[str]] = {}
    for person_id, tag in bulk.select(
        f"SELECT person_id, tag FROM person_tags WHERE bot_id = ? AND person_id IN ({marks})",  # noqa: S608
        bot_id, *person_ids,
    ):  # fmt: skip
        found.setdefault(person_id, []).append(tag)
    return {person_id: sorted(those) for person_id, those in found.items()}


def forget(bot_id: int) -> None:
    """Delete the tags of all people of a bot."""
    bulk.execute("DELETE FROM person_tags WHERE bot_id = ?", bot_id)


def forget_person(bot_id: int, person_id: int) -> None:
    """Delete the tags of a person."""
    bulk.execute("DELETE FROM person_tags WHERE bot_id = ? AND person_id = ?", bot_id, person_id)


def discard(bot_ids: list[int], *, limit: int, by: Actor) -> int:
    """Delete tags of bots that are about to be deleted, in one step.

    Args:
        limit: the maximum number of deletions in this step.
        by: the actor, whose permission `sessions.authorized` has checked.

    Returns:
        The number of deletions; fewer than `limit` means that none are left.
    """
    return bulk.delete_some_of_bots("person_tags", "bot_id, person_id, tag", bot_ids, limit=limit)
