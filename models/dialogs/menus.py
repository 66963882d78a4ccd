"""The menus of bots: the commands that Telegram shows, as far as scenarios have some.

A publish notes that a menu is to be set, in its own transaction; whoever runs the bot sets it, and
notes that, too. So neither a crash nor a bot that is off loses a menu. Bots whose scenarios never
had commands have no row, and their menus are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from models.bots.records import Writer
from models.engine import bulk
from models.engine.base import now


@dataclass(frozen=True, slots=True)
class Refused:
    """What Telegram has refused of a menu.

    Args:
        language: of the menu, such as ru; empty for that of all other languages.
        command: the command; None if it is not because of one.
        error: Telegram's words.
    """

    language: str
    command: str | None
    error: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a menu.

    Args:
        is_set: False as long as Telegram is not known to have it.
        is_empty: True if nothing of it is left at Telegram, because the version has no commands.
        at: when it was set; None if it is not.
    """

    is_set: bool = True
    is_empty: bool = True
    refused: tuple[Refused, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A menu that is to be set.

    Args:
        version: of the scenario.
        document: the scenario as JSON.
        languages: those in which Telegram may show a menu of ours by now.
    """

    version: int
    document: bytes
    languages: tuple[str, ...]


def published(bot_id: int, n: int, document: bytes) -> None:
    """Note that the menu of a new version is to be set, if it or an earlier one has commands."""
    if orjson.loads(document).get("commands"):
        bulk.execute(
            "INSERT INTO menus (bot_id, version, set_version, languages, refused) "
            "VALUES (?, ?, 0, '[]', '[]') "
            "ON CONFLICT (bot_id) DO UPDATE SET version = excluded.version",
            bot_id, n,
        )  # fmt: skip
    else:
        bulk.execute("UPDATE menus SET version = ? WHERE bot_id = ?", n, bot_id)


def forget(bot_id: int) -> None:
    """Learn that a bot is another Telegram bot now, whose menu nobody here has set."""
    bulk.execute(
        "UPDATE menus SET set_version = 0, languages = '[]', refused = '[]', at = NULL "
        "WHERE bot_id = ?",
        bot_id,
    )


def show(bot_id: int, n: int) -> Shown | None:
    """Return what is known of the menu of a version; None if the bot runs another one."""
    rows = bulk.select(
        "SELECT scenario_version, menus.version, set_version, languages, refused, at FROM bots "
        "LEFT JOIN menus ON menus.bot_id = bots.id WHERE bots.id = ?",
        bot_id,
    )
    if not rows or rows[0][0] != n:
        return None
    _, version, set_version, languages, refused, at = rows[0]
    if version is None:
        return Shown()
    if set_version < version:
        return Shown(is_set=False, is_empty=False)
    left = tuple(Refused(**one) for one in orjson.loads(refused))
    return Shown(True, languages == "[]" and not left, left, bulk.loaded(at))


def work(bot_id: int) -> Work | None:
    """Return the menu that is to be set; None if it is."""
    rows = bulk.select(
        "SELECT menus.version, document, languages FROM menus JOIN scenario_versions "
        "ON scenario_versions.bot_id = menus.bot_id AND n = menus.version "
        "WHERE menus.bot_id = ? AND set_version < menus.version",
        bot_id,
    )
    for version, document, languages in rows:
        return Work(version, bytes(document), tuple(orjson.loads(languages)))
    return None


def begin(writer: Writer, version: int, languages: list[str]) -> bool:
    """Note in which languages a menu may be at Telegram, before the first of them is set.

    Without this, a crash after a call would leave a menu that nobody takes away later.

    Returns:
        False if it is not for this run to set it.
    """
    return _is_own(writer) and _change(writer, version, "languages = ?", _json(languages))


def finish(writer: Writer, version: int, languages: list[str], refused: list[Refused]) -> bool:
    """Note that a menu is set.

    Args:
        languages: those in which Telegram may show a menu of ours.
        refused: what of it is not set.

    Returns:
        False if that is not known of the present menu: another version was published meanwhile,
        or this is not the bot's run any more.
    """
    values = _json(languages), _json(refused), bulk.stored(now())
    return _is_own(writer) and _change(
        writer, version, "set_version = version, languages = ?, refused = ?, at = ?", *values
    )


def _is_own(writer: Writer) -> bool:
    """Return True if it is the bot's present run, and keep it so until the commit."""
    locked = bulk.execute(
        "UPDATE bots SET scenario_version = scenario_version WHERE id = ? "
        "AND token_generation = ? AND COALESCE(owner_id, 0) = ?",
        *writer,
    )
    return bool(locked.rowcount)


def _change(writer: Writer, version: int, columns: str, *values: Any) -> bool:
    sql = f"UPDATE menus SET {columns} WHERE bot_id = ? AND version = ?"  # noqa: S608
    return bool(bulk.execute(sql, *values, writer.bot_id, version).rowcount)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
