"""Which talks wait in which state. A talk is stored as JSON, so this looks into that.

`Conversation.to_json` begins with the version and the state. To compare what follows the number of
the version takes half the time of reading the JSON.
"""

from __future__ import annotations

import orjson

from models.dialogs.conversations import COLUMNS, IN_ORDER, TalkFilter, TalkRow, talk_row, wanted
from models.engine import bulk
from models.messaging.effects import TalkKey

SCANNED = 5000  # talks that are looked at for a page; that takes about 25 ms


def waiting_by_version(bot_id: int) -> dict[int, int]:
    """Count the talks of a bot that wait in a state, and have not ended, by their version.

    This reads all talks of the bot: 0.5 s for 100,000 of them. Call it outside of transactions that
    write.
    """
    begin = _begin("")
    return dict(
        bulk.select(
            "SELECT version, COUNT(*) FROM conversations "  # noqa: S608
            f"WHERE bot_id = ? AND NOT {_BEGINS} GROUP BY version",
            bot_id, len(begin), begin,
        )
    )  # fmt: skip


def list_in_state(
    bot_id: int, state: str, only: TalkFilter, *, limit: int
) -> tuple[list[TalkRow], TalkKey | None]:
    """List talks that wait in a state, of the next 5,000 of a bot; by their keys.

    Returns:
        The talks, and the key behind which to go on; None if there are no others.
    """
    where, parameters = wanted(bot_id, only)
    talks = f"FROM conversations WHERE {where} {IN_ORDER}"
    begin = _begin(state)
    rows = bulk.select(
        f"SELECT {COLUMNS} FROM (SELECT {COLUMNS} {talks} LIMIT ?) AS scanned "  # noqa: S608
        f"WHERE {_BEGINS} {IN_ORDER} LIMIT ?",
        *parameters, SCANNED, len(begin), begin, limit + 1,
    )  # fmt: skip
    found = [talk_row(row) for row in rows]
    if len(found) > limit:
        return found[:limit], found[limit - 1].key
    last = bulk.select(
        f"SELECT chat_id, user_id, topic_id {talks} LIMIT 1 OFFSET ?",
        *parameters, SCANNED - 1,
    )  # fmt: skip
    return found, TalkKey(*last[0]) if last else None


_BEGINS = "substr(state, 12 + length(CAST(version AS TEXT)), ?) = ?"


def _begin(state: str) -> bytes:
    """Return what follows the number of the version in the JSON of a talk in a state."""
    return b',"state":%b,' % orjson.dumps(state)
