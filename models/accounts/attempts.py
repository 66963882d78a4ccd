"""Counts of attempts that several processes share: an unlogged table of PostgreSQL.

Call the writing functions with `Database.write_apart`. Each locks its rows in the order of their
keys, so that no two of them wait for each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.engine.bulk import execute, select

PRUNED = 16  # ended windows that an attempt deletes: more than it makes


class Window(NamedTuple):
    """A window in which an attempt is counted.

    Args:
        key: a digest of who is counted, and for what.
        limit: the maximum number of attempts.
        seconds: the length; a window begins with its first attempt.
    """

    key: str
    limit: int
    seconds: float


class Counted(NamedTuple):
    """What became of an attempt.

    Args:
        wait: the seconds until another attempt is allowed; None if this one was counted.
        in_vain: True if one of the windows that nobody is told of was full.
    """

    wait: int | None
    in_vain: bool = False


class _Open(NamedTuple):
    attempts: int
    seconds_left: float


# A window that ends later than twice its length from now was made before the clock was set back.
_READ = """
SELECT key, count, EXTRACT(EPOCH FROM ends_at - statement_timestamp())::float8
FROM throttle_windows JOIN unnest(?::text[], ?::float8[]) AS asked (key, seconds) USING (key)
WHERE ends_at - statement_timestamp() BETWEEN '0' AND 2 * seconds * INTERVAL '1 second'
"""
_ADD = """
INSERT INTO throttle_windows AS stored (key, ends_at, count)
SELECT key, statement_timestamp() + seconds * INTERVAL '1 second', 1
FROM unnest(?::text[], ?::float8[]) AS added (key, seconds) ORDER BY key
ON CONFLICT (key) DO UPDATE SET (ends_at, count) = (
    SELECT CASE WHEN is_open THEN stored.ends_at ELSE EXCLUDED.ends_at END,
        CASE WHEN is_open THEN stored.count ELSE 0 END + 1
    FROM (SELECT stored.ends_at - statement_timestamp()
        BETWEEN '0' AND 2 * (EXCLUDED.ends_at - statement_timestamp()) AS is_open) AS state
)
RETURNING key, count, EXTRACT(EPOCH FROM ends_at - statement_timestamp())::float8
"""
_LOCK = "SELECT 1 FROM throttle_windows WHERE key = ANY(?::text[]) ORDER BY key FOR UPDATE"
_TAKE_BACK = "UPDATE throttle_windows SET count = count - 1 WHERE key = ANY(?::text[])"
_DROP = """
DELETE FROM throttle_windows
WHERE key = ANY(?::text[]) OR (key = ANY(?::text[]) AND count <= 0)
"""
# Locked rows are left to others, so that this waits for nobody.
_PRUNE = """
DELETE FROM throttle_windows WHERE key = ANY(ARRAY(
    SELECT key FROM throttle_windows WHERE ends_at < statement_timestamp()
    ORDER BY ends_at LIMIT ? FOR UPDATE SKIP LOCKED
))
"""


def wait(windows: Sequence[Window]) -> int | None:
    """Return the seconds until an attempt is allowed; None if one is allowed now."""
    return _wait(windows, _opened(_READ, windows), most=-1)


def count(told: Sequence[Window], untold: Sequence[Window] = ()) -> Counted:
    """Count an attempt in all windows, or in none if one of those that are told is full.

    Args:
        told: the windows that make the caller wait.
        untold: the windows that only make the attempt one in vain.
    """
    if (seconds := wait(told)) is not None:
        return Counted(seconds)  # without a write, however many of them there are
    windows = [*told, *untold]
    opened = _opened(_ADD, windows)
    if (seconds := _wait(told, opened, most=0)) is not None:  # another one was faster
        settle(taken_back=[window.key for window in windows])
        return Counted(seconds)
    execute(_PRUNE, PRUNED)
    return Counted(None, in_vain=_wait(untold, opened, most=0) is not None)


def settle(*, cleared: Iterable[str] = (), taken_back: Iterable[str] = ()) -> None:
    """Undo counts.

    Args:
        cleared: keys of windows to drop.
        taken_back: keys of windows in which one attempt is not counted any more.
    """
    dropped, undone = list(cleared), list(taken_back)
    execute(_LOCK, dropped + undone)
    execute(_TAKE_BACK, undone)
    execute(_DROP, dropped, undone)


def _opened(sql: str, windows: Sequence[Window]) -> dict[str, _Open]:
    keys, seconds = [window.key for window in windows], [window.seconds for window in windows]
    return {key: _Open(*state) for key, *state in select(sql, keys, seconds)}


def _wait(windows: Sequence[Window], opened: dict[str, _Open], *, most: int) -> int | None:
    """Return the time that the first full window still lasts; None if none is full.

    Args:
        most: the number of attempts by which a window that is not full may exceed its limit.
    """
    for window in windows:
        state = opened.get(window.key)
        if state is not None and state.attempts > window.limit + most:
            return max(1, math.ceil(state.seconds_left))
    return None
