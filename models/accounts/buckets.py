"""The fill of token buckets that several processes share: an unlogged table of PostgreSQL."""

from __future__ import annotations

from typing import NamedTuple

from models.engine.bulk import execute, select

PRUNED = 100  # full buckets that are deleted, beside as many as were written


class Taken(NamedTuple):
    """What a process took from a bucket since it wrote the last time.

    Args:
        key: a digest of who took it, and from which of their buckets.
        cost: the seconds that it takes to fill the bucket by that much.
        age: the seconds since the first of it was taken.
        longest: the seconds within which every bucket of this kind is full again, whatever was
            taken. One that takes longer was written before the clock was set back.
    """

    key: str
    cost: float
    age: float
    longest: float


# As if all had been taken at the time of the first: a bucket is filled in the meantime, too. Of
# the columns, only `full_at` is ever read again; the others bring the values to the update.
_ADD = """
INSERT INTO rate_buckets AS stored (key, full_at, since, latest)
SELECT key, statement_timestamp() + (cost - age) * INTERVAL '1 second',
    statement_timestamp() - age * INTERVAL '1 second',
    statement_timestamp() + longest * INTERVAL '1 second'
FROM unnest(?::text[], ?::float8[], ?::float8[], ?::float8[]) AS taken (key, cost, age, longest)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET since = EXCLUDED.since, latest = EXCLUDED.latest,
    full_at = GREATEST(LEAST(stored.full_at, EXCLUDED.latest), EXCLUDED.since)
        + (EXCLUDED.full_at - EXCLUDED.since)
RETURNING key, EXTRACT(EPOCH FROM full_at - statement_timestamp())::float8
"""
# Locked rows are left to others, so that this waits for nobody.
_PRUNE = """
DELETE FROM rate_buckets WHERE key = ANY(ARRAY(
    SELECT key FROM rate_buckets WHERE full_at < statement_timestamp()
    ORDER BY full_at LIMIT ? FOR UPDATE SKIP LOCKED
))
"""


def add(taken: list[Taken]) -> dict[str, float]:
    """Add what was taken; call it with `Database.write_apart`.

    Returns:
        The seconds until each of these buckets is full, by key, with what all processes took.
    """
    filled = dict(select(_ADD, *map(list, zip(*taken, strict=True))))
    execute(_PRUNE, PRUNED + len(taken))
    return filled
