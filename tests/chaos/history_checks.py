"""What must be true of the history of messages at the end of a run. Linear in the log.

The check returns a sentence for each thing that is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from chaos.events import Delivered, History, Injected, Kept, Requested

Place = tuple[int, int]  # bot, chat


def history_is_complete(history: History) -> list[str]:
    """(11) What people wrote is kept once and in order, and what is told as sent is at Telegram.

    Bots that were deleted have no history; those whose deletion was asked for may have none.
    """
    deleted = {one.bot for one in history.of(Requested) if one.wish == "delete"}
    written: dict[Place, list[str]] = defaultdict(list)
    for one in history.of(Injected):
        if one.bot not in deleted:
            written[one.bot, one.chat].append(one.text)
    kept: dict[Place, list[str]] = defaultdict(list)
    rows = sorted((row for row in history.of(Kept) if row.bot not in deleted), key=lambda r: r.id)
    for row in rows:
        if row.state == "received":
            kept[row.bot, row.chat].append(str(row.text))
    wrong = [
        f"bot {bot}, chat {chat}: {sentence}"
        for bot, chat in sorted(written.keys() | kept.keys())
        for sentence in _compared(written[bot, chat], kept[bot, chat])
    ]
    return wrong + list(_not_delivered(rows, history))


def _compared(written: list[str], kept: list[str]) -> Iterator[str]:
    """Compare what was written in a chat, where each text is another, with what is kept of it."""
    times, asked = Counter(kept), set(written)
    for text in written:
        if not times[text]:
            yield f"{text!r} is not kept"
    for text, count in times.items():
        if text not in asked:
            yield f"{text!r} is kept, and nobody wrote it"
        elif count > 1:
            yield f"{text!r} is kept {count} times"
    places = {text: place for place, text in enumerate(written)}
    order = [text for text in dict.fromkeys(kept) if text in asked]
    for before, after in pairwise(order):
        if places[before] > places[after]:
            yield f"{before!r} is kept before {after!r}, which was written first"


def _not_delivered(rows: list[Kept], history: History) -> Iterator[str]:
    at_telegram = {(one.bot, one.chat, one.telegram) for one in history.of(Delivered)}
    told: set[tuple[int, int, int | None]] = set()
    for row in rows:
        if row.state != "sent":
            continue
        key = row.bot, row.chat, row.telegram
        where = f"bot {row.bot}, chat {row.chat}: message {row.id}, told as sent,"
        if key not in at_telegram:
            yield f"{where} has Telegram's id {row.telegram}, which the sandbox does not have"
        elif key in told:
            yield f"{where} has Telegram's id {row.telegram} of another one"
        told.add(key)
