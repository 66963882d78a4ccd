"""The tables of the scenario with a long history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figures import median
from bench.layout import aligned

Row = list[str]
_READS = [  # name, title, target of p99 in ms
    ("newest", "newest chats", "30 at most"),
    ("chat", "one chat's page", "20 at most"),
    ("search", "search, all of the following", "150 at most"),
    ("search_common", "search: two common words", ""),
    ("search_rare", "search: a rare word", ""),
    ("search_absent", "search: what nobody wrote", ""),
    ("search_short", "search: two letters", ""),
    ("names", "chats by a part of a name", ""),
]


def history_tables(found: dict[str, Any], sizes: dict[str, Any]) -> Iterator[str]:
    """Results of the scenario as tables.

    Args:
        found: of the scenario.
        sizes: of the run.
    """
    title = f"{sizes['messages']:,} messages in {found['chats']:,} chats, SQLite"
    yield aligned(
        [
            [title, "p50, ms", "p99, ms", "target of p99"],
            *_reads(found["reads"]),
            *_live(found, sizes),
        ]
    )
    yield aligned([["the same", "measured", "target"], *_others(found, sizes)])


def _reads(reads: dict[str, Any]) -> Iterator[Row]:
    for name, title, target in _READS:
        yield [title, f"{reads[name]['p50']:.1f}", f"{reads[name]['p99']:.1f}", target]


def _live(found: dict[str, Any], sizes: dict[str, Any]) -> Iterator[Row]:
    row, uploads = found["live"]["row_ms"], found["uploads"]
    title = f"getUpdates to the row on a live stream, {sizes['busy_rate']:.0f} messages/s"
    yield [title, f"{row['p50']:.1f}", f"{row['p99']:.1f}", "300 at most"]
    alone, beside = uploads["alone"], uploads["beside"]
    title = f"message to answer at {sizes['switching_rate']:.0f}/s"
    for where, windows in (
        ("alone*", alone),
        (f"beside uploads of {sizes['upload_mb']} MB*", beside),
    ):
        shares = [f"{median(windows[name]):.1f}" for name in ("p50_ms", "p99_ms")]
        yield [f"{title}, {where}", *shares, ""]


def _others(found: dict[str, Any], sizes: dict[str, Any]) -> Iterator[Row]:
    uploads, live = found["uploads"], found["live"]
    pairs = zip(uploads["beside"]["p99_ms"], uploads["alone"]["p99_ms"], strict=True)
    more = median(beside - alone for beside, alone in pairs)
    yield ["answers' p99 beside uploads, more than alone, ms*", f"{more:+.1f}", "+50 at most"]
    title = f"an upload of {sizes['upload_mb']} MB, s"
    yield [title, f"{uploads['upload_s']['p50']:.2f}", ""]
    yield ["rows that the live stream missed", f"{live['missing']}", "0"]
    yield ["bytes a message on disk", f"{found['bytes']:.0f}", "600 at most"]
    yield ["messages put into the search index, a second", f"{found['indexed_per_second']:.0f}", ""]


HISTORY_NOTES = """\
One connection, requests in turns, 50 rows a page. The live stream is read by another process.
* medians of the rounds, and of the differences within a round."""
