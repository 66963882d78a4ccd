"""Rate limits that several processes share; only PostgreSQL has several.

The tables are unlogged: a commit need not wait for the disk, and after a crash of PostgreSQL they
are empty, as limits in memory are after a restart.
"""

import peewee as pw

_TABLES = """
CREATE UNLOGGED TABLE throttle_windows (
    key VARCHAR(32) PRIMARY KEY,
    ends_at TIMESTAMPTZ NOT NULL,
    count INTEGER NOT NULL
);
CREATE INDEX throttle_windows_ends_at ON throttle_windows (ends_at);
CREATE UNLOGGED TABLE rate_buckets (
    key VARCHAR(32) PRIMARY KEY,
    full_at TIMESTAMPTZ NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    latest TIMESTAMPTZ NOT NULL
);
CREATE INDEX rate_buckets_full_at ON rate_buckets (full_at)
"""


def migrate(migrator, database, *, fake=False):
    """Make the tables."""
    if not isinstance(database, pw.SqliteDatabase):
        for statement in _TABLES.split(";"):
            migrator.sql(statement)


def rollback(migrator, database, *, fake=False):
    """Drop the tables; the limits begin anew."""
    if not isinstance(database, pw.SqliteDatabase):
        migrator.sql("DROP TABLE rate_buckets")
        migrator.sql("DROP TABLE throttle_windows")
