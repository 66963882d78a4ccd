"""What bots resume from after they were off, or after another process has run them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.engine import bulk
from models.engine.base import now


@dataclass(frozen=True, slots=True)
class Resumption:
    """The stored data from which a bot resumes.

    Args:
        offset: the offset of its next getUpdates.
        last_update_at: when it received an update for the last time.
        blocked_chats: the chats that refuse its messages.
        unsent: the lanes and states of messages that are to be sent.
        scenario_version: the scenario that it runs; 0 for none.
        menu_waits: True if the menu of its commands is to be set.
        has_waiting: True if there are updates that are stored and not handled.
    """

    offset: int
    last_update_at: datetime | None
    blocked_chats: frozenset[int]
    unsent: frozenset[tuple[int, str]]
    has_waiting: bool
    scenario_version: int = 0
    menu_waits: bool = False


def resume(bot_ids: list[int], *, forget_after: timedelta) -> dict[int, Resumption]:
    """Read the data from which bots resume, by id; without those that were deleted.

    Args:
        forget_after: the time for which an offset is valid. After a week without updates,
            Telegram continues with a random id (Bot API, Update.update_id).
    """
    marks = ", ".join("?" * len(bot_ids))
    offsets = bulk.select(
        "SELECT id, update_offset, last_update_at, scenario_version, "  # noqa: S608
        "COALESCE(set_version < menus.version, FALSE) FROM bots "
        f"LEFT JOIN menus ON menus.bot_id = bots.id WHERE id IN ({marks})",
        *bot_ids,
    )
    blocked = _grouped(
        f"SELECT bot_id, chat_id FROM chats WHERE bot_id IN ({marks}) "  # noqa: S608
        "AND blocked_at IS NOT NULL",
        bot_ids,
    )
    unsent = _grouped(
        f"SELECT DISTINCT bot_id, lane, state FROM messages WHERE bot_id IN ({marks}) "  # noqa: S608
        "AND state IN ('queued', 'sending')",
        bot_ids,
    )
    waiting = _grouped(
        f"SELECT DISTINCT bot_id FROM updates WHERE bot_id IN ({marks}) "  # noqa: S608
        "AND handled_at IS NULL AND dead_at IS NULL",
        bot_ids,
    )
    moment = now()
    found: dict[int, Resumption] = {}
    for bot_id, offset, stored_at, scenario_version, menu_waits in offsets:
        last_update_at = bulk.loaded(stored_at)
        fresh = last_update_at is not None and moment - last_update_at < forget_after
        found[bot_id] = Resumption(
            offset=offset if fresh else 0,
            last_update_at=last_update_at,
            blocked_chats=frozenset(chat_id for (chat_id,) in blocked[bot_id]),
            unsent=frozenset((lane, state) for lane, state in unsent[bot_id]),
            has_waiting=bool(waiting[bot_id]),
            scenario_version=scenario_version,
            menu_waits=bool(menu_waits),
        )
    return found


def _grouped(sql: str, bot_ids: list[int]) -> dict[int, list[tuple[Any, ...]]]:
    rows: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for bot_id, *values in bulk.select(sql, *bot_ids):
        rows[bot_id].append(tuple(values))
    return rows
