"""Scenarios of bots: the draft, and the versions that were published."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, cast

from models.accounts.audit import Action, Actor
from models.bots import bots
from models.bots.records import BotRecord
from models.dialogs import conversations, menus
from models.dialogs.menus import Shown
from models.engine import bulk, doorbell
from models.engine.base import now
from models.engine.doorbell import Bell
from models.errors import BotDeleted, DraftChanged, TestsChanged

KEPT = 100  # versions of a bot, and every one that a talk is in


@dataclass(frozen=True, slots=True)
class Draft:
    """The scenario that an owner works on.

    Args:
        document: as JSON.
        revision: counts the changes; 0 if there was none yet.
        updated_by: the name of the account; None if that was deleted.
    """

    document: bytes
    revision: int
    updated_at: datetime | None = None
    updated_by: str | None = None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A published scenario.

    Args:
        restarts_before: talks of versions before this one begin anew.
        author: the name of the account; None if that was deleted.
        live: True if it is the version that the bot runs.
        document: as JSON; empty in lists.
        menu: what is known of its menu; None in lists, and if the bot runs another version.
    """

    n: int
    note: str
    restarts_before: int
    created_at: datetime
    author: str | None
    live: bool
    document: bytes = b""
    menu: Shown | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What was published.

    Args:
        before: the version that the bot ran before; None if it ran none.
        talks: how many talks are in which version.
    """

    version: VersionRow
    before: VersionRow | None
    talks: dict[int, int]


def draft(bot_id: int) -> Draft | None:
    """Return the draft of a bot; None if it has none."""
    rows = bulk.select(
        "SELECT draft, revision, scenarios.updated_at, users.username FROM scenarios "
        "LEFT JOIN users ON users.id = updated_by_id WHERE bot_id = ?",
        bot_id,
    )
    for document, revision, updated_at, name in rows:
        return Draft(bytes(document), revision, bulk.loaded(updated_at), name)
    return None


def save(bot: BotRecord, document: bytes, *, seen: int | None, by: Actor) -> Draft:
    """Replace the draft of a bot.

    Args:
        document: as JSON.
        seen: the revision that it replaces; None for any.

    Raises:
        DraftChanged: there is another one by now.
        BotDeleted: the bot is gone.
    """
    _lock(bot)
    present = draft(bot.id)
    revision = present.revision if present else 0
    if seen is not None and seen != revision:
        raise DraftChanged(
            revision,
            present.updated_at if present else None,
            present.updated_by if present else None,
        )
    bulk.execute(
        "INSERT INTO scenarios (bot_id, draft, revision, updated_at, updated_by_id) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (bot_id) DO UPDATE SET draft = excluded.draft, "
        "revision = excluded.revision, updated_at = excluded.updated_at, "
        "updated_by_id = excluded.updated_by_id",
        bot.id, document, revision + 1, bulk.stored(now()), by.user_id,
    )  # fmt: skip
    return cast(Draft, draft(bot.id))


def tests(bot_id: int) -> bytes:
    """Return the tests of a bot's scenario, a list as JSON."""
    rows = bulk.select("SELECT tests FROM scenario_tests WHERE bot_id = ?", bot_id)
    return bytes(rows[0][0]) if rows else b"[]"


def tests_tag(documents: bytes) -> str:
    """Return what tells tests from others, such as those that somebody else has saved.

    Args:
        documents: a list as JSON.
    """
    return hashlib.sha256(documents).hexdigest()[:32]


def save_tests(bot: BotRecord, documents: bytes, *, seen: str | None, by: Actor) -> None:
    """Replace the tests of a bot's scenario.

    Args:
        documents: a list as JSON.
        seen: the tag of the tests that it replaces; None for any.
        by: the actor, whose permission `sessions.authorized` has checked.

    Raises:
        TestsChanged: there are other ones by now.
        BotDeleted: the bot is gone.
    """
    _lock(bot)
    if seen is not None and seen != (present := tests_tag(tests(bot.id))):
        raise TestsChanged(present)
    bulk.execute(
        "INSERT INTO scenario_tests (bot_id, tests) VALUES (?, ?) "
        "ON CONFLICT (bot_id) DO UPDATE SET tests = excluded.tests",
        bot.id, documents,
    )  # fmt: skip


def _lock(bot: BotRecord) -> None:
    """Let others who change the bot's scenario wait for this transaction.

    Raises:
        BotDeleted: it is gone.
    """
    rows = bulk.execute("UPDATE bots SET scenario_version = scenario_version WHERE id = ?", bot.id)
    if not rows.rowcount:
        raise BotDeleted(bot.id)


def publish(
    bot: BotRecord, document: bytes, *, note: str, restart: bool, forced: bool, by: Actor
) -> Published:
    """Make a document the version that the bot runs from now on.

    Args:
        document: a valid scenario as JSON.
        restart: True if the talks of all versions before begin anew.
        forced: True if it is published although tests of it fail.

    Raises:
        BotDeleted: the bot is gone.
    """
    rows = bulk.execute(
        "UPDATE bots SET scenario_version = scenario_version + 1 WHERE id = ? "
        "RETURNING scenario_version",
        bot.id,
    ).fetchall()
    if not rows:
        raise BotDeleted(bot.id)
    [(n,)] = rows
    before = find(bot.id, n - 1)
    restarts_before = n if restart else (before.restarts_before if before else 0)
    bulk.execute(
        "INSERT INTO scenario_versions "
        "(bot_id, n, document, note, restarts_before, created_at, author_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        bot.id, n, document, note, restarts_before, bulk.stored(now()), by.user_id,
    )  # fmt: skip
    menus.published(bot.id, n, document)
    _prune(bot.id, n)
    bots.record_action(Action.SCENARIO_PUBLISHED, bot, by, version=n, forced=forced)
    doorbell.ring(Bell.SCENARIO, [bot.id])
    published = cast(VersionRow, find(bot.id, n))
    return Published(published, before, conversations.count_by_version(bot.id))


def _prune(bot_id: int, newest: int) -> None:
    bulk.execute(
        # looked for one by one in an index: a list of the versions would be one of all talks
        "DELETE FROM scenario_versions WHERE bot_id = ? AND n <= ? AND NOT EXISTS "
        "(SELECT 1 FROM conversations WHERE conversations.bot_id = scenario_versions.bot_id "
        "AND conversations.version = scenario_versions.n)",
        bot_id, newest - KEPT,
    )  # fmt: skip


_COLUMNS = (
    "n, note, restarts_before, scenario_versions.created_at, users.username, "
    "n = bots.scenario_version"
)
_FROM = (
    "FROM scenario_versions JOIN bots ON bots.id = bot_id "
    "LEFT JOIN users ON users.id = author_id WHERE bot_id = ? "
)


def versions(bot_id: int, *, before: int | None, limit: int) -> list[VersionRow]:
    """List the versions of a bot, the latest first, without their documents.

    Args:
        before: only those with a smaller number; None for all.
    """
    rows = bulk.select(
        f"SELECT {_COLUMNS} {_FROM} AND (? = 0 OR n < ?) ORDER BY n DESC LIMIT ?",
        bot_id, before or 0, before or 0, limit,
    )  # fmt: skip
    return [_version(row) for row in rows]


def find(bot_id: int, n: int) -> VersionRow | None:
    """Return a version of a bot; None if there is none of this number."""
    rows = bulk.select(f"SELECT {_COLUMNS}, document {_FROM} AND n = ?", bot_id, n)
    return replace(_version(rows[0]), menu=menus.show(bot_id, n)) if rows else None


def numbers(bot_id: int) -> list[int]:
    """Return the numbers of the versions of a bot, the latest first."""
    sql = "SELECT n FROM scenario_versions WHERE bot_id = ? ORDER BY n DESC"
    return [n for (n,) in bulk.select(sql, bot_id)]


def document(bot_id: int, n: int) -> bytes:
    """Return the document of a version as JSON; empty if there is none of this number."""
    sql = "SELECT document FROM scenario_versions WHERE bot_id = ? AND n = ?"
    return b"".join(bytes(found) for (found,) in bulk.select(sql, bot_id, n))


def live(bot_id: int) -> VersionRow | None:
    """Return the version that a bot runs; None if it runs none."""
    found = present([bot_id]).get(bot_id)
    return find(bot_id, found.version) if found else None


def _version(row: tuple[Any, ...]) -> VersionRow:
    n, note, restarts_before, created_at, author, live, *document = row
    moment = cast(datetime, bulk.loaded(created_at))
    text = b"".join(map(bytes, document))
    return VersionRow(n, note, restarts_before, moment, author, bool(live), text)


class Present(NamedTuple):
    """What a bot is to run.

    Args:
        version: of its scenario; 0 for none.
        menu_waits: True if its menu is to be set.
    """

    version: int
    menu_waits: bool


def present(bot_ids: list[int]) -> dict[int, Present]:
    """Return what some bots are to run, by bot."""
    marks = ", ".join("?" * len(bot_ids))
    sql = (
        "SELECT bots.id, scenario_version, COALESCE(set_version < menus.version, FALSE) FROM bots "  # noqa: S608
        f"LEFT JOIN menus ON menus.bot_id = bots.id WHERE bots.id IN ({marks})"
    )
    rows = bulk.select(sql, *bot_ids) if bot_ids else []
    return {bot_id: Present(version, bool(waits)) for bot_id, version, waits in rows}
