"""Sorts out the answers of getUpdates, so that everything in them that has a key can be stored.

An update without an `update_id` that can be a key is let go, and counted. One that cannot be
stored as it came is replaced by a stand-in with the reason, which ends as a dead update.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from models.bots.telegram_id import MAX_TELEGRAM_ID
from models.redaction import foreign
from runner.updates.incoming import UNREADABLE, IncomingUpdate, JSONObject, flaw_of

PACKING = 0.005  # seconds of a turn of the event loop
MAX_TAKEN = 100  # updates of an answer; Telegram gives no more
MAX_GIVEN = 1000  # above that, it is nothing that goes by what it is asked
MAX_UPDATE = 2**18  # bytes as JSON; the longest message with all it may hold has half of it
MAX_DEPTH = 100  # objects and lists in each other; a message has about ten
MAX_STAND_IN = 4096  # bytes as JSON
SHOWN_BYTES = 1500  # of that; written as a text within JSON, it grows
SHOWN_DEPTH, SHOWN_ITEMS, SHOWN_VALUES, SHOWN_TEXT = 8, 20, 200, 200  # of a stand-in


@dataclass(frozen=True, slots=True)
class Received:
    """The part of one getUpdates that is taken.

    Args:
        updates: the first of those with a key, ascending, each key once.
        unusable: how many there were beside them.
    """

    updates: list[JSONObject]
    unusable: int

    @property
    def offset(self) -> int:
        """The offset that confirms them."""
        last: int = self.updates[-1]["update_id"]
        return last + 1


def sort_out(batch: list[Any]) -> Received:
    """Sort the updates of a batch, and take the first MAX_TAKEN; the others come again.

    Args:
        batch: the result of getUpdates, whose items may be anything.
    """
    by_id: dict[int, JSONObject] = {}
    last, ascending = -1, True
    for update in batch:
        number = update.get("update_id") if isinstance(update, dict) else None
        if type(number) is int and 0 <= number <= MAX_TELEGRAM_ID:
            ascending = ascending and number > last
            last = number
            by_id.setdefault(number, update)
    updates = list(by_id.values())
    if not ascending:
        updates.sort(key=lambda update: int(update["update_id"]))
    return Received(updates[:MAX_TAKEN], unusable=len(batch) - len(updates))


def pack(update: JSONObject) -> tuple[IncomingUpdate, bytes]:
    """Bring an update into the form in which it is stored.

    Returns:
        The update, or a stand-in for it; and that as JSON.
    """
    raw, payload = _pack(update)
    return IncomingUpdate.from_raw(raw), payload


async def pack_all(batch: list[JSONObject]) -> list[tuple[IncomingUpdate, bytes]]:
    """Pack a batch; large updates take their time, in which others have their turns."""
    clock, packed = asyncio.get_running_loop().time, []
    turn = clock()
    for update in batch:
        packed.append(pack(update))
        if clock() - turn > PACKING:
            await asyncio.sleep(0)
            turn = clock()
    return packed


def _pack(update: JSONObject) -> tuple[JSONObject, bytes]:
    update.pop(UNREADABLE, None)
    try:
        payload = orjson.dumps(update)
    except (TypeError, RecursionError):
        return _stand_in(update, "it is not valid JSON or is nested too deeply")
    if len(payload) > MAX_UPDATE:
        flaw = f"it is too large ({len(payload)} bytes; the maximum is {MAX_UPDATE})"
        return _stand_in(update, flaw)
    # brackets within texts count here, which only makes the rare look below needless
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH and _depth(update) > MAX_DEPTH:
        return _stand_in(update, f"it is nested more than {MAX_DEPTH} levels deep")
    if len(payload) > MAX_STAND_IN and (why := flaw_of(update)) is not None:
        return _stand_in(update, _cut(why, payload))
    return update, payload


def _cut(why: str, payload: bytes) -> str:
    return f"{why} ({len(payload)} bytes; only the beginning is stored)"


def _stand_in(update: JSONObject, why: str) -> tuple[JSONObject, bytes]:
    shown = _shown(update, depth=0, left=iter(range(SHOWN_VALUES)))
    stand_in = {"update_id": update["update_id"], UNREADABLE: why, "begin": shown}
    payload = orjson.dumps(stand_in)
    if len(payload) > MAX_STAND_IN:
        begin = orjson.dumps(shown)[:SHOWN_BYTES].decode("utf-8", "replace")
        stand_in["begin"] = foreign(begin, limit=SHOWN_BYTES)
        payload = orjson.dumps(stand_in)
    return stand_in, payload


def _depth(value: Any) -> int:
    """The depth of objects and lists in each other, found without recursion."""
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
    return depth


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _shown(value: Any, *, depth: int, left: Iterator[int]) -> Any:
    """The begin of a value, small enough to be stored and shown.

    Args:
        left: what is left of the number of values that are kept altogether.
    """
    if next(left, None) is None or (depth > SHOWN_DEPTH and isinstance(value, dict | list)):
        return "…"
    if isinstance(value, dict):
        return {
            foreign(name, limit=SHOWN_TEXT): _shown(inner, depth=depth + 1, left=left)
            for name, inner in list(value.items())[:SHOWN_ITEMS]
        }
    if isinstance(value, list):
        return [_shown(inner, depth=depth + 1, left=left) for inner in value[:SHOWN_ITEMS]]
    if isinstance(value, str):
        return foreign(value, limit=SHOWN_TEXT)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_TELEGRAM_ID:
        return foreign(str(value), limit=SHOWN_TEXT)
    return value
